#include "dataplane/pipeline/server_counts.h"

namespace fulcrum {

void begin_anew(ServerCounters& row, std::uint16_t generation) noexcept {
  // Readers skip a row of generation 0, so none adds the old server's numbers to the new one's.
  row.server_generation.store(0, std::memory_order_release);
  row.urgent_since.store(0, std::memory_order_relaxed);
  row.active.store(0, std::memory_order_relaxed);
  for (Counter* counter : {&row.connections, &row.packets_in, &row.packets_out, &row.bytes_in, &row.bytes_out}) {
    counter->reset();
  }
  row.server_generation.store(generation, std::memory_order_release);
}

void count_removed(const Snapshot& snapshot, std::span<ServerCounters> servers, ServerId server) noexcept {
  if (snapshot.servers[server.index].generation != server.generation) return;
  ServerCounters& row = counters_of(servers, server);
  row.active.store(row.active.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

}  // namespace fulcrum
