#include "dataplane/lookup/entry_pool.h"

#include <algorithm>
#include <type_traits>

#include "dataplane/base/invariant.h"

namespace fulcrum {
namespace {

constexpr std::uint32_t first_of(std::uint64_t head) noexcept { return static_cast<std::uint32_t>(head); }
// Of what only the calling thread writes.
template <class T>
T mine(const std::atomic<T>& value) noexcept {
  return value.load(std::memory_order_relaxed);
}
template <class T>
void set(std::atomic<T>& value, std::type_identity_t<T> to) noexcept {
  value.store(to, std::memory_order_relaxed);
}
constexpr std::uint64_t next_head(std::uint64_t head, std::uint32_t first) noexcept {
  return ((head >> 32U) + 1U) << 32U | first;
}

}  // namespace

EntryPool::EntryPool(std::size_t capacity, std::size_t workers)
    : capacity_{capacity},
      workers_{workers},
      cache_size_{std::clamp<std::size_t>(capacity / workers / 8, 1, kCacheMax)},
      links_{std::make_unique<std::atomic<std::uint32_t>[]>(capacity)},
      owners_{std::make_unique<Owner[]>(workers)},
      quiescence_{workers + 1} {
  FULCRUM_ASSERT(workers > 0 && workers < UINT8_MAX && capacity < UINT32_MAX);
  quiescence_.set_online(reader(), false);
}

EntryPool::Share EntryPool::share(WorkerId worker) const noexcept {
  return {static_cast<std::uint32_t>(capacity_ * worker.value / workers_),
          static_cast<std::uint32_t>(capacity_ * (worker.value + 1U) / workers_)};
}

WorkerId EntryPool::owner_of(std::uint32_t entry) const noexcept {
  // The inverse of share(): the last worker whose share begins at or before the entry.
  return WorkerId{static_cast<std::uint8_t>(((entry + 1ULL) * workers_ - 1) / capacity_)};
}

std::optional<std::uint32_t> EntryPool::take(WorkerId worker) noexcept {
  Owner& own = owners_[worker.value];
  if (mine(own.cached) == 0 && !refill(own, own)) {
    reclaim(worker, cache_size_);
    bool found = mine(own.cached) != 0 || refill(own, own);
    for (std::size_t i = 1; !found && i < workers_; ++i) found = refill(own, owners_[(worker.value + i) % workers_]);
    if (!found) {
      // What others retired into inboxes whose owners sleep: ours after a grace period, for a later call.
      for (std::size_t i = 0; i < workers_ && mine(own.waiting) == kEnd; ++i) wait_for(own, owners_[i]);
      return std::nullopt;
    }
  }
  const std::size_t left = mine(own.cached) - 1;
  set(own.cached, left);
  return own.cache[left];
}

bool EntryPool::has_entry(WorkerId worker) const noexcept {
  const Owner& own = owners_[worker.value];
  if (mine(own.cached) != 0) return true;
  if (mine(own.waiting) != kEnd && quiescence_.is_over(mine(own.grace))) return true;
  for (std::size_t i = 0; i < workers_; ++i) {
    if (first_of(owners_[i].stack.load(std::memory_order_relaxed)) != kEnd) return true;
  }
  return false;
}

void EntryPool::put_back(std::uint32_t entry) noexcept { push(owners_[owner_of(entry).value], entry, entry); }

void EntryPool::retire(std::uint32_t entry) noexcept {
  Owner& owner = owners_[owner_of(entry).value];
  std::uint32_t first = owner.inbox.load(std::memory_order_relaxed);
  do {
    link(entry).store(first, std::memory_order_relaxed);
  } while (!owner.inbox.compare_exchange_weak(first, entry, std::memory_order_release, std::memory_order_relaxed));
}

void EntryPool::reclaim(WorkerId worker, std::size_t limit) noexcept {
  Owner& own = owners_[worker.value];
  const std::uint32_t first = mine(own.waiting);
  if (first == kEnd) {
    wait_for(own, own);
    return;
  }
  if (!quiescence_.is_over(mine(own.grace))) return;
  std::uint32_t last = first;
  std::uint32_t next = link(last).load(std::memory_order_relaxed);
  for (std::size_t i = 1; i < limit && next != kEnd; ++i) {
    last = next;
    next = link(last).load(std::memory_order_relaxed);
  }
  set(own.waiting, next);
  push(own, first, last);
}

// Takes over what `from` was sent and begins a grace period for it.
bool EntryPool::wait_for(Owner& owner, Owner& from) noexcept {
  if (from.inbox.load(std::memory_order_relaxed) == kEnd) return false;
  const std::uint32_t chain = from.inbox.exchange(kEnd, std::memory_order_acquire);
  if (chain == kEnd) return false;
  set(owner.grace, quiescence_.start_grace());
  set(owner.waiting, chain);
  return true;
}

// Puts the chain from `first` to `last` on the owner's stack.
void EntryPool::push(Owner& owner, std::uint32_t first, std::uint32_t last) noexcept {
  std::uint64_t head = owner.stack.load(std::memory_order_relaxed);
  do {
    link(last).store(first_of(head), std::memory_order_relaxed);
  } while (!owner.stack.compare_exchange_weak(head, next_head(head, first), std::memory_order_release,
                                              std::memory_order_relaxed));
}

// Moves up to a cache's worth of entries from a stack, whose other takers may be at work, into an empty cache.
bool EntryPool::refill(Owner& into, Owner& from) noexcept {
  std::uint64_t head = from.stack.load(std::memory_order_acquire);
  for (;;) {
    std::uint32_t next = first_of(head);
    std::size_t count = 0;
    // A link may be of an entry that has been taken meanwhile: then it is any number below the capacity or the end,
    // the head has another count, and the exchange below fails.
    for (; count < cache_size_ && next != kEnd; ++count) {
      into.cache[cache_size_ - 1 - count] = next;
      next = link(next).load(std::memory_order_relaxed);
    }
    if (count == 0) return false;
    if (from.stack.compare_exchange_weak(head, next_head(head, next), std::memory_order_acquire,
                                         std::memory_order_acquire)) {
      // Handed out from the back: keep the stack's order, most recently freed first.
      std::copy(into.cache.begin() + static_cast<std::ptrdiff_t>(cache_size_ - count),
                into.cache.begin() + static_cast<std::ptrdiff_t>(cache_size_), into.cache.begin());
      set(into.cached, count);
      return true;
    }
  }
}

}  // namespace fulcrum
