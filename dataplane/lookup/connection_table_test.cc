#include "dataplane/lookup/connection_table.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <vector>

#include "dataplane/lookup/test_table.h"
#include "dataplane/packet/frame.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using test::find;
using test::insert;
using test::nth_key;
using test::TableMemory;
using Direction = ConnectionTable::Direction;
using Start = ConnectionTable::Start;

constexpr WorkerId kFirstWorker{0}, kSecondWorker{1};

TEST(ConnectionTableSize, IndexHoldsAnyCapacityAtMost68PercentFull) {
  for (const std::size_t capacity : {0UL, 1UL, 5UL, 6UL, 1000UL, 5'500'000UL, 100'000'001UL}) {
    const std::size_t slots = ConnectionTable::index_bytes(capacity) / 8;
    EXPECT_GE(slots * 68, capacity * 100) << capacity;
    EXPECT_GE(slots, 16U);
    EXPECT_LE(slots * 68, capacity * 100 + 16 * 68) << "not wasteful";
  }
}

TEST(ConnectionTableSize, BytesPerConnectionStayUnder80) {
  constexpr std::size_t kCapacity = 5'500'000;
  const double bytes = static_cast<double>(ConnectionTable::index_bytes(kCapacity)) / kCapacity +
                       sizeof(ConnectionEntry) + sizeof(std::uint32_t);
  EXPECT_LT(bytes, 80.0);
}

TEST(ConnectionTable, FindsWhatWasInsertedAndNothingElse) {
  TableMemory memory{100};
  ConnectionTable table{memory.view(), 1, Start::cold};
  EXPECT_EQ(find(table, nth_key(1)), kNoConnection);
  const auto inserted =
      table.insert(kFirstWorker, nth_key(1), ServerId{3, 9}, ConnectionState::udp, Reason::fallback, 77);
  ASSERT_TRUE(inserted.is_new);
  EXPECT_EQ(find(table, nth_key(1)), inserted.id);
  EXPECT_EQ(find(table, nth_key(2)), kNoConnection);
  EXPECT_EQ(table.server(inserted.id), (ServerId{3, 9}));
  EXPECT_EQ(table.state(inserted.id), ConnectionState::udp);
  const auto entry = read_entry(memory.entries()[inserted.id.value]);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->key, nth_key(1));
  EXPECT_EQ(entry->server, (ServerId{3, 9}));
  EXPECT_EQ(entry->state, ConnectionState::udp);
  EXPECT_EQ(entry->reason, Reason::fallback);
  EXPECT_EQ(entry->last_seen, 77U);
  EXPECT_EQ(entry->packets_in + entry->packets_out, 0U);
  EXPECT_EQ(table.size(), 1U);
}

TEST(ConnectionTable, EveryPartOfTheKeyCounts) {
  TableMemory memory{100};
  ConnectionTable table{memory.view(), 1, Start::cold};
  FlowKey key = nth_key(5);
  ASSERT_TRUE(insert(table, key).is_new);
  std::vector<FlowKey> others(5, key);
  others[0].client = Address::v4(Be32{0x0A000006});
  others[1].client_port = Be16{9};
  others[2].service = ServiceId{8};
  others[3].service_port = Be16{81};
  auto bytes = key.client.bytes();
  bytes[0] = 0x20;  // an IPv6 address with the same last 15 bytes
  others[4].client = Address::v6(bytes.data());
  for (const FlowKey& other : others) EXPECT_EQ(find(table, other), kNoConnection);
}

TEST(ConnectionTable, ATagProvesNothing) {
  // Two keys with the same two buckets and the same tag: one is in the table, the other is not, then both are.
  TableMemory memory{10};
  ConnectionTable table{memory.view(), 1, Start::cold};
  const KeyedHash hash{test::kHashKey};
  const test::BucketFinder finder{memory.buckets()};
  const auto tag = [&](const FlowKey& key) {
    return hash.one(std::as_bytes(std::span{&key, 1}).first<KeyedHash::kKeyBytes>()).first & 0xFFFFU;
  };
  const FlowKey one = nth_key(0);
  std::uint64_t n = 1;
  while (tag(nth_key(n)) != tag(one) || !(finder.of(nth_key(n)) == finder.of(one))) ++n;
  const FlowKey two = nth_key(n);
  ASSERT_TRUE(insert(table, one).is_new);
  EXPECT_EQ(find(table, two), kNoConnection);
  ASSERT_TRUE(insert(table, two).is_new);
  EXPECT_NE(find(table, two), find(table, one));
  ASSERT_TRUE(table.remove(find(table, one)));
  EXPECT_EQ(find(table, one), kNoConnection);
  EXPECT_NE(find(table, two), kNoConnection);
}

