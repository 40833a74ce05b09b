// Which entries of a table may be taken, in process memory: four bytes per entry, a link that strings it to the next
// one in whatever list holds it. Built at start; nothing is allocated and nothing is locked after that.
//
// The array is cut into one share per worker. A share's entries lie on its owner's stack; the owner takes up to
// kCacheMax at a time into a small array of its own and hands out from there. A worker whose stack is empty takes from
// the others' stacks, so that one busy worker can use the whole table. An entry that dies goes back to the owner of its
// share whoever had taken it, so shares do not drift.
//
//   taken -> retire() -> inbox of its owner -> waiting (a grace period) -> stack of its owner -> cache -> take() ->
//   taken
//
// Stacks are popped by several workers: the head carries a count that changes with every change, so a stack that was
// changed and changed back is not mistaken for itself, and links read from a stack that moved meanwhile are thrown
// away. An inbox is only pushed to and emptied as a whole.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "dataplane/base/ids.h"
#include "dataplane/lookup/quiescence.h"

namespace fulcrum {

class EntryPool {
 public:
  static constexpr std::size_t kCacheMax = 64;

  // At first all entries are taken: put_back() what is free. Entries are numbered from 0; capacity < 2^32 - 1.
  EntryPool(std::size_t capacity, std::size_t workers);

  struct Share {
    std::uint32_t begin = 0, end = 0;
  };
  [[nodiscard]] Share share(WorkerId worker) const noexcept;
  [[nodiscard]] WorkerId owner_of(std::uint32_t entry) const noexcept;

  // The worker. Nothing: no entry can be had now.
  std::optional<std::uint32_t> take(WorkerId worker) noexcept;
  // Any worker, or the maker of the table. The entry may be taken at once: no other worker ever saw it.
  void put_back(std::uint32_t entry) noexcept;
  // Any worker. The entry cannot be found any more; it may be taken again after a grace period.
  void retire(std::uint32_t entry) noexcept;
  // The worker, once per turn: moves retired entries on, at most `limit` of them to the stack.
  void reclaim(WorkerId worker, std::size_t limit) noexcept;

  // Any thread: whether take() by this worker would find an entry now; a moment's estimate.
  [[nodiscard]] bool has_entry(WorkerId worker) const noexcept;

  // Of the workers and, as one more that begins offline, of a reader who is no worker.
  [[nodiscard]] Quiescence& quiescence() noexcept { return quiescence_; }
  [[nodiscard]] WorkerId reader() const noexcept { return {static_cast<std::uint8_t>(workers_)}; }

 private:
  static constexpr std::uint32_t kEnd = UINT32_MAX;
  struct Owner {
    // Written by the worker alone. Others may look at what is atomic.
    alignas(64) std::array<std::uint32_t, kCacheMax> cache{};
    std::atomic<std::size_t> cached{0};
    std::atomic<std::uint32_t> waiting{kEnd};  // chain whose grace period is `grace`
    std::atomic<std::uint64_t> grace{0};
    // Written by any worker. Low half: the first entry; high half: count of changes.
    alignas(64) std::atomic<std::uint64_t> stack{kEnd};
    alignas(64) std::atomic<std::uint32_t> inbox{kEnd};
  };

  void push(Owner& owner, std::uint32_t first, std::uint32_t last) noexcept;
  bool refill(Owner& into, Owner& from) noexcept;
  bool wait_for(Owner& owner, Owner& from) noexcept;
  [[nodiscard]] std::atomic<std::uint32_t>& link(std::uint32_t entry) noexcept { return links_[entry]; }

  std::size_t capacity_;
  std::size_t workers_;
  std::size_t cache_size_;  // used part of the caches: small tables must not vanish in them
  std::unique_ptr<std::atomic<std::uint32_t>[]> links_;
  std::unique_ptr<Owner[]> owners_;
  Quiescence quiescence_;
};

}  // namespace fulcrum
