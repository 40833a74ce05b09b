// A worker's own counters of each server (contract/counters.h). A row belongs to one generation of its server; a worker
// that meets a newer one starts the row anew. What it has of the server's connections it shows to the others as well
// (contract/loads.h): always the absolute number, so that a death between the two stores is made good by the next.
#pragma once

#include "dataplane/base/ids.h"
#include "dataplane/contract/counters.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/schedule/server_rows.h"

namespace fulcrum {

// Zeroes a row that was another generation's.
void begin_anew(const ServerRows& servers, ServerId server) noexcept;

// The row of `server`, zeroed first if it was another generation's. Calling worker only: the rows are its own.
inline ServerCounters& counters_of(const ServerRows& servers, ServerId server) noexcept {
  ServerCounters& row = servers[server.index];
  if (row.server_generation.load(std::memory_order_relaxed) != server.generation) begin_anew(servers, server);
  return row;
}

// Puts a connection that was opened on its server's count, and on what counts against limits.
void count_opened(const Snapshot& snapshot, const ServerRows& servers, ServerId server) noexcept;

// Takes a removed connection off its server's count, unless the server itself has left the snapshot. Whoever removed
// the connection calls this once; that need not be the worker that opened it.
void count_removed(const Snapshot& snapshot, const ServerRows& servers, ServerId server) noexcept;

}  // namespace fulcrum
