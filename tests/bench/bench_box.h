// The dataplane as the product has it, for benches: a region (on huge pages if told so), the connection table, a
// configuration of one farm with 100 servers, in NAT or DSR, and as many live connections as asked for, entered through
// the table itself. Ports and workers are made by the single measurements.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "dataplane/contract/region.h"
#include "dataplane/lookup/tables.h"
#include "dataplane/worker/worker.h"
#include "tests/bench/flows.h"

namespace fulcrum::bench {

inline constexpr WorkerId kWorker{0};  // the one that is measured, unless several are

class BenchBox {
 public:
  struct Options {
    std::uint32_t capacity = 1024;
    std::uint32_t live = 1024;  // connections to begin with
    std::uint16_t closing_s = 120, time_wait_s = 10;
    std::uint32_t workers = 1;
    std::string hugepage_dir;  // empty: ordinary pages
    std::string runtime_dir;   // only with hugepage_dir
  };
  explicit BenchBox(const Options& options);

  // What the slots of the region hold.
  enum class Slot : std::uint32_t { nat = 0, dsr = 1, many_farms = 2 };
  // Has the worker adopt the configuration in its next turn.
  void adopt(WorkerId worker, Slot slot);
  // Writes the large configuration again, as control does before it publishes. No worker may be using that slot.
  void rewrite_many_farms();
  // The time as the workers shall see it: later than it is by more than any timeout for each age_all() so far.
  [[nodiscard]] std::chrono::nanoseconds now() const noexcept { return monotonic_now() + ahead_; }
  void age_all() noexcept { ahead_ += std::chrono::hours{2}; }
  // Enters connections that have been removed.
  void refill() { fill(live_); }
  // A worker over these ports, which are 0 (clients) and 1 (servers). It has had turns until its sweep, which begins
  // behind by the whole table, goes at its usual pace, with the configuration of `slot`.
  std::unique_ptr<Worker> running_worker(WorkerId worker, std::array<PacketPort*, 2> ports, Slot slot);
  std::unique_ptr<Worker> make_worker(WorkerId worker, std::array<PacketPort*, 2> ports);

  [[nodiscard]] Region& region() noexcept { return region_; }
  [[nodiscard]] ConnectionTable& table() noexcept { return tables_->connections; }
  [[nodiscard]] std::uint32_t live() const noexcept { return live_; }
  // What a worker has counted since the start.
  struct Tally {
    std::uint64_t received = 0, sent = 0;
  };
  [[nodiscard]] Tally tally(WorkerId worker) const noexcept;

 private:
  void describe_ports();
  void write_snapshot(Slot slot, Mode mode, std::size_t farms);
  std::uint32_t fill(std::uint32_t live);

  Options options_;
  Region region_;
  std::unique_ptr<Snapshot> many_farms_;
  std::unique_ptr<Tables> tables_;
  SlowPath slow_path_;
  Doorbell doorbell_;
  std::uint32_t live_ = 0;
  std::chrono::nanoseconds ahead_{0};
};

}  // namespace fulcrum::bench
