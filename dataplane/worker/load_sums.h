// Adds up what the workers show of the servers' load (contract/loads.h) and gives each of them the others' sum, about
// every millisecond. It reads and writes one word per server and worker, so a pass over 1,000 servers of two workers
// takes some microseconds; one over very many is spread over several turns, and nothing is added up where no service
// chooses by load.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

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
  [[nodiscard]] std::size_t rows_wanted() const noexcept;
  void add_up(std::size_t row) noexcept;
  void tell(LoadWord& word, const Load& load) noexcept;

  Region& region_;
  std::chrono::nanoseconds began_{0};
  std::size_t next_ = 0;  // row; 0: no pass is under way
  bool changed_ = false, is_busy_ = false;
};

}  // namespace fulcrum
