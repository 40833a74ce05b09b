// Limits of connections: of a server over all of its addresses and ports, and of a farm over all of its servers. A
// limit that is reached is full until fewer than its low mark are left (hysteresis), and a full server is to a
// scheduler what one that is down is, except that those bound to it move too.
//
// No worker writes what another writes. Each shows how many connections it holds against each limit (contract/loads.h,
// `held`); before a new connection is opened the words of all workers are added up, and what is found full is marked
// for all, so that to step over a full server costs a look at a byte that hardly ever changes. The sum is taken at the
// last moment, so a limit is exceeded by at most one connection for each worker but one: those that look at the same
// moment. Whoever closes a connection of a full server looks whether there is room again. Of two that close the last
// one and mark the limit full at the same moment, one sees what the other wrote; both write before they look.
//
// What a worker holds is counted anew from its rows whenever it adopts a snapshot, also after its process was killed.
// So limits may come, change and go in a running farm, and nothing adds up to an error over time.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/base/ids.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/schedule/server_rows.h"

namespace fulcrum {

// Whether the server takes nobody because it is at its limit. The farm's limit is asked apart, once for a connection.
[[nodiscard]] inline bool is_full(const Snapshot& snapshot, std::uint16_t row, const ServerRows& servers) noexcept {
  const std::uint16_t limit = snapshot.servers[row].limit;
  return limit < kServersMax && servers.full(limit).load(std::memory_order_relaxed) != 0;
}

// Whether one connection more may count against the limit (kNoIndex: always); marks it full when it may not.
[[nodiscard]] bool has_room(const Snapshot& snapshot, std::uint16_t limit, const ServerRows& servers) noexcept;

// The same of a server's own limit.
[[nodiscard]] inline bool server_has_room(const Snapshot& snapshot, std::uint16_t row,
                                          const ServerRows& servers) noexcept {
  const std::uint16_t limit = snapshot.servers[row].limit;
  return limit >= kServersMax || has_room(snapshot, limit, servers);
}

// A connection of the server was opened (1) or removed (-1). Calling worker only.
void change_held(const Snapshot& snapshot, const ServerRows& servers, std::uint16_t row, std::int32_t change) noexcept;

// When `snapshot` takes the place of `before`: counts anew what the worker holds, by its counters of the snapshot's
// rows, and opens what is full where the limit was raised above what is held, whatever its low mark. `scratch` has
// kLimitsMax places, of any content. Calling worker only.
void recount_held(const Snapshot& before, const Snapshot& snapshot, const ServerRows& servers,
                  std::vector<std::int32_t>& scratch) noexcept;

}  // namespace fulcrum
