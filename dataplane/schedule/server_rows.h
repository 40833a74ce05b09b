// All that one worker keeps of the servers, by row: its counters, and the words in which it shows its share of their
// load and is shown the others' (contract/loads.h). Borrowed from the region; explain makes one over copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/contract/counters.h"
#include "dataplane/contract/loads.h"
#include "dataplane/contract/region.h"

namespace fulcrum {

class ServerRows {
 public:
  ServerRows(std::span<ServerCounters> counters, WorkerLoads& loads, SharedLoads& shared,
             std::uint32_t workers) noexcept
      : counters_{counters}, loads_{&loads}, shared_{&shared}, workers_{workers} {}
  ServerRows(const Region& region, WorkerId worker) noexcept
      : ServerRows{region.server_counters(worker.value), region.loads(worker.value), region.shared_loads(),
                   region.workers()} {}

  [[nodiscard]] ServerCounters& operator[](std::size_t row) const noexcept { return counters_[row]; }
  [[nodiscard]] LoadWord& own(std::size_t row) const noexcept { return loads_->own[row]; }
  [[nodiscard]] const LoadWord& others(std::size_t row) const noexcept { return loads_->others[row]; }
  [[nodiscard]] const LoadWord& counted(std::size_t row) const noexcept { return loads_->counted[row]; }
  [[nodiscard]] std::uint32_t workers() const noexcept { return workers_; }  // of the box
  [[nodiscard]] SharedLoads& shared() const noexcept { return *shared_; }

 private:
  std::span<ServerCounters> counters_;
  WorkerLoads* loads_;
  SharedLoads* shared_;
  std::uint32_t workers_;
};

}  // namespace fulcrum