TEST(ConnectionTable, SecondInsertReturnsTheFirst) {
  TableMemory memory{100};
  ConnectionTable table{memory.view(), 2, Start::cold};
  const auto first = insert(table, nth_key(1), kFirstWorker, ServerId{1, 1});
  const auto second = insert(table, nth_key(1), kSecondWorker, ServerId{2, 1});
  EXPECT_TRUE(first.is_new);
  EXPECT_FALSE(second.is_new);
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(table.server(second.id), (ServerId{1, 1}));
  EXPECT_EQ(table.size(), 1U);
}

TEST(ConnectionTable, CountsPacketsAndBytesPerDirectionBeyond32Bits) {
  TableMemory memory{10};
  ConnectionTable table{memory.view(), 1, Start::cold};
  const ConnectionId id = insert(table, nth_key(1)).id;
  for (int i = 0; i < 5; ++i) table.at(id).touch(Direction::to_server, 0xF000'0000, 10);
  table.at(id).touch(Direction::to_client, 1500, 12);
  table.set_state(id, ConnectionState::established);
  const auto entry = read_entry(memory.entries()[id.value]);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->packets_in, 5U);
  EXPECT_EQ(entry->packets_out, 1U);
  EXPECT_EQ((std::uint64_t{entry->bytes_in_high} << 32U) + entry->bytes_in, 5 * 0xF000'0000ULL);
  EXPECT_EQ((std::uint64_t{entry->bytes_out_high} << 32U) + entry->bytes_out, 1500U);
  EXPECT_EQ(entry->last_seen, 12U);
  EXPECT_EQ(entry->state, ConnectionState::established);
}

TEST(ConnectionTable, ExactlyOneRemovalSucceeds) {
  TableMemory memory{10};
  ConnectionTable table{memory.view(), 1, Start::cold};
  const ConnectionId id = insert(table, nth_key(1)).id;
  EXPECT_TRUE(table.remove(id));
  EXPECT_FALSE(table.remove(id));
  EXPECT_EQ(find(table, nth_key(1)), kNoConnection);
  EXPECT_FALSE(read_entry(memory.entries()[id.value]));
  EXPECT_EQ(table.size(), 0U);
}

TEST(ConnectionTable, BulkLookupMixesHitsMissesAndDuplicates) {
  TableMemory memory{2000};
  ConnectionTable table{memory.view(), 1, Start::cold};
  std::vector<ConnectionId> ids;
  for (std::uint64_t n = 0; n < 2000; ++n) ids.push_back(insert(table, nth_key(n)).id);
  for (std::size_t count = 0; count <= kBatchMax; ++count) {
    std::vector<FlowKey> keys;
    std::vector<ConnectionId> expected, found(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t n = i % 5 == 4 ? 999 : i * 61 + count * 67 + (i % 3 == 0 ? 1'000'000 : 0);
      keys.push_back(nth_key(n));
      expected.push_back(n < 2000 ? ids[n] : kNoConnection);
    }
    test::look_up(table, keys, found);
    EXPECT_EQ(found, expected) << count;
  }
}

TEST(ConnectionTable, FillsToTheLastEntryThenRefusesAndSaysWhy) {
  constexpr std::size_t kCapacity = 10'000;
  TableMemory memory{kCapacity};
  ConnectionTable table{memory.view(), 3, Start::cold};
  for (std::uint64_t n = 0; n < kCapacity; ++n) ASSERT_TRUE(insert(table, nth_key(n)).is_new) << n;
  EXPECT_EQ(table.size(), kCapacity);
  for (std::uint64_t n = 0; n < 10 * kCapacity; ++n) {
    const auto inserted = insert(table, nth_key(kCapacity + n));
    ASSERT_EQ(inserted.id, kNoConnection);
    ASSERT_FALSE(inserted.is_new);
  }
  EXPECT_EQ(table.refused().no_entry, 10 * kCapacity);
  EXPECT_EQ(table.refused().no_slot, 0U);
  std::set<std::uint32_t> ids;
  for (std::uint64_t n = 0; n < kCapacity; ++n) ids.insert(find(table, nth_key(n)).value);
  EXPECT_EQ(ids.size(), kCapacity);
  EXPECT_FALSE(insert(table, nth_key(3)).is_new) << "a full table still knows what it holds";
}

TEST(ConnectionTable, OneWorkerMayUseTheWholeTable) {
  TableMemory memory{64};
  ConnectionTable table{memory.view(), 4, Start::cold};
  for (std::uint64_t n = 0; n < 64; ++n) {
    ASSERT_TRUE(insert(table, nth_key(n), WorkerId{2}).is_new || table.refused().no_slot != 0) << n;
  }
}

TEST(ConnectionTable, KeysOfOneBucketPairFillItsSixteenSlots) {
  TableMemory memory{1000};
  ConnectionTable table{memory.view(), 1, Start::cold};
  const test::BucketFinder finder{memory.buckets()};
  const auto keys = finder.keys({3, 90}, 20);
  std::vector<ConnectionId> ids;
  for (const FlowKey& key : keys) ids.push_back(insert(table, key).id);
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(ids[i] != kNoConnection, i < 16) << i;
  EXPECT_EQ(table.refused().no_slot, 4U);
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(find(table, keys[i]), ids[i]) << i;
  // A slot that falls free is used again, and the refused entries were given back.
  ASSERT_TRUE(table.remove(ids[11]));
  EXPECT_TRUE(insert(table, keys[17]).is_new);
  EXPECT_EQ(insert(table, keys[18]).id, kNoConnection);
  EXPECT_EQ(table.size(), 16U);
}

TEST(ConnectionTable, MovesAnEntryToItsSecondBucketWhenBothAreFull) {
  TableMemory memory{1000};
  ConnectionTable table{memory.view(), 1, Start::cold};
  const test::BucketFinder finder{memory.buckets()};
  // Bucket 3 is filled by keys that may also lie in 50, bucket 90 by keys that may also lie in 60.
  auto keys = finder.keys({3, 50}, 8);
  for (const FlowKey& key : finder.keys({90, 60}, 8)) keys.push_back(key);
  for (const FlowKey& key : keys) ASSERT_TRUE(insert(table, key).is_new);
  for (const FlowKey& key : finder.keys({3, 90}, 16)) {
    keys.push_back(key);
    ASSERT_TRUE(insert(table, key).is_new) << keys.size();
  }
  std::set<std::uint32_t> ids;
  for (const FlowKey& key : keys) ids.insert(find(table, key).value);
  EXPECT_EQ(ids.size(), 32U);
  EXPECT_EQ(ids.count(kNoConnection.value), 0U);
  EXPECT_EQ(insert(table, finder.keys({3, 90}, 17).back()).id, kNoConnection) << "nothing left that could move";
  for (const FlowKey& key : keys) ASSERT_TRUE(table.remove(find(table, key)));
  for (const std::byte byte : memory.index()) ASSERT_EQ(byte, std::byte{0}) << "no slot stays behind";
}

TEST(ConnectionTable, AnEntryIsReusedOnlyAfterEveryWorkerWasQuiescent) {
  TableMemory memory{1};
  ConnectionTable table{memory.view(), 2, Start::cold};
  const ConnectionId id = insert(table, nth_key(1)).id;
  table.quiescent(kSecondWorker);
  ASSERT_TRUE(table.remove(id));
  const auto turn = [&](WorkerId worker) {
    table.sweep(
        worker, 1, 0, [](const ConnectionEntry&) { return false; }, [](const ConnectionEntry&) {});
    table.quiescent(worker);
  };
  for (int i = 0; i < 10; ++i) {
    turn(kFirstWorker);
    ASSERT_EQ(insert(table, nth_key(2)).id, kNoConnection) << "the second worker may still read it";
  }
  table.quiescent(kSecondWorker);
  turn(kFirstWorker);
  EXPECT_TRUE(insert(table, nth_key(2)).is_new);
}

TEST(ConnectionTable, AnOfflineWorkerHoldsNobodyUp) {
  TableMemory memory{1};  // the second worker's share
  ConnectionTable table{memory.view(), 2, Start::cold};
  table.set_online(kFirstWorker, false);
  for (std::uint64_t n = 0; n < 5; ++n) {
    const auto inserted = insert(table, nth_key(n), kSecondWorker);
    ASSERT_TRUE(inserted.is_new) << n;
    ASSERT_TRUE(table.remove(inserted.id));
    for (int i = 0; i < 3; ++i) {
      table.sweep(
          kSecondWorker, 1, 0, [](const ConnectionEntry&) { return false; }, [](const ConnectionEntry&) {});
      table.quiescent(kSecondWorker);
    }
  }
  const ConnectionId id = insert(table, nth_key(9), kSecondWorker).id;
  table.set_online(kFirstWorker, true);
  ASSERT_TRUE(table.remove(id));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(insert(table, nth_key(10), kSecondWorker).id, kNoConnection);
    table.quiescent(kSecondWorker);
  }
}

