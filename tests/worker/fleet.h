// One service with as many servers and workers as a test wants, scheduled as control compiles it, without packets:
// connections are opened and closed by the functions that the stages use, the load is added up by housekeeping's.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/pipeline/server_counts.h"
#include "dataplane/schedule/choose.h"
#include "dataplane/worker/load_sums.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum::test {

class Fleet {
 public:
  Fleet(SchedulerKind kind, const std::vector<std::uint16_t>& weights, std::uint32_t workers = 1);

  // As control does it after a change of the snapshot's rows.
  void compile_schedule();
  // Opens one connection by that worker; its server's row, or kNoIndex.
  std::uint16_t open(std::size_t worker = 0, const Client& client = {});
  void close(std::uint16_t row, std::size_t worker = 0);
  // Every server may have so many connections.
  void limit(std::uint32_t high, std::uint32_t low);
  // What housekeeping does about every millisecond.
  void add_up();
  // A message of control to every worker.
  void say(std::uint16_t row, ServerState state);

  [[nodiscard]] std::int64_t active(std::uint16_t row) const;  // over all workers
  [[nodiscard]] std::vector<std::int64_t> active() const;
  [[nodiscard]] ServerId id(std::uint16_t row) const { return {row, snapshot.servers[row].generation}; }

  Region region;
  Snapshot& snapshot;
  ServiceId service;
  std::chrono::nanoseconds now = std::chrono::hours{1};
  std::vector<ServerRows> rows;  // by worker
  std::vector<ScheduleCursors> cursors;

 private:
  void tell_news();

  LoadSums sums_;
  bool is_urgent_ = false;
};

}  // namespace fulcrum::test
