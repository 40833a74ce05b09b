// The housekeeping thread: moves frames between the workers and the kernel twins, answers what `fulcrum explain` asks,
// keeps the heartbeat, adds up the servers' load, ten times a second asks the ports what they lost, and twice whether
// they have a link, which it tells in the log and in the region. It sleeps in poll(2) when there is nothing to do; a
// worker with something for Linux rings its doorbell.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <span>

#include "dataplane/contract/region.h"
#include "dataplane/explain/explainer.h"
#include "dataplane/packet/port.h"
#include "dataplane/worker/load_sums.h"
#include "dataplane/worker/slow_path.h"

namespace fulcrum {

class Housekeeping {
 public:
  // `twins[i]` and `ports[i]` belong to PortId i, or are null. Frames from Linux all go out through worker 0, so that
  // their order is kept. Everything is borrowed.
  Housekeeping(Region& region, std::span<Twin* const> twins, std::span<PacketPort* const> ports,
               std::span<SlowPath* const> workers, Doorbell& doorbell, Explainer& explainer);

  // Turns until `stop`. The housekeeping thread, alone.
  void run(const std::atomic<bool>& stop);
  // One turn without sleeping; returns the frames it moved.
  std::size_t turn() noexcept;
  // Adds to the counters what the ports lost since the last call. The housekeeping thread.
  void count_losses() noexcept;

 private:
  std::size_t deliver_to_linux(SlowPath& from) noexcept;
  std::size_t fetch_from_linux(PortId port) noexcept;
  void look_at_links() noexcept;
  void sleep() noexcept;

  Region& region_;
  std::array<Twin*, kPortsMax> twins_{};
  std::array<PacketPort*, kPortsMax> ports_{};
  std::span<SlowPath* const> workers_;
  Doorbell& doorbell_;
  Explainer& explainer_;
  WorkerSection& section_;
  PacketCounters& counters_;
  LoadSums loads_;
  std::chrono::nanoseconds losses_counted_{0};
  std::chrono::nanoseconds links_seen_{0};
};

// After a warm start, before any thread runs: packets that the dead process had taken in and not accounted for are
// given their name, Drop::lost_in_restart.
void account_for_lost(Region& region) noexcept;

}  // namespace fulcrum
