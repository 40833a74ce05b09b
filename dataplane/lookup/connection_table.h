// The connection table: fixed capacity, shared by all workers, lock-free, never rehashed (design section 5).
//
// Entries (contract/connections.h) lie in an array; an index of 64-byte buckets finds them. A bucket is eight 64-bit
// slots {tag, generation, entry}, each changed by one compare-and-swap; a key has two candidate buckets from a keyed
// hash. A tag only filters: the whole key is always compared. The generation is the low half of the entry's count of
// lives, so a slot that is read late never passes for one of the entry's next life.
//
// Two workers that insert the same key at once agree on one winner. An inserter publishes the slot while the entry is
// still `writing`, which no lookup accepts, and then looks through both buckets. A live entry with the key wins at
// once. Of two that are both still writing the one in the earlier slot is favoured: whoever sees both kills the later
// one (writing -> free) and looks through the buckets again on behalf of the earlier. Whoever has looked through both
// without meeting a rival confirms its candidate (writing -> live). Publishing and looking are sequentially
// consistent, so of two publishers at least one meets the other, and nobody is confirmed beside a rival that it has
// met: two entries with one key are never live together. Nobody waits for anybody.
//
// When both buckets are full, one entry that lies in its own first bucket is moved to its second: copied, then
// overwritten by the new slot. Entries only ever move from their first to their second bucket and everybody looks
// through the first before the second, so a moving entry is never overlooked. Only live entries are moved; who removes
// one clears the first bucket before the second, and a mover that finds the original gone takes its copy back, so no
// slot of a removed entry stays behind.
//
// remove() by anybody declares the entry dead, takes its slot out of the index and returns it to the pool
// (entry_pool.h), which hands it out again once every worker has reported a quiescent state (quiescent(), once per
// turn), so that nobody still reads it.
//
// What must outlive the process is the entries alone: a warm start builds index and free lists from them.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/base/clock.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/ids.h"
#include "dataplane/contract/connections.h"
#include "dataplane/lookup/entry_pool.h"
#include "dataplane/packet/frame.h"

namespace fulcrum {

inline constexpr ConnectionId kNoConnection{UINT32_MAX};

class ConnectionTable {
 public:
  struct Memory {
    std::span<ConnectionEntry> entries;
    std::span<std::byte> index;             // index_bytes(entries.size()), 64-byte aligned
    std::array<std::uint64_t, 2> hash_key;  // keep it secret from clients
  };
  // The index is at most 68 % full when all entries are live.
  static std::size_t index_bytes(std::size_t capacity) noexcept;

  // Before any worker runs. Cold: everything is emptied. Warm: live entries are kept and indexed again, all others are
  // freed; of two live entries with one key the later used is kept. Allocates (process-local bookkeeping of about 4
  // bytes per entry); workers never do. All workers begin online.
  enum class Start : std::uint8_t { cold, warm };
  ConnectionTable(const Memory& memory, std::size_t workers, Start start);
  ~ConnectionTable();
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  // Lookups on their way. Each goes through four steps, in each of which it touches memory that an earlier one has
  // asked for: between its steps there should be others' work, as long as memory takes.
  struct Searches {
    std::array<FlowWords, kBatchMax> keys;  // without initializers, like all of these arrays: only the wanted matter
    std::uint32_t wanted = 0;               // a bit for each: it is looked up
    std::array<ConnectionId, kBatchMax> found;

   private:
    friend ConnectionTable;
    std::uint32_t elsewhere = 0;  // a bit for each whose first bucket has nothing of it
    std::array<HashPair, kBatchMax> hashes;
    std::array<std::uint64_t, kBatchMax> matches;
  };
  // Workers. The steps of searches `begin` to `end`, in this order: hashes the keys; looks through their first buckets;
  // through the second ones of those that are not there; compares with the entries. Then found[i] is the live entry or
  // kNoConnection. The entries stay readable until this worker's next quiescent().
  void seek(Searches& searches, std::size_t begin, std::size_t end) const noexcept;
  void narrow(Searches& searches, std::size_t begin, std::size_t end) const noexcept;
  void narrow_elsewhere(Searches& searches, std::size_t begin, std::size_t end) const noexcept;
  void finish(Searches& searches, std::size_t begin, std::size_t end) const noexcept;
  // Workers. All of them at once, for few or for whoever is in no hurry; and for one key.
  void search(Searches& searches, std::size_t begin, std::size_t end) const noexcept;
  [[nodiscard]] ConnectionId lookup(const FlowKey& key) const noexcept;

