#include "dataplane/pipeline/server_counts.h"

namespace fulcrum {

ServerCounters& counters_of(std::span<ServerCounters> servers, ServerId server) noexcept {
  ServerCounters& row = servers[server.index];
  if (row.server_generation.load(std::memory_order_relaxed) == server.generation) return row;
  // Readers skip a row of generation 0, so none adds the old server's numbers to the new one's.
  row.server_generation.store(0, std::memory_order_release);
  row.urgent_since.store(0, std::memory_order_relaxed);
  row.active.store(0, std::memory_order_relaxed);
  for (Counter* counter : {&row.connections, &row.packets_in, &row.packets_out, &row.bytes_in, &row.bytes_out}) {
    counter->reset();
  }
  row.server_generation.store(server.generation, std::memory_order_release);
  return row;
}

void count_removed(const Snapshot& snapshot, std::span<ServerCounters> servers, ServerId server) noexcept {
  if (snapshot.servers[server.index].generation != server.generation) return;
  ServerCounters& row = counters_of(servers, server);
  row.active.store(row.active.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

}  // namespace fulcrum
