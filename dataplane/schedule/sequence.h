// Round robin and weighted round robin. Control compiles both to the same thing: a sequence of server rows in which
// each usable server stands as often as its weight says, evenly spread (contract/snapshot.h, `schedule`). A worker
// walks the sequence with a cursor of its own per service, so a choice costs the same for 2 servers as for 1,000 and no
// two workers share a line. Servers that went down since the snapshot was compiled are stepped over.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/base/ids.h"
#include "dataplane/contract/capacities.h"
#include "dataplane/contract/counters.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

// Where a worker stands in each service's sequence. Not in the region: a restarted worker may begin anywhere. Written
// by its worker with relaxed atomic stores, so that explain can look at it.
struct ScheduleCursors {
  std::array<std::uint32_t, kServicesMax> at{};
};

// Whether new connections may go to the server: as compiled, unless control sent something newer since.
[[nodiscard]] inline bool is_usable(const Snapshot& snapshot, std::uint16_t row,
                                    const ServerCounters& urgent) noexcept {
  const ServerRow& server = snapshot.servers[row];
  if (urgent.urgent_since.load(std::memory_order_relaxed) == snapshot.generation &&
      urgent.server_generation.load(std::memory_order_relaxed) == server.generation) {
    return urgent.urgent_state.load(std::memory_order_relaxed) == ServerState::up;
  }
  return server.state == ServerState::up;
}

// The next server of the service; kNoIndex when none is usable. Calling worker only: `cursors` and `servers` are its
// own.
[[nodiscard]] std::uint16_t next_in_sequence(const Snapshot& snapshot, ServiceId service, ScheduleCursors& cursors,
                                             std::span<const ServerCounters> servers) noexcept;

}  // namespace fulcrum