  struct Inserted {
    ConnectionId id = kNoConnection;  // kNoConnection: full
    bool is_new = false;              // false: there is an entry with this key, perhaps just now by another worker
  };
  // The worker. For each entry that ever becomes live, exactly one caller gets is_new.
  Inserted insert(WorkerId worker, const FlowKey& key, ServerId server, ConnectionState state, Reason reason,
                  Tick now) noexcept;

  // Workers. Declares the connection dead and takes it out of the index. False: it was dead already (so exactly one
  // caller gets true for each connection, and does the accounting).
  bool remove(ConnectionId id) noexcept;

  // Workers; access to a found entry.
  enum class Direction : std::uint8_t { to_server, to_client };
  class Live {
   public:
    // Counts a packet of `bytes` IP bytes and stores `now`.
    void touch(Direction direction, std::uint32_t bytes, Tick now) const noexcept;
    [[nodiscard]] ServerId server() const noexcept;
    [[nodiscard]] ConnectionState state() const noexcept;

   private:
    friend ConnectionTable;
    explicit Live(ConnectionEntry& entry) noexcept : entry_{&entry} {}
    ConnectionEntry* entry_;
  };
  [[nodiscard]] Live at(ConnectionId id) const noexcept { return Live{entries_[id.value]}; }
  [[nodiscard]] ServerId server(ConnectionId id) const noexcept { return at(id).server(); }
  void set_server(ConnectionId id, ServerId server) noexcept;
  [[nodiscard]] Tick last_seen(ConnectionId id) const noexcept;
  [[nodiscard]] ConnectionState state(ConnectionId id) const noexcept { return at(id).state(); }
  // Returns the state before: of two workers that change it at once, each gets another one.
  ConnectionState set_state(ConnectionId id, ConnectionState state) noexcept;

  // The worker, once per turn, when no ConnectionId from before is used any more.
  void quiescent(WorkerId worker) noexcept { pool_.quiescence().quiescent(worker); }
  // The worker. Offline it must not use the table; it does not hold up the others while it sleeps.
  void set_online(WorkerId worker, bool online) noexcept { pool_.quiescence().set_online(worker, online); }

  // The worker, once per turn: looks at the next `budget` entries of its share, and makes as many removed entries
  // available whose grace period is over. Live ones are shown to `expired(entry)`; those for which it returns true are
  // removed and shown to `removed(entry)`. Both callbacks get a copy of the entry's current content. Returns how many
  // entries it looked at: fewer than `budget` after kRemovalsMax removals, so that a turn is short also when everything
  // expires at once.
  static constexpr std::size_t kRemovalsMax = 128;
  template <class Expired, class Removed>
  std::size_t sweep(WorkerId worker, std::size_t budget, Tick now, Expired expired, Removed removed) noexcept;
  // The worker. Only makes removed entries available, at most `limit` of them.
  void reclaim(WorkerId worker, std::size_t limit) noexcept { pool_.reclaim(worker, limit); }
  // The worker. Sweeps on a walk of its own through its share, which `cursor` (from 0) remembers and which goes round:
  // for whoever looks for certain entries. At most `removals` are removed.
  struct Walked {
    std::size_t looked = 0, removed = 0;
  };
  template <class Wanted, class Removed>
  Walked walk(WorkerId worker, std::uint32_t& cursor, std::size_t budget, std::size_t removals, Wanted wanted,
              Removed removed) noexcept;
  // Workers. Removes one entry that `wanted` and that has a slot that a connection with this key could have. False:
  // there is none.
  template <class Wanted, class Removed>
  bool evict_beside(const FlowKey& key, Wanted wanted, Removed removed) noexcept;

