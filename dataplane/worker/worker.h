// One worker: a thread on one core that polls its queue of every port. One turn is
//
//   mailbox - receive - stages - transmit - what Linux sends - sweep - status
//
// and a turn never waits for anything. All state that outlives a turn is in the region, except where to go on in round
// robin and where the sweep stands. A worker that comes back after its process was killed takes up the snapshot that
// its status line names.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/contract/region.h"
#include "dataplane/lookup/tables.h"
#include "dataplane/packet/port.h"
#include "dataplane/pipeline/batch.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/worker/clear_job.h"
#include "dataplane/worker/rest.h"
#include "dataplane/worker/slow_path.h"

namespace fulcrum {

class Worker {
 public:
  struct Config {
    WorkerId id;
    bool sleep_when_idle = false;  // labs and small machines: leave the core to others when there is nothing to do
  };
  // `ports[i]` is the data port with PortId i, or null where the region's header says not in use. Everything is
  // borrowed and must outlive the worker.
  Worker(const Config& config, Region& region, Tables& tables, std::span<PacketPort* const> ports, SlowPath& slow_path,
         Doorbell& housekeeping);

  // Turns until `stop`. The worker's own thread.
  void run(const std::atomic<bool>& stop);
  // One turn at the time `now` (CLOCK_MONOTONIC). Returns the packets it handled. The worker's own thread, or a test.
  std::size_t turn(std::chrono::nanoseconds now) noexcept;
  // Any thread may look at them, with relaxed atomic loads.
  [[nodiscard]] const ScheduleCursors& cursors() const noexcept { return *cursors_; }

 private:
  void read_mailbox() noexcept;
  void adopt(std::uint32_t slot) noexcept;
  void hear_news() noexcept;
  std::size_t poll_port(PortId port, const Context& context) noexcept;
  void retire() noexcept;
  void transmit(PortId port, std::span<const Frame> frames) noexcept;
  void punt() noexcept;
  void send_answers() noexcept;
  std::size_t send_for_linux() noexcept;
  void report(const Event& event) noexcept;
  void sweep(const Context& context, std::chrono::nanoseconds now) noexcept;
  void keep_room(const Context& context) noexcept;
  void tell_figures(std::chrono::nanoseconds now) noexcept;
  void rest_after(std::size_t handled, std::chrono::nanoseconds now) noexcept;
  void count_drop(Drop reason, std::size_t amount = 1) noexcept;

  Config config_;
  Region& region_;
  Tables& tables_;
  std::array<PacketPort*, kPortsMax> ports_{};
  SlowPath& slow_path_;
  Doorbell& housekeeping_;
  WorkerSection& section_;
  ServerRows servers_;
  const Snapshot* snapshot_;        // in the region
  std::uint64_t urgent_since_ = 0;  // the snapshot generation of the last Command::set_server_state
  std::unique_ptr<ScheduleCursors> cursors_;
  std::unique_ptr<Batch> batch_;
  std::vector<std::int32_t> held_scratch_;  // by limit
  AnswerBudget budget_;
  std::array<Frame, kBatchMax> scratch_{};  // frames on their way out, side by side
  ClearJob clear_;
  std::chrono::nanoseconds swept_until_{0}, bindings_swept_until_{0}, figures_told_at_{0};
  // While the connection table is full.
  std::uint64_t starved_ = 0;
  Tick room_until_ = 0;
  std::uint32_t room_cursor_ = 0;
  Rest rest_;
};

}  // namespace fulcrum
