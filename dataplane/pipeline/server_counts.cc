#include "dataplane/pipeline/server_counts.h"

#include <algorithm>

#include "dataplane/schedule/limits.h"

namespace fulcrum {
namespace {

void change_active(const ServerRows& servers, ServerId server, std::int32_t change) noexcept {
  ServerCounters& row = counters_of(servers, server);
  const std::int32_t active = row.active.load(std::memory_order_relaxed) + change;
  row.active.store(active, std::memory_order_relaxed);
  LoadWord& own = servers.own(server.index);
  Load shown = Load::from_word(own.load(std::memory_order_relaxed));
  if (shown.generation != server.generation) shown = {.generation = server.generation};
  shown.active = std::clamp(active, -Load::active_max, Load::active_max);
  own.store(shown.word(), std::memory_order_relaxed);
}

}  // namespace

void begin_anew(const ServerRows& servers, ServerId server) noexcept {
  ServerCounters& row = servers[server.index];
  // Readers skip a row of generation 0, so none adds the old server's numbers to the new one's.
  row.server_generation.store(0, std::memory_order_release);
  row.urgent_since.store(0, std::memory_order_relaxed);
  row.active.store(0, std::memory_order_relaxed);
  row.closing.store(0, std::memory_order_relaxed);
  for (Counter* counter : {&row.connections, &row.packets_in, &row.packets_out, &row.bytes_in, &row.bytes_out}) {
    counter->reset();
  }
  servers.own(server.index).store(Load{.generation = server.generation}.word(), std::memory_order_relaxed);
  row.server_generation.store(server.generation, std::memory_order_release);
}

void count_opened(const Snapshot& snapshot, const ServerRows& servers, ServerId server) noexcept {
  counters_of(servers, server).connections.add(1);
  change_active(servers, server, 1);
  change_held(snapshot, servers, server.index, 1);
}

void count_removed(const Snapshot& snapshot, const ServerRows& servers, ServerId server,
                   ConnectionState state) noexcept {
  if (snapshot.servers[server.index].generation != server.generation) return;
  count_state(servers, server, state, ConnectionState::embryonic);
  change_active(servers, server, -1);
  change_held(snapshot, servers, server.index, -1);
}

}  // namespace fulcrum
