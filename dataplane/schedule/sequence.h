// Round robin and weighted round robin. Control compiles both to the same thing: a sequence of server rows in which
// each usable server stands as often as its weight says, evenly spread (contract/snapshot.h, `schedule`). A worker
// walks the sequence with a cursor of its own per service, so a choice costs the same for 2 servers as for 1,000 and no
// two workers share a line. Servers that went down since the snapshot was compiled are stepped over, and those that are
// at their limit of connections; no scheduler takes more than kStepsMax such steps. Who then has room is another matter
// (schedule/spare.h).
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

// How far a worker has looked for anybody who has room (schedule/spare.h).
struct Search {
  std::uint32_t news = 0;            // ScheduleCursors::news when it began; 0: it has not
  std::uint32_t reopened = 0;        // of those that reopened, the next to look at
  std::uint16_t next = kNoIndex;     // of the service's servers, the next to look at; kNoIndex: none is left
  std::uint16_t reserve = kNoIndex;  // the first of the reserve that had room
  bool has_more_reserve = false;     // another one had, too
  bool is_full = false;              // one that takes connections had no room
};

// Where a worker stands in each service's sequence, and in its random numbers. Not in the region: a restarted worker
// may begin anywhere. Written by its worker with relaxed atomic stores, so that explain can look at it.
struct ScheduleCursors {
  std::array<std::uint32_t, kServicesMax> at{};
  std::uint64_t random = 0;  // another seed for each worker
  std::uint32_t news = 1;    // grows whenever something may have changed about who takes connections
  std::array<Search, kServicesMax> searches{};
};

// Reads, from any thread, and writes, as the worker, what the other may look at at the same time.
[[nodiscard]] Search read_search(const Search& from) noexcept;
void keep_search(const Search& search, Search& to) noexcept;

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
inline constexpr std::uint32_t kStepsMax = 16;
[[nodiscard]] constexpr std::uint32_t steps_of(std::uint32_t turns) noexcept {
  return turns < kStepsMax ? turns : kStepsMax;
}

// The next server of the service; kNoIndex when none of kStepsMax is usable. Calling worker only: `cursors` and
// `servers` are its own.
[[nodiscard]] std::uint16_t next_in_sequence(const Snapshot& snapshot, ServiceId service, ScheduleCursors& cursors,
                                             const ServerRows& servers) noexcept;

}  // namespace fulcrum