TEST(ConnectionTable, EntriesOfASleepingOwnerComeBackThroughTheOthers) {
  TableMemory memory{2};
  ConnectionTable table{memory.view(), 2, Start::cold};
  std::array<ConnectionId, 2> ids{insert(table, nth_key(0)).id, insert(table, nth_key(1)).id};
  ASSERT_NE(ids[0], ids[1]);
  table.set_online(kSecondWorker, false);
  for (const ConnectionId id : ids) ASSERT_TRUE(table.remove(id));
  std::size_t inserted = 0;
  for (std::uint64_t turn = 0; turn < 12 && inserted < 2; ++turn) {
    if (insert(table, nth_key(10 + turn)).is_new) ++inserted;
    table.sweep(
        kFirstWorker, 1, 0, [](const ConnectionEntry&) { return false; }, [](const ConnectionEntry&) {});
    table.quiescent(kFirstWorker);
  }
  EXPECT_EQ(inserted, 2U);
}

TEST(ConnectionTable, SweepShowsEachLiveEntryOfTheShareAndRemovesTheExpired) {
  constexpr std::size_t kCapacity = 100;
  TableMemory memory{kCapacity + 20};
  ConnectionTable table{memory.view(), 3, Start::cold};
  for (std::uint64_t n = 0; n < kCapacity; ++n) {
    const auto inserted =
        insert(table, nth_key(n), WorkerId{static_cast<std::uint8_t>(n % 3)}, ServerId{1, 1}, static_cast<Tick>(n));
    ASSERT_TRUE(inserted.is_new);
    table.at(inserted.id).touch(Direction::to_server, static_cast<std::uint32_t>(n), static_cast<Tick>(n));
  }
  std::size_t shown = 0, removed = 0;
  std::uint64_t bytes = 0;
  for (std::uint8_t worker = 0; worker < 3; ++worker) {
    for (std::size_t i = 0; i < 8; ++i) {
      table.sweep(
          WorkerId{worker}, 5, 0,
          [&](const ConnectionEntry& entry) {
            ++shown;
            return entry.last_seen < 50;
          },
          [&](const ConnectionEntry& entry) {
            ++removed;
            bytes += entry.bytes_in;
          });
    }
  }
  EXPECT_EQ(shown, kCapacity);
  EXPECT_EQ(removed, 50U);
  EXPECT_EQ(bytes, 49U * 50 / 2);
  EXPECT_EQ(table.size(), 50U);
  for (std::uint64_t n = 0; n < kCapacity; ++n) EXPECT_EQ(find(table, nth_key(n)) == kNoConnection, n < 50) << n;
}

