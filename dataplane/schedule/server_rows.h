// All that one worker keeps of the servers, by row: its counters, and the words in which it shows its share of their
// load and is shown the others' (contract/loads.h). Borrowed from the region; explain makes one over copies.
#pragma once

#include <algorithm>
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
      : ServerRows{counters, loads, {&loads, 1}, shared, workers} {}
  ServerRows(const Region& region, WorkerId worker) noexcept
      : ServerRows{region.server_counters(worker.value),
                   region.loads(worker.value),
                   {&region.loads(0), region.workers()},
                   region.shared_loads(),
                   region.workers()} {}

  [[nodiscard]] ServerCounters& operator[](std::size_t row) const noexcept { return counters_[row]; }
  [[nodiscard]] LoadWord& own(std::size_t row) const noexcept { return loads_->own[row]; }
  [[nodiscard]] const LoadWord& others(std::size_t row) const noexcept { return loads_->others[row]; }
  [[nodiscard]] const LoadWord& counted(std::size_t row) const noexcept { return loads_->counted[row]; }
  [[nodiscard]] std::uint32_t workers() const noexcept { return workers_; }  // of the box
  [[nodiscard]] SharedLoads& shared() const noexcept { return *shared_; }
  // By limit (schedule/limits.h): this worker's part, the sum over all workers, and whether it was reached.
  [[nodiscard]] std::atomic<std::int32_t>& held(std::size_t limit) const noexcept { return loads_->held[limit]; }
  [[nodiscard]] std::uint32_t held_by_all(std::size_t limit) const noexcept {
    std::int64_t sum = 0;
    for (const WorkerLoads& one : everybodys_) sum += one.held[limit].load(std::memory_order_seq_cst);
    return static_cast<std::uint32_t>(std::max<std::int64_t>(sum, 0));
  }
  [[nodiscard]] std::atomic<std::uint8_t>& full(std::size_t limit) const noexcept { return shared_->full[limit]; }

 private:
  ServerRows(std::span<ServerCounters> counters, WorkerLoads& loads, std::span<const WorkerLoads> everybodys,
             SharedLoads& shared, std::uint32_t workers) noexcept
      : counters_{counters}, loads_{&loads}, everybodys_{everybodys}, shared_{&shared}, workers_{workers} {}

  std::span<ServerCounters> counters_;
  WorkerLoads* loads_;
  std::span<const WorkerLoads> everybodys_;  // loads_ among them
  SharedLoads* shared_;
  std::uint32_t workers_;
};

}  // namespace fulcrum