  // A thread that is no worker, one at a time: between the two calls it may use lookup(), server(), state(),
  // last_seen(), has_entry() and has_slot(); the entries it finds stay readable.
  void begin_reading() noexcept { pool_.quiescence().set_online(pool_.reader(), true); }
  void end_reading() noexcept { pool_.quiescence().set_online(pool_.reader(), false); }
  // Whether insert() by this worker would find an entry, and whether it would find the key a slot, if need be that of
  // an entry for which `evictable(entry)` is true. A moment's estimate; changes nothing.
  [[nodiscard]] bool has_entry(WorkerId worker) const noexcept { return pool_.has_entry(worker); }
  template <class Evictable>
  [[nodiscard]] bool has_slot(const FlowKey& key, Evictable evictable) const noexcept;

  // Any thread.
  [[nodiscard]] std::size_t capacity() const noexcept { return entries_.size(); }
  // Entries that one worker sweeps.
  [[nodiscard]] std::size_t share_size(WorkerId worker) const noexcept {
    return pool_.share(worker).end - pool_.share(worker).begin;
  }
  // Live entries; a moment's sum over the workers.
  [[nodiscard]] std::size_t size() const noexcept;
  // Why insert() answered "full", counted since the start.
  struct Refused {
    std::uint64_t no_entry = 0;   // all entries in use or in a grace period
    std::uint64_t no_slot = 0;    // both buckets full, and nothing in them could move
    std::uint64_t contended = 0;  // lost kAttemptsMax races in a row
  };
  [[nodiscard]] Refused refused() const noexcept;
  // How often insert() by this worker found no entry. The worker.
  [[nodiscard]] std::uint64_t starved(WorkerId worker) const noexcept {
    return tallies_[worker.value].no_entry.load(std::memory_order_relaxed);
  }
  // Live entries that a warm start found no slot for and had to give up.
  [[nodiscard]] std::size_t lost_at_start() const noexcept { return lost_at_start_; }

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr int kAttemptsMax = 16;
  static constexpr std::size_t kWalkAhead = 8;
  static constexpr std::size_t kNowhere = SIZE_MAX;
  using Slot = std::atomic<std::uint64_t>;
  struct alignas(64) Bucket {
    std::array<Slot, kWays> slots;
  };
  static_assert(sizeof(Bucket) == 64);
  // Where a key may lie. Positions 0 to 7 are the slots of its first bucket, 8 to 15 those of its second.
  struct Place {  // without initializers: a batch's array of them is made in every turn
    Bucket* first;
    Bucket* second;
    std::uint64_t tag;  // in the place it has in a slot; never 0
    [[nodiscard]] Slot& slot(std::size_t position) const noexcept {
      return (position < kWays ? first : second)->slots[position % kWays];
    }
  };
  struct alignas(64) Tally {  // written by: its worker
    std::atomic<std::uint64_t> inserted{0}, no_entry{0}, no_slot{0}, contended{0};
    std::uint32_t cursor = 0;  // where in the worker's share its sweep goes on
  };
  struct alignas(64) Removals {  // written by: any worker, for entries of the row's share
    std::atomic<std::uint64_t> count{0};
  };
  struct Content {
    const FlowKey& key;
    ServerId server;
    ConnectionState state;
    Reason reason;
    Tick now;
  };
  struct Settled {
    ConnectionId winner = kNoConnection;
    bool is_ours = false;
  };
  struct Candidate {
    ConnectionId id;
    std::uint32_t word = 0;  // its life when it was met: writing
    std::size_t position = 0;
  };

  // Entries that a walk is about to remove: their buckets, which lie anywhere, are fetched for all of them at once.
  struct Doomed {
    struct Each {
      ConnectionId id;
      Place place;
    };
    std::array<Each, 16> each;
    std::size_t count = 0;
  };

