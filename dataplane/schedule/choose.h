// Who gets a new connection: the farm's scheduler, whichever it is, and where that finds nobody whoever is left.
#pragma once

#include <cstdint>

#include "dataplane/base/clock.h"
#include "dataplane/base/ids.h"
#include "dataplane/contract/connections.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/contract/verdict.h"
#include "dataplane/schedule/least.h"
#include "dataplane/schedule/limits.h"
#include "dataplane/schedule/sequence.h"
#include "dataplane/schedule/server_rows.h"
#include "dataplane/schedule/slots.h"
#include "dataplane/schedule/spare.h"

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

struct Decision {
  std::uint16_t server = kNoIndex;
  Reason reason = Reason::scheduler;
  Drop refused = Drop::no_server;  // where there is no server
};

// How many servers of the service took connections when it was compiled; the scheduler finds nobody else.
[[nodiscard]] inline std::uint32_t takers(const ServiceRow& service) noexcept {
  return is_by_client(service.scheduler) ? service.usable_length : service.schedule_length;
}

// Without persistence. `is_urgent`: control has sent something newer about a server than what is compiled. Calling
// worker only.
[[nodiscard]] inline Decision decide(const Snapshot& snapshot, ServiceId service, const Client& client,
                                     ScheduleCursors& cursors, const ServerRows& servers, Tick now,
                                     bool is_urgent) noexcept {
  const ServiceRow& row = snapshot.services[service.value];
  if (!is_urgent && takers(row) == 0) return {};
  // Else everybody takes connections who did when it was compiled.
  const bool some_may_not = is_urgent || snapshot.has_limits != 0;
  const auto refused = [](bool is_full) { return is_full ? Drop::servers_full : Drop::no_server; };
  bool is_full = false;
  if (some_may_not && is_nobody_left(snapshot, service, cursors, servers, is_full))
    return {.refused = refused(is_full)};
  const std::uint16_t chosen = choose_server(snapshot, service, client, cursors, servers, now);
  if (chosen != kNoIndex || !some_may_not) return {chosen, reason_of(row.scheduler)};
  const Spare spare = spare_server(snapshot, service, cursors, servers);
  if (spare.server == kNoIndex) return {.refused = refused(spare.is_full)};
  const bool stands_in = spare.is_reserve || has_urgent_state(snapshot, spare.server, servers[spare.server]);
  return {spare.server, stands_in ? Reason::stand_in : Reason::spare};
}

}  // namespace fulcrum
