// The way of a batch, stage after stage (design section 4). The stages know neither DPDK nor files: the same code runs
// in the workers, the unit tests, the golden packet cases and the benches.
//
//   parse     bytes to facts, or a reason
//   classify  to a service, from a server of one, for the box itself (punt), or none of these
//   lookup    the connection, in bulk
//   schedule  misses only: choose a server, open the connection
//   track     TCP state, counters, time
//   rewrite   addresses, checksums, TTL, MAC addresses; the port it leaves by
//   answer    dropped packets whose sender shall hear of it: the answer in their place
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/base/clock.h"
#include "dataplane/contract/counters.h"
#include "dataplane/contract/explain.h"
#include "dataplane/contract/neighbours.h"
#include "dataplane/contract/region.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/lookup/connection_table.h"
#include "dataplane/lookup/persistence_table.h"
#include "dataplane/pipeline/answer_budget.h"
#include "dataplane/pipeline/batch.h"
#include "dataplane/schedule/sequence.h"
#include "dataplane/schedule/server_rows.h"

namespace fulcrum {

// What the stages may see and change. Lives on the worker's stack for one turn.
struct Context {
  const Snapshot& snapshot;  // generation 0: nothing was published yet
  ConnectionTable& connections;
  PersistenceTable& bindings;
  const NeighbourTable& neighbours;
  std::span<const PortInfo, kPortsMax> ports;
  ServerRows servers;   // this worker's rows
  TableStatus& status;  // this worker's
  ScheduleCursors& cursors;
  AnswerBudget& budget;  // this worker's
  WorkerId worker;
  Tick now;
  std::uint32_t now_us = 0;  // the same in microseconds, the lower 32 bits
  bool is_urgent = false;    // control has sent something newer about a server than what is compiled
};

void parse_stage(Batch& batch, Part part) noexcept;
void classify_stage(Batch& batch, Part part, const Context& context) noexcept;
// Segments of established connections, from end to end (fast_path.cc).
void enter_fast_path(Batch& batch, Part part, const Context& context) noexcept;
[[nodiscard]] std::uint32_t run_fast_path(Batch& batch, Part part, const Context& context) noexcept;
void lookup_stage(Batch& batch, Part part, const Context& context) noexcept;
// Its beginning and its end, for whoever takes the searches through their steps between them (ConnectionTable); and
// what is behind the connections that they found, for whoever has something else to do meanwhile.
void want_connections(Batch& batch, Part part, const Context& context) noexcept;
void prefetch_servers(const Batch& batch, Part part, const Context& context) noexcept;
void settle_connections(Batch& batch, Part part, const Context& context) noexcept;
void schedule_stage(Batch& batch, Part part, const Context& context) noexcept;
void track_stage(Batch& batch, Part part, const Context& context) noexcept;
void rewrite_stage(Batch& batch, Part part, const Context& context) noexcept;
void answer_stage(Batch& batch) noexcept;

// All of them. Afterwards no packet is pending. Takes a batch whose frames and count are set. Parts of the batch are at
// different stages at a time, but each packet goes through them in their order, and none overtakes another in one.
void run_stages(Batch& batch, const Context& context) noexcept;
// The same, stage after stage for the whole batch; calls `after(stage)` behind each, for whoever wants to know what
// each of them found.
template <class After>
void run_stages(Batch& batch, const Context& context, After after) noexcept {
  const Part all{0, static_cast<std::uint32_t>(batch.count)};
  batch.begin();
  parse_stage(batch, all);
  after(Stage::parse);
  classify_stage(batch, all, context);
  after(Stage::classify);
  lookup_stage(batch, all, context);
  after(Stage::lookup);
  schedule_stage(batch, all, context);
  after(Stage::schedule);
  track_stage(batch, all, context);
  after(Stage::track);
  rewrite_stage(batch, all, context);
  after(Stage::rewrite);
  if (batch.has_answers) answer_stage(batch);
}

// True when the sweep shall remove it: idle for too long, or its service or server is gone.
[[nodiscard]] bool is_over(const Snapshot& snapshot, const ConnectionEntry& entry, Tick now) noexcept;

}  // namespace fulcrum