TEST(ConnectionTable, EvictsBesideAKeyOnlyWhatIsWanted) {
  TableMemory memory{1000};
  ConnectionTable table{memory.view(), 1, Start::cold};
  const test::BucketFinder finder{memory.buckets()};
  const auto keys = finder.keys({3, 90}, 18);
  std::vector<ConnectionId> ids;
  for (std::size_t i = 0; i < 16; ++i) ids.push_back(insert(table, keys[i]).id);
  ASSERT_EQ(insert(table, keys[16]).id, kNoConnection) << "all keys collide in one pair of buckets";
  for (const ConnectionId id : ids) table.set_state(id, ConnectionState::established);
  std::size_t removed = 0;
  const auto embryonic = [](const ConnectionEntry& entry) { return entry.state == ConnectionState::embryonic; };
  const auto count = [&](const ConnectionEntry&) { ++removed; };
  EXPECT_FALSE(table.evict_beside(keys[16], embryonic, count));
  table.set_state(ids[9], ConnectionState::embryonic);
  EXPECT_FALSE(table.evict_beside(finder.keys({5, 7}, 1)[0], embryonic, count)) << "elsewhere";
  EXPECT_TRUE(table.evict_beside(keys[16], embryonic, count));
  EXPECT_EQ(removed, 1U);
  EXPECT_EQ(find(table, keys[9]), kNoConnection);
  EXPECT_TRUE(insert(table, keys[16]).is_new) << "into its slot";
  EXPECT_EQ(insert(table, keys[17]).id, kNoConnection);
  EXPECT_EQ(table.size(), 16U);
}

