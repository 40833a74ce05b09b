// Memory and keys for tests and benches of the connection table.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/base/invariant.h"
#include "dataplane/base/wide.h"
#include "dataplane/lookup/connection_table.h"

namespace fulcrum::test {

inline constexpr std::array<std::uint64_t, 2> kHashKey{0x0123'4567'89AB'CDEF, 0xFEDC'BA98'7654'3210};

// Entries and index that outlive a table, as the region does. Whole pages, filled with zeros.
class TableMemory {
 public:
  // `sharing`: MAP_SHARED with child processes, or MAP_PRIVATE, which can have huge pages.
  explicit TableMemory(std::size_t capacity, int sharing = MAP_SHARED)
      : capacity_{capacity}, bytes_{capacity * sizeof(ConnectionEntry) + ConnectionTable::index_bytes(capacity)} {
    void* base = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
    FULCRUM_ASSERT(base != MAP_FAILED);
    base_ = static_cast<std::byte*>(base);
  }
  ~TableMemory() { munmap(base_, bytes_); }
  TableMemory(const TableMemory&) = delete;
  TableMemory& operator=(const TableMemory&) = delete;

  [[nodiscard]] ConnectionTable::Memory view() { return {entries(), index(), kHashKey}; }
  [[nodiscard]] std::span<ConnectionEntry> entries() { return {reinterpret_cast<ConnectionEntry*>(base_), capacity_}; }
  [[nodiscard]] std::span<std::byte> index() { return pages().subspan(capacity_ * sizeof(ConnectionEntry)); }
  [[nodiscard]] std::span<std::byte> pages() { return {base_, bytes_}; }
  [[nodiscard]] std::size_t buckets() const { return ConnectionTable::index_bytes(capacity_) / 64; }

 private:
  std::size_t capacity_;
  std::size_t bytes_;
  std::byte* base_ = nullptr;
};

// The n-th of 2^40 different keys.
inline FlowKey nth_key(std::uint64_t n) {
  // In words, not field by field: a benchmark must not wait for stores of two bytes to be loaded as eight.
  const Address client = Address::v4(Be32{static_cast<std::uint32_t>(0x0A000000U + (n >> 8U))});
  constexpr std::uint64_t kService = 7U << 16U;
  constexpr std::uint64_t kServicePort = 80ULL << 40U;
  const std::uint64_t client_port = swap_bytes(static_cast<std::uint16_t>(1024 + (n & 0xFFU)));
  return std::bit_cast<FlowKey>(
      std::array{client.words()[0], client.words()[1], client_port | kService | kServicePort});
}

// Keys whose two buckets are the same pair, in either order or only in this one.
class BucketFinder {
 public:
  explicit BucketFinder(std::size_t buckets) : buckets_{buckets} {}
  struct Pair {
    std::size_t first = 0, second = 0;
    friend bool operator==(const Pair&, const Pair&) = default;
  };
  [[nodiscard]] Pair of(const FlowKey& key) const {
    const HashPair hash = hash_.one(std::as_bytes(std::span{&key, 1}).first<KeyedHash::kKeyBytes>());
    const std::size_t first = reduce(hash.first, buckets_);
    const std::size_t other = reduce(hash.second, buckets_ - 1);
    return {first, other + (other >= first ? 1U : 0U)};
  }
  // The next `count` keys of the pair, from the n-th key on.
  [[nodiscard]] std::vector<FlowKey> keys(Pair pair, std::size_t count, std::uint64_t from = 0) const {
    std::vector<FlowKey> found;
    for (std::uint64_t n = from; found.size() < count; ++n) {
      if (of(nth_key(n)) == pair) found.push_back(nth_key(n));
    }
    return found;
  }

 private:
  std::size_t buckets_;
  KeyedHash hash_{kHashKey};
};

inline ConnectionId find(const ConnectionTable& table, const FlowKey& key) { return table.lookup(key); }

// Many at once, step by step in small parts, as workers do it. At most kBatchMax.
inline void look_up(const ConnectionTable& table, std::span<const FlowKey> keys, std::span<ConnectionId> found) {
  ConnectionTable::Searches searches;
  std::transform(keys.begin(), keys.end(), searches.keys.begin(), words_of);
  searches.wanted = static_cast<std::uint32_t>((std::uint64_t{1} << keys.size()) - 1);
  constexpr std::size_t kPart = 8;
  const auto part = [&](auto step, std::size_t begin) {
    if (begin < keys.size()) (table.*step)(searches, begin, std::min(begin + kPart, keys.size()));
  };
  for (std::size_t begin = 0; begin < keys.size() + 3 * kPart; begin += kPart) {
    part(&ConnectionTable::seek, begin);
    if (begin >= kPart) part(&ConnectionTable::narrow, begin - kPart);
    if (begin >= 2 * kPart) part(&ConnectionTable::narrow_elsewhere, begin - 2 * kPart);
    if (begin >= 3 * kPart) part(&ConnectionTable::finish, begin - 3 * kPart);
  }
  std::copy_n(searches.found.begin(), found.size(), found.begin());
}

inline ConnectionTable::Inserted insert(ConnectionTable& table, const FlowKey& key, WorkerId worker = WorkerId{0},
                                        ServerId server = {1, 1}, Tick now = 0) {
  return table.insert(worker, key, server, ConnectionState::embryonic, Reason::scheduler, now);
}

// Turns of all workers in which nothing expires, until what was removed can be used again.
inline void settle(ConnectionTable& table, std::size_t workers = 1) {
  for (std::size_t turn = 0; turn < 4; ++turn) {
    for (std::size_t i = 0; i < workers; ++i) {
      const WorkerId worker{static_cast<std::uint8_t>(i)};
      table.sweep(
          worker, table.capacity(), 0, [](const ConnectionEntry&) { return false; }, [](const ConnectionEntry&) {});
      table.quiescent(worker);
    }
  }
}

}  // namespace fulcrum::test
