#include "dataplane/schedule/limits.h"

#include <algorithm>

namespace fulcrum {
namespace {

// Opens a limit that is full and of which fewer than `mark` are held.
void reopen_below(std::uint32_t mark, const Snapshot& snapshot, std::uint16_t limit,
                  const ServerRows& servers) noexcept {
  // Not relaxed, like the store that led here: see the head of limits.h.
  std::atomic<std::uint8_t>& full = servers.full(limit);
  if (full.load(std::memory_order_seq_cst) == 0) return;
  if (servers.held_by_all(limit) >= mark) return;
  full.store(0, std::memory_order_relaxed);
  // Behind the mark, so that who reads of it finds room. A farm is asked apart, by everybody.
  if (limit < kServersMax) {
    const FarmId farm = snapshot.services[snapshot.servers[limit].service.value % kServicesMax].farm;
    servers.shared().reopened[farm.value % kFarmsMax].add(limit);
  }
}

void reopen_if_room(const Snapshot& snapshot, std::uint16_t limit, const ServerRows& servers) noexcept {
  reopen_below(snapshot.limits[limit].low, snapshot, limit, servers);
}

// Every limit of the snapshot, those of servers and then those of farms.
template <class Visit>
void for_each_limit(const Snapshot& snapshot, Visit visit) noexcept {
  const std::size_t farms_end = kServersMax + std::min<std::size_t>(snapshot.farm_count, kFarmsMax);
  const auto visit_some = [&](std::size_t begin, std::size_t end) {
    for (std::size_t limit = begin; limit < end; ++limit) {
      if (snapshot.limits[limit].high != 0) visit(static_cast<std::uint16_t>(limit));
    }
  };
  visit_some(0, std::min<std::size_t>(snapshot.server_count, kServersMax));
  visit_some(kServersMax, farms_end);
}

}  // namespace

bool has_room(const Snapshot& snapshot, std::uint16_t limit, const ServerRows& servers) noexcept {
  if (limit == kNoIndex || snapshot.limits[limit].high == 0) return true;
  std::atomic<std::uint8_t>& full = servers.full(limit);
  if (full.load(std::memory_order_relaxed) != 0) return false;
  if (servers.held_by_all(limit) < snapshot.limits[limit].high) return true;
  full.store(1, std::memory_order_seq_cst);
  reopen_if_room(snapshot, limit, servers);
  return full.load(std::memory_order_relaxed) == 0;
}

void change_held(const Snapshot& snapshot, const ServerRows& servers, std::uint16_t row, std::int32_t change) noexcept {
  for (std::uint16_t limit = snapshot.servers[row].limit; limit != kNoIndex; limit = snapshot.limits[limit].above) {
    std::atomic<std::int32_t>& held = servers.held(limit);
    // Not relaxed: what still stands in this core's store buffer when others add up is exceeded by as much.
    held.store(held.load(std::memory_order_relaxed) + change, std::memory_order_seq_cst);
    if (change < 0) reopen_if_room(snapshot, limit, servers);
  }
}

void recount_held(const Snapshot& before, const Snapshot& snapshot, const ServerRows& servers,
                  std::vector<std::int32_t>& scratch) noexcept {
  if (snapshot.has_limits == 0) return;
  for_each_limit(snapshot, [&](std::uint16_t limit) { scratch[limit] = 0; });
  const std::size_t count = std::min<std::size_t>(snapshot.server_count, kServersMax);
  for (std::size_t row = 0; row < count; ++row) {
    std::uint16_t limit = snapshot.servers[row].limit;
    const ServerCounters& counters = servers[row];
    if (limit == kNoIndex ||
        counters.server_generation.load(std::memory_order_relaxed) != snapshot.servers[row].generation)
      continue;
    const auto active = static_cast<std::int32_t>(counters.active.load(std::memory_order_relaxed));
    for (; limit != kNoIndex; limit = snapshot.limits[limit].above) scratch[limit] += active;
  }
  for_each_limit(snapshot, [&](std::uint16_t limit) {
    servers.held(limit).store(scratch[limit], std::memory_order_seq_cst);
    const std::uint32_t high = before.limits[limit].high;
    const bool was_raised = high != 0 && high < snapshot.limits[limit].high;
    reopen_below(was_raised ? snapshot.limits[limit].high : snapshot.limits[limit].low, snapshot, limit, servers);
  });
}

}  // namespace fulcrum