TEST(ConnectionTable, WalksTheShareOfItsWorkerRoundAndRound) {
  TableMemory memory{90};
  ConnectionTable table{memory.view(), 3, Start::cold};
  for (std::uint64_t n = 0; n < 90; ++n) ASSERT_TRUE(insert(table, nth_key(n)).is_new);
  std::uint32_t cursor = 0;
  std::set<std::uint32_t> seen;
  const auto none = [](const ConnectionEntry&) {};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto walked = table.walk(
        kSecondWorker, cursor, 10, 5,
        [&](ConnectionId id, const ConnectionEntry&) {
          EXPECT_EQ(seen.insert(id.value).second, i < 3) << "round again";
          return false;
        },
        none);
    EXPECT_EQ(walked.looked, 10U);
  }
  EXPECT_EQ(seen.size(), 30U);
  EXPECT_EQ(*seen.begin(), 30U);
  const auto all = [](ConnectionId, const ConnectionEntry&) { return true; };
  const auto walked = table.walk(kSecondWorker, cursor, 100, 5, all, none);
  EXPECT_EQ(walked.removed, 5U);
  EXPECT_EQ(walked.looked, 5U) << "stops when it has removed enough";
  EXPECT_EQ(table.walk(kSecondWorker, cursor, 100, 100, all, none).removed, 25U);
  EXPECT_EQ(table.size(), 60U);
}

TEST(ConnectionTable, RemembersWhenAConnectionWasOpened) {
  TableMemory memory{1};
  ConnectionTable table{memory.view(), 1, Start::cold};
  constexpr Tick kHour = ticks(std::chrono::hours{1});
  Tick now = 1'000'000;
  const ConnectionId id = insert(table, nth_key(1), kFirstWorker, ServerId{1, 1}, now).id;
  for (std::uint32_t hour = 1; hour < 200; ++hour) {
    now += kHour;
    table.sweep(
        kFirstWorker, 1, now, [](const ConnectionEntry&) { return false; }, [](const ConnectionEntry&) {});
    const auto entry = read_entry(memory.entries()[0]);
    ASSERT_TRUE(entry);
    ASSERT_NEAR(entry->opened().age_s(now), hour * 3600, 128) << hour;
    ASSERT_EQ(find(table, nth_key(1)), id) << "it is no part of the key";
  }
  ConnectionTable again{memory.view(), 1, Start::warm};
  EXPECT_EQ(find(again, nth_key(1)), id);
  EXPECT_NEAR(read_entry(memory.entries()[0])->opened().age_s(now), 199 * 3600, 128);
  EXPECT_TRUE(again.remove(id));
  for (const std::byte byte : memory.index()) ASSERT_EQ(byte, std::byte{0});
}

