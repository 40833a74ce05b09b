#include "dataplane/explain/shadow.h"

namespace fulcrum {
namespace {

void copy(const ServerCounters& from, ServerCounters& to) noexcept {
  to.server_generation.store(from.server_generation.load(std::memory_order_relaxed), std::memory_order_relaxed);
  to.urgent_state.store(from.urgent_state.load(std::memory_order_relaxed), std::memory_order_relaxed);
  to.urgent_since.store(from.urgent_since.load(std::memory_order_relaxed), std::memory_order_relaxed);
  to.active.store(from.active.load(std::memory_order_relaxed), std::memory_order_relaxed);
  to.closing.store(from.closing.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

void copy(const LoadWord& from, LoadWord& to) noexcept {
  to.store(from.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

void copy(const Reopened& from, Reopened& to) noexcept {
  to.count.store(from.count.load(std::memory_order_acquire), std::memory_order_relaxed);
  for (std::size_t i = 0; i < from.entries.size(); ++i)
    to.entries[i].store(from.entries[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
}

}  // namespace

void ShadowRows::fill(const Region& region, WorkerId worker, std::size_t count, const ScheduleCursors& live,
                      std::uint16_t service, FarmId farm) noexcept {
  const ServerRows rows{region, worker};
  for (std::size_t i = 0; i < count; ++i) {
    copy(rows[i], counters[i]);
    copy(rows.own(i), loads->own[i]);
    copy(rows.others(i), loads->others[i]);
    copy(rows.counted(i), loads->counted[i]);
    copy(rows.shared().bandwidth[i], shared->bandwidth[i]);
    copy(rows.shared().samples[i], shared->samples[i]);
  }
  const auto take_limit = [&](std::size_t limit) {
    loads->held[limit].store(static_cast<std::int32_t>(rows.held_by_all(limit)), std::memory_order_relaxed);
    shared->full[limit].store(rows.full(limit).load(std::memory_order_relaxed), std::memory_order_relaxed);
  };
  for (std::size_t i = 0; i < count; ++i) take_limit(i);
  for (std::size_t i = kServersMax; i < kLimitsMax; ++i) take_limit(i);
  copy(rows.shared().reopened[farm.value % kFarmsMax], shared->reopened[farm.value % kFarmsMax]);
  if (service < kServicesMax) {
    cursors.at[service] = __atomic_load_n(&live.at[service], __ATOMIC_RELAXED);
    cursors.searches[service] = read_search(live.searches[service]);
  }
  cursors.news = __atomic_load_n(&live.news, __ATOMIC_RELAXED);
  cursors.random = __atomic_load_n(&live.random, __ATOMIC_RELAXED);
}

}  // namespace fulcrum
