// A worker's own counters of each server (contract/counters.h). A row belongs to one generation of its server; a worker
// that meets a newer one starts the row anew. What it has of the server's connections it shows to the others as well
// (contract/loads.h): always the absolute number, so that a death between the two stores is made good by the next.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/base/ids.h"
#include "dataplane/contract/connections.h"
#include "dataplane/contract/counters.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/lookup/connection_table.h"
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

inline void count_packet(const ServerRows& servers, ServerId server, ConnectionTable::Direction direction,
                         std::uint32_t ip_bytes) noexcept {
  ServerCounters& row = counters_of(servers, server);
  const bool in = direction == ConnectionTable::Direction::to_server;
  (in ? row.packets_in : row.packets_out).add(1);
  (in ? row.bytes_in : row.bytes_out).add(ip_bytes);
}

// Puts a connection that was opened on its server's count, and on what counts against limits.
void count_opened(const Snapshot& snapshot, const ServerRows& servers, ServerId server) noexcept;

// A connection of the server went from one state to another. Only for people to see; when a worker changes the state of
// a connection in the very moment in which another removes it, the count of closing ones may be off by it.
inline void count_state(const ServerRows& servers, ServerId server, ConnectionState from, ConnectionState to) noexcept {
  const int change = int{is_closing(to)} - int{is_closing(from)};
  if (change == 0) return;
  std::atomic<std::int32_t>& closing = counters_of(servers, server).closing;
  closing.store(closing.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
}

// Takes a removed connection off its server's counts, unless the server itself has left the snapshot. `state`: its last
// one. Whoever removed the connection calls this once; that need not be the worker that opened it.
void count_removed(const Snapshot& snapshot, const ServerRows& servers, ServerId server,
                   ConnectionState state) noexcept;

}  // namespace fulcrum