TEST(ConnectionTable, GenerationWrapsWithoutHarm) {
  TableMemory memory{1};
  // The count of lives is 24 bits, the generation in a slot its low 16.
  memory.entries()[0].word = 0xFFFFF0U << 8U;
  ConnectionTable table{memory.view(), 1, Start::warm};
  for (std::uint64_t n = 0; n < 200; ++n) {
    const auto inserted = insert(table, nth_key(n));
    ASSERT_TRUE(inserted.is_new) << n;
    ASSERT_EQ(find(table, nth_key(n)), inserted.id);
    ASSERT_TRUE(table.remove(inserted.id));
    ASSERT_EQ(find(table, nth_key(n)), kNoConnection);
    test::settle(table);
  }
  EXPECT_LT(memory.entries()[0].word >> 8U, 200U) << "went through zero";
  for (const std::byte byte : memory.index()) ASSERT_EQ(byte, std::byte{0});
}

TEST(ConnectionTableStart, ColdForgetsEverything) {
  TableMemory memory{50};
  {
    ConnectionTable table{memory.view(), 2, Start::cold};
    for (std::uint64_t n = 0; n < 50; ++n) ASSERT_TRUE(insert(table, nth_key(n)).is_new);
  }
  ConnectionTable table{memory.view(), 2, Start::cold};
  EXPECT_EQ(table.size(), 0U);
  for (std::uint64_t n = 0; n < 50; ++n) EXPECT_EQ(find(table, nth_key(n)), kNoConnection);
  for (std::uint64_t n = 0; n < 50; ++n) ASSERT_TRUE(insert(table, nth_key(100 + n)).is_new);
}

TEST(ConnectionTableStart, WarmKeepsTheLiveAndFreesTheRest) {
  TableMemory memory{100};
  {
    ConnectionTable table{memory.view(), 2, Start::cold};
    for (std::uint64_t n = 0; n < 100; ++n) ASSERT_TRUE(insert(table, nth_key(n), kFirstWorker, ServerId{4, 2}).is_new);
    for (std::uint64_t n = 0; n < 20; ++n) ASSERT_TRUE(table.remove(find(table, nth_key(n))));
    // As a death leaves them: half written, and with a life that does not exist.
    for (std::uint64_t n = 20; n < 40; ++n) {
      std::uint32_t& word = memory.entries()[find(table, nth_key(n)).value].word;
      word = (word & ~0xFFU) | static_cast<std::uint32_t>(n < 30 ? Life::writing : Life{77});
    }
  }
  const auto index = memory.index();
  std::fill(index.begin(), index.end(), std::byte{0xA5});
  ConnectionTable table{memory.view(), 3, Start::warm};
  EXPECT_EQ(table.size(), 60U);
  EXPECT_EQ(table.lost_at_start(), 0U);
  for (std::uint64_t n = 0; n < 100; ++n) {
    const ConnectionId id = find(table, nth_key(n));
    ASSERT_EQ(id == kNoConnection, n < 40) << n;
    EXPECT_TRUE(n < 40 || table.server(id) == (ServerId{4, 2}));
  }
  for (std::uint64_t n = 0; n < 40; ++n) ASSERT_TRUE(insert(table, nth_key(1000 + n)).is_new) << n;
  EXPECT_EQ(insert(table, nth_key(2000)).id, kNoConnection);
}

TEST(ConnectionTableStart, WarmReducesTwoLiveEntriesOfOneKeyToTheLaterUsed) {
  for (const Tick first_seen : {5U, 9U}) {
    TableMemory memory{10};
    {
      ConnectionTable table{memory.view(), 1, Start::cold};
      const ConnectionId one = insert(table, nth_key(1), kFirstWorker, ServerId{1, 1}, first_seen).id;
      const ConnectionId two = insert(table, nth_key(2), kFirstWorker, ServerId{2, 1}, 7).id;
      memory.entries()[two.value].key = memory.entries()[one.value].key;
    }
    ConnectionTable table{memory.view(), 1, Start::warm};
    EXPECT_EQ(table.size(), 1U);
    const ConnectionId kept = find(table, nth_key(1));
    ASSERT_NE(kept, kNoConnection);
    EXPECT_EQ(table.server(kept).index, first_seen == 5 ? 2 : 1);
    ASSERT_TRUE(table.remove(kept));
    EXPECT_EQ(find(table, nth_key(1)), kNoConnection) << "the other one is gone too";
    test::settle(table);
    for (std::uint64_t n = 0; n < 10; ++n) ASSERT_TRUE(insert(table, nth_key(10 + n)).is_new) << n;
  }
}

}  // namespace
}  // namespace fulcrum
