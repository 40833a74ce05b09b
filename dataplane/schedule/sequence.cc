#include "dataplane/schedule/sequence.h"

namespace fulcrum {

std::uint16_t next_in_sequence(const Snapshot& snapshot, ServiceId service, ScheduleCursors& cursors,
                               const ServerRows& servers) noexcept {
  const ServiceRow& row = snapshot.services[service.value];
  std::uint32_t cursor = cursors.at[service.value];
  // The sequence may have become shorter since the cursor was last used.
  if (cursor >= row.schedule_length) cursor = 0;
  // A full round at most: the sequence holds only servers that were usable when it was compiled, and control compiles a
  // new one right after a server went down, so long walks last milliseconds.
  for (std::uint32_t step = 0; step < steps_of(snapshot, row.schedule_length); ++step) {
    const std::uint16_t server = snapshot.schedule[row.schedule_offset + cursor];
    cursor = cursor + 1 == row.schedule_length ? 0 : cursor + 1;
    if (!is_usable(snapshot, server, servers)) continue;
    __atomic_store_n(&cursors.at[service.value], cursor, __ATOMIC_RELAXED);
    return server;
  }
  return kNoIndex;
}

std::uint16_t brought_in(const Snapshot& snapshot, ServiceId service, const ServerRows& servers) noexcept {
  std::uint16_t row = snapshot.services[service.value].first_server;
  while (row != kNoIndex && !(has_urgent_state(snapshot, row, servers[row]) && is_usable(snapshot, row, servers))) {
    row = snapshot.servers[row].next_of_service;
  }
  return row;
}

Spare spare_server(const Snapshot& snapshot, ServiceId service, ScheduleCursors& cursors,
                   const ServerRows& servers) noexcept {
  const auto has_place = [&](std::uint16_t row) { return server_has_room(snapshot, row, servers); };
  std::uint16_t& last = cursors.spare[service.value];
  const bool is_ours = snapshot.servers[last].service == service;
  if (is_ours && takes_new(state_now(snapshot, last, servers[last])) && has_place(last)) return {.server = last};
  Spare spare;
  std::uint8_t best_rank = UINT8_MAX;
  for (std::uint16_t row = snapshot.services[service.value].first_server; row != kNoIndex;
       row = snapshot.servers[row].next_of_service) {
    const ServerRow& server = snapshot.servers[row];
    const ServerState state = state_now(snapshot, row, servers[row]);
    if (takes_new(state)) {
      if (has_place(row)) {
        __atomic_store_n(&last, row, __ATOMIC_RELAXED);
        return {.server = row};
      }
      spare.is_full = true;
    } else if (server.reserve_rank != 0 && server.reserve_rank < best_rank && state == server.state && has_place(row)) {
      best_rank = server.reserve_rank;
      spare.server = row;
    }
  }
  // The reserve is for those who find all others full, and for nobody who finds them down: that is control's to judge.
  spare.is_reserve = spare.is_full && spare.server != kNoIndex;
  if (!spare.is_reserve) spare.server = kNoIndex;
  return spare;
}

}  // namespace fulcrum
