#include "dataplane/schedule/sequence.h"

namespace fulcrum {

std::uint16_t next_in_sequence(const Snapshot& snapshot, ServiceId service, ScheduleCursors& cursors,
                               const ServerRows& servers) noexcept {
  const ServiceRow& row = snapshot.services[service.value];
  std::uint32_t cursor = cursors.at[service.value];
  // The sequence may have become shorter since the cursor was last used.
  if (cursor >= row.schedule_length) cursor = 0;
  std::uint16_t found = kNoIndex;
  for (std::uint32_t step = 0; step < steps_of(row.schedule_length) && found == kNoIndex; ++step) {
    const std::uint16_t server = snapshot.schedule[row.schedule_offset + cursor];
    cursor = cursor + 1 == row.schedule_length ? 0 : cursor + 1;
    if (is_usable(snapshot, server, servers)) found = server;
  }
  // Also when none was found: the next decision shall not step over the same ones.
  __atomic_store_n(&cursors.at[service.value], cursor, __ATOMIC_RELAXED);
  return found;
}

Search read_search(const Search& from) noexcept {
  return {.news = __atomic_load_n(&from.news, __ATOMIC_RELAXED),
          .reopened = __atomic_load_n(&from.reopened, __ATOMIC_RELAXED),
          .next = __atomic_load_n(&from.next, __ATOMIC_RELAXED),
          .reserve = __atomic_load_n(&from.reserve, __ATOMIC_RELAXED),
          .has_more_reserve = __atomic_load_n(&from.has_more_reserve, __ATOMIC_RELAXED),
          .is_full = __atomic_load_n(&from.is_full, __ATOMIC_RELAXED)};
}

void keep_search(const Search& search, Search& to) noexcept {
  __atomic_store_n(&to.news, search.news, __ATOMIC_RELAXED);
  __atomic_store_n(&to.reopened, search.reopened, __ATOMIC_RELAXED);
  __atomic_store_n(&to.next, search.next, __ATOMIC_RELAXED);
  __atomic_store_n(&to.reserve, search.reserve, __ATOMIC_RELAXED);
  __atomic_store_n(&to.has_more_reserve, search.has_more_reserve, __ATOMIC_RELAXED);
  __atomic_store_n(&to.is_full, search.is_full, __ATOMIC_RELAXED);
}

}  // namespace fulcrum
