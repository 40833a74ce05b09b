// A worker's own counters of each server (contract/counters.h). A row belongs to one generation of its server; a worker
// that meets a newer one starts the row anew.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/base/ids.h"
#include "dataplane/contract/counters.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

// Zeroes a row that was another generation's.
void begin_anew(ServerCounters& row, std::uint16_t generation) noexcept;

// The row of `server`, zeroed first if it was another generation's. Calling worker only: the rows are its own.
inline ServerCounters& counters_of(std::span<ServerCounters> servers, ServerId server) noexcept {
  ServerCounters& row = servers[server.index];
  if (row.server_generation.load(std::memory_order_relaxed) != server.generation) begin_anew(row, server.generation);
  return row;
}

// Takes a removed connection off its server's count, unless the server itself has left the snapshot. Whoever removed
// the connection calls this once; that need not be the worker that opened it.
void count_removed(const Snapshot& snapshot, std::span<ServerCounters> servers, ServerId server) noexcept;

}  // namespace fulcrum