  void add(Doomed& doomed, ConnectionId id) const noexcept;
  bool remove(ConnectionId id, const Place& place) noexcept;
  [[nodiscard]] static std::uint64_t tag_of(const HashPair& hash) noexcept;
  [[nodiscard]] Place place_of(const HashPair& hash) const noexcept;
  [[nodiscard]] Place place_of(const FlowWords& key) const noexcept;
  [[nodiscard]] FlowWords key_of(ConnectionId id) const noexcept;
  [[nodiscard]] std::uint64_t slot_value(const Place& place, ConnectionId id) const noexcept;
  [[nodiscard]] std::uint32_t word(ConnectionId id) const noexcept;
  [[nodiscard]] std::uint32_t word_if(std::uint64_t slot, const FlowWords& key) const noexcept;
  [[nodiscard]] bool is_live(std::uint64_t slot, const FlowWords& key) const noexcept;
  [[nodiscard]] static std::uint64_t first_match(const Bucket& bucket, std::uint64_t tag) noexcept;
  [[nodiscard]] ConnectionId find(const Place& place, const FlowWords& key) const noexcept;
  bool change_word(ConnectionId id, std::uint32_t from, Life to) noexcept;
  std::uint32_t write(ConnectionId id, const Content& content) noexcept;
  std::size_t publish(const Place& place, std::uint64_t value) noexcept;
  std::size_t displace(const Place& place, std::uint64_t value) noexcept;
  static bool move_to_second(Slot& from, std::uint64_t moving, Bucket& second, std::uint64_t value) noexcept;
  void unpublish(const Place& place, std::uint64_t value) noexcept;
  [[nodiscard]] bool can_move(const Bucket* here, std::uint64_t slot) const noexcept;
  [[nodiscard]] std::optional<ConnectionEntry> entry_in(std::uint64_t slot) const noexcept;
  static ConnectionId id_in(std::uint64_t slot) noexcept { return {static_cast<std::uint32_t>(slot) - 1U}; }
  void keep_age(ConnectionId id, OpenedAt opened, Tick now) noexcept;
  Settled settle(const Place& place, const FlowWords& key, const Candidate& own) noexcept;
  ConnectionId elect(const Place& place, const FlowWords& key, Candidate candidate) noexcept;
  void rebuild(Start start) noexcept;
  void index_again(ConnectionId id, const Place& place) noexcept;
  [[nodiscard]] ConnectionEntry copy_of(ConnectionId id) const noexcept;

