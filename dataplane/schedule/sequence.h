// Round robin and weighted round robin. Control compiles both to the same thing: a sequence of server rows in which
// each usable server stands as often as its weight says, evenly spread (contract/snapshot.h, `schedule`). A worker
// walks the sequence with a cursor of its own per service, so a choice costs the same for 2 servers as for 1,000 and no
// two workers share a line. Servers that went down since the snapshot was compiled are stepped over, and those that are
// at their limit of connections. Since that may last, no scheduler takes more than kStepsMax such steps; who then has
// room is found by a walk along the service's servers, and remembered until it has none (`spare`). That nobody has room
// is remembered as well, until something changes (`full_as_of`).
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/ids.h"
#include "dataplane/contract/capacities.h"
#include "dataplane/contract/counters.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/schedule/limits.h"
#include "dataplane/schedule/server_rows.h"

namespace fulcrum {

// Where a worker stands in each service's sequence, and in its random numbers. Not in the region: a restarted worker
// may begin anywhere. Written by its worker with relaxed atomic stores, so that explain can look at it.
struct ScheduleCursors {
  std::array<std::uint32_t, kServicesMax> at{};
  std::uint64_t random = 0;                              // another seed for each worker
  std::array<std::uint16_t, kServicesMax> spare{};       // a server that had room when the scheduler found none
  std::array<std::uint32_t, kServicesMax> full_as_of{};  // Context::news when all were full
};

// Whether control has sent something newer about the server than what was compiled.
[[nodiscard]] inline bool has_urgent_state(const Snapshot& snapshot, std::uint16_t row,
                                           const ServerCounters& urgent) noexcept {
  return urgent.urgent_since.load(std::memory_order_relaxed) == snapshot.generation &&
         urgent.server_generation.load(std::memory_order_relaxed) == snapshot.servers[row].generation;
}

// What the server takes part in: as compiled, unless control sent something newer since.
[[nodiscard]] inline ServerState state_now(const Snapshot& snapshot, std::uint16_t row,
                                           const ServerCounters& urgent) noexcept {
  return has_urgent_state(snapshot, row, urgent) ? urgent.urgent_state.load(std::memory_order_relaxed)
                                                 : snapshot.servers[row].state;
}

// Whether new connections may go to the server.
[[nodiscard]] inline bool is_usable(const Snapshot& snapshot, std::uint16_t row, const ServerRows& servers) noexcept {
  return takes_new(state_now(snapshot, row, servers[row])) && !is_full(snapshot, row, servers);
}

// How many of `turns` a scheduler steps over, one server each.
inline constexpr std::uint32_t kStepsMax = 64;
[[nodiscard]] inline std::uint32_t steps_of(const Snapshot& snapshot, std::uint32_t turns) noexcept {
  return snapshot.has_limits == 0 || turns < kStepsMax ? turns : kStepsMax;
}

// The next server of the service; kNoIndex when none is usable. Calling worker only: `cursors` and `servers` are its
// own.
[[nodiscard]] std::uint16_t next_in_sequence(const Snapshot& snapshot, ServiceId service, ScheduleCursors& cursors,
                                             const ServerRows& servers) noexcept;

// A server of the service that control has just brought in (a standby, the moment its server failed) and that no
// compiled sequence holds yet; kNoIndex when there is none. For those milliseconds it gets all that nobody else can
// take.
[[nodiscard]] std::uint16_t brought_in(const Snapshot& snapshot, ServiceId service, const ServerRows& servers) noexcept;

// Whom the scheduler did not come to, where servers have limits: any server of the service that takes connections and
// has room; when all are full, the first of the reserve, which control then brings in for everybody.
struct Spare {
  std::uint16_t server = kNoIndex;
  bool is_full = false;     // those that take connections are full
  bool is_reserve = false;  // `server` is of the reserve
};
[[nodiscard]] Spare spare_server(const Snapshot& snapshot, ServiceId service, ScheduleCursors& cursors,
                                 const ServerRows& servers) noexcept;

}  // namespace fulcrum
