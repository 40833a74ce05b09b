// Whoever is left. A scheduler steps over some servers that are full, or that failed a moment ago; where it found
// nobody in so few steps, any server gets the connection that takes one and has room: by a walk along all servers of
// the service. A farm whose servers are nearly all full may stay so for hours, so the walk is not made for each
// connection. It goes on where it last stopped, at the server that was found, and passes each server once. Behind it
// all are full or out of service, and stay so until one is left by enough connections. Those are written down by
// whoever reopens them (contract/loads.h, `Reopened`), and are all that a search looks at when its walk is over.
//
// Nothing depends on what is written down: where a search cannot read all of what came since it began (more than the
// list keeps, or a worker that was killed while it wrote), and whenever there is news of the servers, it begins anew.
// So a decision takes a few looks on average, of however many servers all but one are full.
#pragma once

#include <cstdint>

#include "dataplane/base/ids.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/schedule/sequence.h"
#include "dataplane/schedule/server_rows.h"

namespace fulcrum {

struct Spare {
  std::uint16_t server = kNoIndex;  // kNoIndex: nobody has room
  bool is_full = false;             // those that take connections are full
  bool is_reserve = false;          // `server` is of the reserve
};

// Any server of the service that takes connections and has room; when all that take some are full, the first of the
// reserve, which control then brings in for everybody. Calling worker only.
[[nodiscard]] Spare spare_server(const Snapshot& snapshot, ServiceId service, ScheduleCursors& cursors,
                                 const ServerRows& servers) noexcept;

// Whether spare_server() found nobody and nothing has changed since; `is_full` is set to what it said then.
[[nodiscard]] bool is_nobody_left(const Snapshot& snapshot, ServiceId service, const ScheduleCursors& cursors,
                                  const ServerRows& servers, bool& is_full) noexcept;

}  // namespace fulcrum