  std::span<ConnectionEntry> entries_;
  std::span<Bucket> buckets_;
  KeyedHash hash_;
  EntryPool pool_;
  std::size_t workers_;
  std::unique_ptr<Tally[]> tallies_;      // by worker
  std::unique_ptr<Removals[]> removals_;  // by owner of the removed entry
  std::size_t live_at_start_ = 0;
  std::size_t lost_at_start_ = 0;
};

inline ConnectionEntry ConnectionTable::copy_of(ConnectionId id) const noexcept {
  std::array<std::uint64_t, sizeof(ConnectionEntry) / 8> words;
  const auto* line = reinterpret_cast<const std::uint64_t*>(&entries_[id.value]);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = __atomic_load_n(line + i, __ATOMIC_RELAXED);
  return std::bit_cast<ConnectionEntry>(words);
}

// Nobody else writes the field while the entry lives, and it lives until this worker's next quiescent() at least.
inline void ConnectionTable::keep_age(ConnectionId id, OpenedAt opened, Tick now) noexcept {
  const OpenedAt kept = opened.kept(now);
  if (!(kept == opened)) __atomic_store_n(&entries_[id.value].key.opened, kept.bits(), __ATOMIC_RELAXED);
}

template <class Wanted, class Removed>
ConnectionTable::Walked ConnectionTable::walk(WorkerId worker, std::uint32_t& cursor, std::size_t budget,
                                              std::size_t removals, Wanted wanted, Removed removed) noexcept {
  const EntryPool::Share share = pool_.share(worker);
  const std::size_t looks = std::min<std::size_t>(budget, share.end - share.begin);
  Walked walked;
  ConnectionEntry entry;
  while (walked.looked < looks && walked.removed < removals) {
    Doomed doomed;
    const std::size_t room = std::min(doomed.each.size(), removals - walked.removed);
    for (; walked.looked < looks && doomed.count < room; ++walked.looked) {
      const ConnectionId id{share.begin + cursor};
      cursor = id.value + 1 == share.end ? 0 : cursor + 1;
      // Some of these are of the next turn, which no processor would fetch ahead.
      __builtin_prefetch(entries_.data() + id.value + kWalkAhead);
      if (read_entry(entries_[id.value], entry) && wanted(id, entry)) add(doomed, id);
    }
    for (std::size_t i = 0; i < doomed.count; ++i) {
      if (!remove(doomed.each[i].id, doomed.each[i].place)) continue;
      ++walked.removed;
      // Packets may have been counted since. The entry is dead, so nobody reuses it before this worker's next
      // quiescent().
      removed(copy_of(doomed.each[i].id));
    }
  }
  return walked;
}

template <class Expired, class Removed>
std::size_t ConnectionTable::sweep(WorkerId worker, std::size_t budget, Tick now, Expired expired,
                                   Removed removed) noexcept {
  pool_.reclaim(worker, budget);
  const auto is_over = [&](ConnectionId id, const ConnectionEntry& entry) {
    if (expired(entry)) return true;
    keep_age(id, entry.opened(), now);
    return false;
  };
  return walk(worker, tallies_[worker.value].cursor, budget, kRemovalsMax, is_over, removed).looked;
}

template <class Wanted, class Removed>
bool ConnectionTable::evict_beside(const FlowKey& key, Wanted wanted, Removed removed) noexcept {
  const Place place = place_of(words_of(key));
  for (std::size_t position = 0; position < 2 * kWays; ++position) {
    const std::uint64_t slot = place.slot(position).load(std::memory_order_acquire);
    const auto entry = entry_in(slot);
    if (!entry || !wanted(*entry) || !remove(id_in(slot))) continue;
    removed(copy_of(id_in(slot)));
    return true;
  }
  return false;
}

template <class Evictable>
bool ConnectionTable::has_slot(const FlowKey& key, Evictable evictable) const noexcept {
  const Place place = place_of(words_of(key));
  for (std::size_t position = 0; position < 2 * kWays; ++position) {
    const std::uint64_t slot = place.slot(position).load(std::memory_order_acquire);
    if (slot == 0 || can_move(position < kWays ? place.first : place.second, slot)) return true;
    const auto entry = entry_in(slot);
    if (entry && evictable(*entry)) return true;
  }
  return false;
}

inline void ConnectionTable::Live::touch(Direction direction, std::uint32_t bytes, Tick now) const noexcept {
  const bool to_server = direction == Direction::to_server;
  std::uint32_t& packets = to_server ? entry_->packets_in : entry_->packets_out;
  std::uint32_t& low = to_server ? entry_->bytes_in : entry_->bytes_out;
  __atomic_store_n(&entry_->last_seen, now, __ATOMIC_RELAXED);
  __atomic_store_n(&packets, __atomic_load_n(&packets, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
  const std::uint32_t sum = __atomic_load_n(&low, __ATOMIC_RELAXED) + bytes;
  __atomic_store_n(&low, sum, __ATOMIC_RELAXED);
  if (sum >= bytes) return;
  std::uint8_t& high = to_server ? entry_->bytes_in_high : entry_->bytes_out_high;
  const auto carried = static_cast<std::uint8_t>(__atomic_load_n(&high, __ATOMIC_RELAXED) + 1U);
  __atomic_store_n(&high, carried, __ATOMIC_RELAXED);
}

// By hand: of a bit_cast g++ 12 makes detours through vector registers.
inline ServerId ConnectionTable::Live::server() const noexcept {
  static_assert(std::endian::native == std::endian::little);
  const auto both = __atomic_load_n(reinterpret_cast<const std::uint32_t*>(&entry_->server), __ATOMIC_RELAXED);
  return {static_cast<std::uint16_t>(both), static_cast<std::uint16_t>(both >> 16U)};
}

inline ConnectionState ConnectionTable::Live::state() const noexcept {
  ConnectionState value;
  __atomic_load(&entry_->state, &value, __ATOMIC_RELAXED);
  return value;
}

inline void ConnectionTable::set_server(ConnectionId id, ServerId value) noexcept {
  auto* both_halves = reinterpret_cast<std::uint32_t*>(&entries_[id.value].server);
  __atomic_store_n(both_halves, std::bit_cast<std::uint32_t>(value), __ATOMIC_RELAXED);
}

inline Tick ConnectionTable::last_seen(ConnectionId id) const noexcept {
  return __atomic_load_n(&entries_[id.value].last_seen, __ATOMIC_RELAXED);
}

inline ConnectionState ConnectionTable::set_state(ConnectionId id, ConnectionState value) noexcept {
  ConnectionState before;
  __atomic_exchange(&entries_[id.value].state, &value, &before, __ATOMIC_RELAXED);
  return before;
}

}  // namespace fulcrum
