// The farm's scheduler, whichever it is.
#pragma once

#include <cstdint>

#include "dataplane/base/clock.h"
#include "dataplane/base/ids.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/schedule/least.h"
#include "dataplane/schedule/limits.h"
#include "dataplane/schedule/sequence.h"
#include "dataplane/schedule/server_rows.h"
#include "dataplane/schedule/slots.h"

namespace fulcrum {

// Whom the scheduler names; kNoIndex when none is usable. Calling worker only: `cursors` and `servers` are its own.
[[nodiscard]] inline std::uint16_t scheduled_server(const Snapshot& snapshot, ServiceId service, const Client& client,
                                                    ScheduleCursors& cursors, const ServerRows& servers,
                                                    Tick now) noexcept {
  const SchedulerKind kind = snapshot.services[service.value].scheduler;
  if (is_by_turn(kind)) return next_in_sequence(snapshot, service, cursors, servers);
  if (is_by_client(kind)) return server_of_client(snapshot, service, client, servers);
  return least_busy(snapshot, service, cursors, servers, now);
}

// The server for a new connection; kNoIndex when none was found. One that is found at its limit is marked and no longer
// named, so there are more attempts than one only in the moment at which servers become full.
[[nodiscard]] inline std::uint16_t choose_server(const Snapshot& snapshot, ServiceId service, const Client& client,
                                                 ScheduleCursors& cursors, const ServerRows& servers,
                                                 Tick now) noexcept {
  for (int attempt = 0; attempt < 4; ++attempt) {
    const std::uint16_t row = scheduled_server(snapshot, service, client, cursors, servers, now);
    if (row == kNoIndex || server_has_room(snapshot, row, servers)) return row;
  }
  return kNoIndex;
}

}  // namespace fulcrum
