#include "dataplane/lookup/connection_table.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <bit>
#include <cstring>

#include "dataplane/base/invariant.h"
#include "dataplane/base/wide.h"
#include "dataplane/packet/frame.h"

namespace fulcrum {
namespace {

// A slot: tag (16 bits), generation (16), entry + 1 (32), so that no slot in use is zero.
constexpr std::uint64_t kTagMask = 0xFFFFULL << 48U;
constexpr std::uint64_t generation_in(std::uint64_t slot) noexcept { return (slot >> 32U) & 0xFFFFU; }
constexpr std::uint64_t generation_of(std::uint32_t word) noexcept { return (word >> 8U) & 0xFFFFU; }

constexpr std::uint32_t bits(std::size_t begin, std::size_t end) noexcept {
  return static_cast<std::uint32_t>((std::uint64_t{1} << end) - (std::uint64_t{1} << begin));
}
constexpr bool is_in(std::uint32_t bits, std::size_t i) noexcept { return (bits >> i & 1U) != 0; }

void add_one(std::atomic<std::uint64_t>& own_counter) noexcept {
  own_counter.store(own_counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

std::size_t ConnectionTable::index_bytes(std::size_t capacity) noexcept {
  constexpr std::size_t kLoadPercent = 68;
  const std::size_t slots = (capacity * 100 + kLoadPercent - 1) / kLoadPercent;
  // Two buckets at least, so that a key's two are never the same one.
  return std::max<std::size_t>(2, (slots + kWays - 1) / kWays) * sizeof(Bucket);
}

ConnectionTable::ConnectionTable(const Memory& memory, std::size_t workers, Start start)
    : entries_{memory.entries},
      buckets_{reinterpret_cast<Bucket*>(memory.index.data()), memory.index.size() / sizeof(Bucket)},
      hash_{memory.hash_key},
      pool_{memory.entries.size(), workers},
      workers_{workers},
      tallies_{std::make_unique<Tally[]>(workers)},
      removals_{std::make_unique<Removals[]>(workers)} {
  FULCRUM_ASSERT(memory.index.size() >= index_bytes(memory.entries.size()));
  FULCRUM_ASSERT(reinterpret_cast<std::uintptr_t>(memory.index.data()) % alignof(Bucket) == 0);
  rebuild(start);
}

ConnectionTable::~ConnectionTable() = default;

// ---- places, slots and words
// -----------------------------------------------------------------------------------------

// reduce() draws on the high bits, so the low ones say something new.
inline std::uint64_t ConnectionTable::tag_of(const HashPair& hash) noexcept {
  const std::uint64_t tag = hash.first << 48U;
  return tag == 0 ? 1ULL << 48U : tag;
}

inline ConnectionTable::Place ConnectionTable::place_of(const HashPair& hash) const noexcept {
  const std::size_t first = reduce(hash.first, buckets_.size());
  const std::size_t other = reduce(hash.second, buckets_.size() - 1);
  const std::size_t second = other + (other >= first ? 1U : 0U);
  return {&buckets_[first], &buckets_[second], tag_of(hash)};
}

ConnectionTable::Place ConnectionTable::place_of(const FlowWords& key) const noexcept {
  return place_of(hash_.one(std::as_bytes(std::span{key})));
}

std::uint32_t ConnectionTable::word(ConnectionId id) const noexcept {
  return __atomic_load_n(&entries_[id.value].word, __ATOMIC_ACQUIRE);
}

FlowWords ConnectionTable::key_of(ConnectionId id) const noexcept {
  FlowWords key;
  const auto* line = reinterpret_cast<const std::uint64_t*>(&entries_[id.value].key);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = __atomic_load_n(line + i, __ATOMIC_RELAXED);
  key.back() &= kLastKeyWordMask;
  return key;
}

std::uint64_t ConnectionTable::slot_value(const Place& place, ConnectionId id) const noexcept {
  return place.tag | generation_of(word(id)) << 32U | (id.value + 1ULL);
}

// The word of the slot's entry, if it is still the life that the slot was made for and has this key; else 0 (free).
inline std::uint32_t ConnectionTable::word_if(std::uint64_t slot, const FlowWords& key) const noexcept {
  const ConnectionId id = id_in(slot);
  const std::uint32_t now = word(id);
  if (generation_of(now) != generation_in(slot)) return 0;
  // By hand, not in a loop: this is asked for every packet.
  const auto* line = reinterpret_cast<const std::uint64_t*>(&entries_[id.value].key);
  const std::uint64_t difference = (__atomic_load_n(line, __ATOMIC_RELAXED) ^ key[0]) |
                                   (__atomic_load_n(line + 1, __ATOMIC_RELAXED) ^ key[1]) |
                                   ((__atomic_load_n(line + 2, __ATOMIC_RELAXED) & kLastKeyWordMask) ^ key[2]);
  return difference == 0 ? now : 0;
}

inline bool ConnectionTable::is_live(std::uint64_t slot, const FlowWords& key) const noexcept {
  return life_of(word_if(slot, key)) == Life::live;
}

bool ConnectionTable::change_word(ConnectionId id, std::uint32_t from, Life to) noexcept {
  return __atomic_compare_exchange_n(&entries_[id.value].word, &from, next_word(from, to), false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

// ---- lookup
// ----------------------------------------------------------------------------------------------------------

// The live entry of the key. First bucket before second: see the header on moving entries.
ConnectionId ConnectionTable::find(const Place& place, const FlowWords& key) const noexcept {
  for (const Bucket* bucket : {place.first, place.second}) {
    for (const Slot& at : bucket->slots) {
      const std::uint64_t slot = at.load(std::memory_order_acquire);
      if ((slot & kTagMask) == place.tag && is_live(slot, key)) return id_in(slot);
    }
  }
  return kNoConnection;
}

namespace {

// A bit for each slot of the 64 bytes that seems to have the tag, compared where it lies, in the upper quarter. Who
// believes a bit loads the slot again. The order of looks at two buckets is kept: by the processor, as x86 never swaps
// loads, and by the compiler because of the fence. (ThreadSanitizer takes a vector for a race: it sees the other form.)
#if defined(__AVX2__) && !defined(__SANITIZE_THREAD__)
inline std::uint32_t ways_with(const std::byte* slots, std::uint64_t tag) noexcept {
  const __m256i wanted = _mm256_set1_epi16(static_cast<std::int16_t>(tag >> 48U));
  const auto four = [&](const std::byte* at) {
    const __m256i same = _mm256_cmpeq_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(at)), wanted);
    return static_cast<std::uint32_t>(_mm256_movemask_pd(_mm256_castsi256_pd(same)));  // the sign is a quarter's, too
  };
  const std::uint32_t ways = four(slots) | four(slots + 32) << 4U;
  std::atomic_signal_fence(std::memory_order_acquire);
  return ways;
}
#else
inline std::uint32_t ways_with(const std::byte* slots, std::uint64_t tag) noexcept {
  std::uint32_t ways = 0;
  for (std::uint32_t way = 0; way < 8; ++way) {
    const auto* const slot = reinterpret_cast<const std::uint64_t*>(slots) + way;
    ways |= std::uint32_t{(__atomic_load_n(slot, __ATOMIC_ACQUIRE) & kTagMask) == tag} << way;
  }
  return ways;
}
#endif

}  // namespace

// A slot of the bucket with the tag, or 0. The others, if there are more, are the slow path's business.
inline std::uint64_t ConnectionTable::first_match(const Bucket& bucket, std::uint64_t tag) noexcept {
  const std::uint32_t ways = ways_with(reinterpret_cast<const std::byte*>(&bucket), tag);
  if (ways == 0) return 0;
  const std::uint64_t slot =
      bucket.slots[static_cast<std::size_t>(std::countr_zero(ways))].load(std::memory_order_acquire);
  if ((slot & kTagMask) == tag) return slot;
  // It was changed between the two loads; another slot with the tag may have been passed over for it.
  for (const Slot& other : bucket.slots) {
    const std::uint64_t value = other.load(std::memory_order_acquire);
    if ((value & kTagMask) == tag) return value;
  }
  return 0;
}

void ConnectionTable::seek(Searches& searches, std::size_t begin, std::size_t end) const noexcept {
  const auto keys = std::span{searches.keys}.subspan(begin, end - begin);
  hash_.bulk(std::as_bytes(keys), std::span{searches.hashes}.subspan(begin, end - begin));
  searches.elsewhere &= ~bits(begin, end);
  for (std::size_t i = begin; i < end; ++i) {
    if (!is_in(searches.wanted, i)) continue;
    __builtin_prefetch(&buckets_[reduce(searches.hashes[i].first, buckets_.size())]);
  }
}

void ConnectionTable::narrow(Searches& searches, std::size_t begin, std::size_t end) const noexcept {
  for (std::size_t i = begin; i < end; ++i) {
    if (!is_in(searches.wanted, i)) continue;
    const HashPair& hash = searches.hashes[i];
    const std::uint64_t match = first_match(buckets_[reduce(hash.first, buckets_.size())], tag_of(hash));
    searches.matches[i] = match;
    if (match != 0) {
      __builtin_prefetch(&entries_[id_in(match).value], 1);
    } else {
      searches.elsewhere |= 1U << i;
      __builtin_prefetch(place_of(hash).second);
    }
  }
}

void ConnectionTable::narrow_elsewhere(Searches& searches, std::size_t begin, std::size_t end) const noexcept {
  for (std::uint32_t left = searches.elsewhere & bits(begin, end); left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    const std::uint64_t match = first_match(*place_of(searches.hashes[i]).second, tag_of(searches.hashes[i]));
    searches.matches[i] = match;
    if (match != 0) __builtin_prefetch(&entries_[id_in(match).value], 1);
  }
}

void ConnectionTable::finish(Searches& searches, std::size_t begin, std::size_t end) const noexcept {
  for (std::size_t i = begin; i < end; ++i) {
    if (!is_in(searches.wanted, i)) continue;
    const std::uint64_t match = searches.matches[i];
    if (match == 0) {
      searches.found[i] = kNoConnection;
    } else {
      // A match that is not the key's entry: the tag of another key, or an entry on its way out.
      searches.found[i] =
          is_live(match, searches.keys[i]) ? id_in(match) : find(place_of(searches.hashes[i]), searches.keys[i]);
    }
  }
}

void ConnectionTable::search(Searches& searches, std::size_t begin, std::size_t end) const noexcept {
  seek(searches, begin, end);
  narrow(searches, begin, end);
  narrow_elsewhere(searches, begin, end);
  finish(searches, begin, end);
}

ConnectionId ConnectionTable::lookup(const FlowKey& key) const noexcept {
  Searches searches;
  searches.keys[0] = words_of(key);
  searches.wanted = 1;
  search(searches, 0, 1);
  return searches.found[0];
}

// ---- insert
// ----------------------------------------------------------------------------------------------------------

ConnectionTable::Inserted ConnectionTable::insert(WorkerId worker, const FlowKey& key, ServerId server,
                                                  ConnectionState state, Reason reason, Tick now) noexcept {
  const auto words = words_of(key);
  const Place place = place_of(words);
  Tally& tally = tallies_[worker.value];
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    if (const ConnectionId there = find(place, words); there != kNoConnection) return {there, false};
    const auto taken = pool_.take(worker);
    if (!taken) {
      add_one(tally.no_entry);
      return {};
    }
    const ConnectionId id{*taken};
    const std::uint32_t writing = write(id, {key, server, state, reason, now});
    const std::size_t position = publish(place, slot_value(place, id));
    if (position == kNowhere) {
      change_word(id, writing, Life::free);
      pool_.put_back(id.value);
      add_one(tally.no_slot);
      return {};
    }
    const Settled settled = settle(place, words, {id, writing, position});
    if (settled.is_ours) {
      add_one(tally.inserted);
      return {id, true};
    }
    unpublish(place, slot_value(place, id));
    pool_.retire(id.value);
    if (settled.winner != kNoConnection) return {settled.winner, false};
  }
  add_one(tally.contended);
  return {};
}

// Fills an entry that nobody else can find, and returns its word. A reader of the other process may be copying its
// former life: each store is a release, so whoever sees one of them sees the changed word too and throws the copy away.
std::uint32_t ConnectionTable::write(ConnectionId id, const Content& content) noexcept {
  using Entry = ConnectionEntry;
  static_assert(std::endian::native == std::endian::little && offsetof(FlowKey, opened) == 22);
  static_assert(offsetof(Entry, word) == 24 && offsetof(Entry, server) == 28 && offsetof(Entry, last_seen) == 32);
  static_assert(offsetof(Entry, state) == 36 && offsetof(Entry, reason) == 37 && sizeof(Entry) == 64);
  const std::uint32_t writing = next_word(word(id), Life::writing);
  // In words, as they are stored: fields would have to leave the store buffer before they can be loaded as words.
  const FlowWords key = words_of(content.key);
  const std::array<std::uint64_t, sizeof(Entry) / 8> words{
      key[0], key[1], key[2] | std::uint64_t{OpenedAt::at(content.now).bits()} << 48U,
      writing | std::uint64_t{std::bit_cast<std::uint32_t>(content.server)} << 32U,
      content.now | static_cast<std::uint64_t>(content.state) << 32U |
          static_cast<std::uint64_t>(content.reason) << 40U};
  ConnectionEntry& entry = entries_[id.value];
  __atomic_store_n(&entry.word, writing, __ATOMIC_RELAXED);
  auto* line = reinterpret_cast<std::uint64_t*>(&entry);
  for (std::size_t i = 0; i < words.size(); ++i) __atomic_store_n(line + i, words[i], __ATOMIC_RELEASE);
  return writing;
}

// Puts the slot into the key's first bucket, else its second, else in the place of an entry that can move. Returns the
// position, or kNowhere.
std::size_t ConnectionTable::publish(const Place& place, std::uint64_t value) noexcept {
  // A second time around, because what could be moved may have been removed instead.
  for (int round = 0; round < 2; ++round) {
    for (std::size_t position = 0; position < 2 * kWays; ++position) {
      std::uint64_t empty = 0;
      Slot& slot = place.slot(position);
      if (slot.load(std::memory_order_relaxed) == 0 && slot.compare_exchange_strong(empty, value)) return position;
    }
    if (const std::size_t position = displace(place, value); position != kNowhere) return position;
  }
  return kNowhere;
}

std::size_t ConnectionTable::displace(const Place& place, std::uint64_t value) noexcept {
  for (std::size_t position = 0; position < 2 * kWays; ++position) {
    Slot& from = place.slot(position);
    const std::uint64_t moving = from.load(std::memory_order_acquire);
    if (moving == 0) continue;
    const std::uint32_t its_word = word(id_in(moving));
    if (life_of(its_word) != Life::live || generation_of(its_word) != generation_in(moving)) continue;
    const Place its_place = place_of(key_of(id_in(moving)));
    const Bucket* here = position < kWays ? place.first : place.second;
    if (its_place.first == here && move_to_second(from, moving, *its_place.second, value)) return position;
  }
  return kNowhere;
}

// Whether displace() could move the slot out of the bucket `here`.
bool ConnectionTable::can_move(const Bucket* here, std::uint64_t slot) const noexcept {
  const std::uint32_t its_word = word(id_in(slot));
  if (life_of(its_word) != Life::live || generation_of(its_word) != generation_in(slot)) return false;
  const Place its_place = place_of(key_of(id_in(slot)));
  if (its_place.first != here) return false;
  const auto& there = its_place.second->slots;
  return std::any_of(there.begin(), there.end(),
                     [](const Slot& to) { return to.load(std::memory_order_relaxed) == 0; });
}

// Copies the slot `moving` to the bucket, then overwrites the original with `value`. False: no room there, or the
// original was moved or removed by another worker meanwhile, and then whoever did that may have passed by before our
// copy was there.
bool ConnectionTable::move_to_second(Slot& from, std::uint64_t moving, Bucket& second, std::uint64_t value) noexcept {
  for (Slot& to : second.slots) {
    std::uint64_t empty = 0;
    if (to.load(std::memory_order_relaxed) != 0 || !to.compare_exchange_strong(empty, moving)) continue;
    std::uint64_t original = moving;
    if (from.compare_exchange_strong(original, value)) return true;
    std::uint64_t copy = moving;
    to.compare_exchange_strong(copy, 0);
    return false;
  }
  return false;
}

ConnectionTable::Settled ConnectionTable::settle(const Place& place, const FlowWords& key,
                                                 const Candidate& own) noexcept {
  const ConnectionId winner = elect(place, key, own);
  if (winner == own.id) return {own.id, true};
  change_word(own.id, own.word, Life::free);
  // Another worker may have confirmed our entry while we looked; then it was a connection, even if removed by now.
  if (life_of(word(own.id)) != Life::free) return {own.id, true};
  return {winner, false};
}

// Confirms one entry with the key, or finds that one is live. kNoConnection: the candidate was beaten by another
// worker's, which may be confirmed by now or not. Each time around the candidate's position is lower than before.
ConnectionId ConnectionTable::elect(const Place& place, const FlowWords& key, Candidate candidate) noexcept {
  for (bool again = true; again;) {
    again = false;
    for (std::size_t position = 0; position < 2 * kWays && !again; ++position) {
      // Sequentially consistent, after the publication: of two publishers at least one meets the other.
      const std::uint64_t slot = place.slot(position).load(std::memory_order_seq_cst);
      const ConnectionId id = id_in(slot);
      if ((slot & kTagMask) != place.tag || id == candidate.id) continue;
      std::uint32_t rival = word_if(slot, key);
      if (life_of(rival) == Life::writing && position < candidate.position) {
        candidate = {id, rival, position};
        again = true;
      } else if (life_of(rival) == Life::writing && !change_word(id, rival, Life::free)) {
        rival = word_if(slot, key);
      }
      if (life_of(rival) == Life::live) return id;
    }
  }
  if (change_word(candidate.id, candidate.word, Life::live)) return candidate.id;
  return word(candidate.id) == next_word(candidate.word, Life::live) ? candidate.id : kNoConnection;
}

// ---- remove
// ----------------------------------------------------------------------------------------------------------

bool ConnectionTable::remove(ConnectionId id) noexcept {
  return life_of(word(id)) == Life::live && remove(id, place_of(key_of(id)));
}

// `place` is the entry's, if it lives.
bool ConnectionTable::remove(ConnectionId id, const Place& place) noexcept {
  const std::uint32_t live = word(id);
  if (life_of(live) != Life::live || !change_word(id, live, Life::dead)) return false;
  unpublish(place, slot_value(place, id));
  removals_[pool_.owner_of(id.value).value].count.fetch_add(1, std::memory_order_relaxed);
  pool_.retire(id.value);
  return true;
}

void ConnectionTable::add(Doomed& doomed, ConnectionId id) const noexcept {
  const Place place = place_of(key_of(id));
  __builtin_prefetch(place.first, 1);
  __builtin_prefetch(place.second, 1);
  doomed.each[doomed.count++] = {id, place};
}

// Takes every copy of the slot out, first bucket before second: see the header on moving entries.
void ConnectionTable::unpublish(const Place& place, std::uint64_t value) noexcept {
  for (std::size_t position = 0; position < 2 * kWays; ++position) {
    std::uint64_t expected = value;
    Slot& slot = place.slot(position);
    if (slot.load(std::memory_order_acquire) == value) slot.compare_exchange_strong(expected, 0);
  }
}

// The live entry of a slot that is in use.
std::optional<ConnectionEntry> ConnectionTable::entry_in(std::uint64_t slot) const noexcept {
  if (slot == 0) return std::nullopt;
  const auto entry = read_entry(entries_[id_in(slot).value]);
  return entry && generation_of(entry->word) == generation_in(slot) ? entry : std::nullopt;
}

// ---- start
// -----------------------------------------------------------------------------------------------------------

void ConnectionTable::rebuild(Start start) noexcept {
  std::memset(static_cast<void*>(buckets_.data()), 0, buckets_.size_bytes());
  std::array<ConnectionId, kBatchMax> ids;
  std::array<FlowWords, kBatchMax> keys;
  std::array<HashPair, kBatchMax> hashes;
  std::uint32_t next = 0;
  while (start == Start::warm && next < entries_.size()) {
    std::size_t count = 0;
    for (; next < entries_.size() && count < kBatchMax; ++next) {
      if (life_of(word(ConnectionId{next})) != Life::live) continue;
      ids[count] = ConnectionId{next};
      keys[count++] = key_of(ConnectionId{next});
    }
    hash_.bulk(std::as_bytes(std::span{keys}.first(count)), std::span{hashes}.first(count));
    for (std::size_t i = 0; i < count; ++i) __builtin_prefetch(place_of(hashes[i]).first, 1);
    for (std::size_t i = 0; i < count; ++i) index_again(ids[i], place_of(hashes[i]));
  }
  // Backwards, because the pool hands out first what it got last.
  for (std::size_t i = entries_.size(); i-- > 0;) {
    const ConnectionId id{static_cast<std::uint32_t>(i)};
    const std::uint32_t was = word(id);
    if (start == Start::warm && life_of(was) == Life::live) {
      ++live_at_start_;
      continue;
    }
    // Also clears a word that holds no life at all, as a damaged file may.
    if (life_of(was) != Life::free) __atomic_store_n(&entries_[i].word, next_word(was, Life::free), __ATOMIC_RELAXED);
    pool_.put_back(id.value);
  }
}

void ConnectionTable::index_again(ConnectionId id, const Place& place) noexcept {
  const ConnectionId twin = find(place, key_of(id));
  if (twin != kNoConnection) {
    const bool twin_is_later = elapsed(entries_[id.value].last_seen, entries_[twin.value].last_seen) > 0;
    const ConnectionId loser = twin_is_later ? id : twin;
    unpublish(place, slot_value(place, loser));
    change_word(loser, word(loser), Life::dead);
    if (loser == id) return;
  }
  if (publish(place, slot_value(place, id)) != kNowhere) return;
  change_word(id, word(id), Life::dead);
  ++lost_at_start_;
}

// ---- figures
// ---------------------------------------------------------------------------------------------------------

std::size_t ConnectionTable::size() const noexcept {
  std::uint64_t removed = 0;
  std::uint64_t inserted = live_at_start_;
  for (std::size_t i = 0; i < workers_; ++i) removed += removals_[i].count.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < workers_; ++i) inserted += tallies_[i].inserted.load(std::memory_order_relaxed);
  // A removal may be counted before its insertion is.
  return inserted > removed ? inserted - removed : 0;
}

ConnectionTable::Refused ConnectionTable::refused() const noexcept {
  Refused sum;
  for (std::size_t i = 0; i < workers_; ++i) {
    sum.no_entry += tallies_[i].no_entry.load(std::memory_order_relaxed);
    sum.no_slot += tallies_[i].no_slot.load(std::memory_order_relaxed);
    sum.contended += tallies_[i].contended.load(std::memory_order_relaxed);
  }
  return sum;
}

}  // namespace fulcrum
