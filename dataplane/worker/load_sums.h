// Adds up what the workers show of the servers' load (contract/loads.h) and gives each of them the others' sum, about
// every millisecond. It reads and writes one word per server and worker, so a pass over 1,000 servers of two workers
// takes some microseconds; one over very many is spread over several turns, and nothing is added up where no service
// chooses by load. Once a second it sees how many bytes each server moved, where a service chooses by that.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/contract/region.h"

namespace fulcrum {

class LoadSums {
 public:
  static constexpr std::chrono::nanoseconds period = std::chrono::milliseconds{1};

  explicit LoadSums(Region& region) : region_{region} {}
  // A part of a pass, or nothing when none is due. The housekeeping thread.
  void turn(std::chrono::nanoseconds now) noexcept;
  // Whether the last whole pass found something new, so that the next one should not have to wait.
  [[nodiscard]] bool is_busy() const noexcept { return is_busy_; }

 private:
  struct Moved {
    std::uint16_t generation = 0;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] std::size_t rows_wanted(std::atomic<std::uint32_t> WorkerStatus::*rows) const noexcept;
  [[nodiscard]] std::uint32_t probed(std::size_t row, std::uint16_t generation) const noexcept;
  void add_up(std::size_t row) noexcept;
  void measure_bandwidth(std::chrono::nanoseconds now) noexcept;
  void measure_bandwidth_of(std::size_t row) noexcept;
  void tell(LoadWord& word, const Load& load) noexcept;

  Region& region_;
  std::chrono::nanoseconds began_{0};
  std::size_t next_ = 0;  // row; 0: no pass is under way
  bool changed_ = false, is_busy_ = false;
  std::chrono::nanoseconds bandwidth_began_{0}, bandwidth_span_{0};
  std::size_t bandwidth_next_ = 0;  // as next_
  std::vector<Moved> moved_;        // by row, as of the last second; empty: nobody has asked
};

}  // namespace fulcrum
