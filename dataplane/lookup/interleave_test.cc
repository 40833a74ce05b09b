// Every pair of operations that can meet, the one interrupted by the other at each of its accesses to memory in turn.
#include "tests/support/interleave.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "dataplane/lookup/test_table.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using test::find;
using test::insert;
using test::Interleaving;
using test::nth_key;
using Inserted = ConnectionTable::Inserted;

constexpr WorkerId kFirst{0}, kSecond{1}, kThird{2};

// A table in which an insert of `pushing` keys must move one of the `movable` ones out of bucket 5 into bucket 7:
// bucket 5 is full of these, and bucket 3 of keys that cannot move because 9 and 11 are full.
class Crowd {
 public:
  Crowd() {
    for (const FlowKey& key : keys().fixed) EXPECT_TRUE(insert(table, key).is_new);
    for (const FlowKey& key : keys().movable) ids.push_back(insert(table, key).id);
  }
  struct Keys {
    std::vector<FlowKey> fixed, movable, pushing;
  };
  static const Keys& keys() {
    static const Keys the_keys = [] {
      const test::BucketFinder finder{test::TableMemory{kCapacity}.buckets()};
      Keys made{finder.keys({9, 11}, 16), finder.keys({5, 7}, 8), finder.keys({3, 5}, 4)};
      for (const FlowKey& key : finder.keys({3, 9}, 8)) made.fixed.push_back(key);
      return made;
    }();
    return the_keys;
  }
  [[nodiscard]] std::size_t slots() {
    std::size_t count = 0;
    const auto index = memory.index();
    for (std::size_t at = 0; at < index.size(); at += 8) {
      std::uint64_t slot = 0;
      std::memcpy(&slot, &index[at], 8);
      count += slot != 0 ? 1U : 0U;
    }
    return count;
  }
  // The movable keys that a lookup does not find.
  [[nodiscard]] std::size_t missing() const {
    std::array<ConnectionId, 8> found;
    test::look_up(table, keys().movable, found);
    return static_cast<std::size_t>(std::count(found.begin(), found.end(), kNoConnection));
  }
  // Nothing is in the index but one slot for each live entry.
  void expect_tidy(std::size_t n) { EXPECT_EQ(slots(), table.size()) << "interrupted at point " << n; }

  static constexpr std::size_t kCapacity = 100;
  test::TableMemory memory{kCapacity};
  ConnectionTable table{memory.view(), 3, ConnectionTable::Start::cold};
  std::vector<ConnectionId> ids;  // of the movable
};

class Interleavings : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::kCanInterleave) GTEST_SKIP() << "needs the single-step flag of x86";
  }
  // Calls `once(n)` with n = 1, 2, ... until it returns false.
  template <class Once>
  static void at_each_point(Once once) {
    std::size_t n = 1;
    while (once(n) && !HasFailure()) ++n;
    EXPECT_GT(n, 4U) << "nothing was interrupted";
  }
};

TEST_F(Interleavings, TwoInsertsOfOneKeyHaveOneWinner) {
  at_each_point([](std::size_t n) {
    Crowd crowd;
    const std::size_t before = crowd.table.size();
    Inserted first, second;
    const bool more = Interleaving::run(
        crowd.memory.pages(), n, [&] { first = insert(crowd.table, nth_key(1), kFirst); },
        [&] { second = insert(crowd.table, nth_key(1), kSecond); });
    if (!more) second = insert(crowd.table, nth_key(1), kSecond);
    EXPECT_EQ(first.is_new + second.is_new, 1) << n;
    EXPECT_EQ(first.id, second.id) << n;
    EXPECT_EQ(find(crowd.table, nth_key(1)), first.id) << n;
    EXPECT_EQ(crowd.table.size(), before + 1);
    crowd.expect_tidy(n);
    return more;
  });
}

TEST_F(Interleavings, InsertAndAConnectionThatComesAndGoes) {
  at_each_point([](std::size_t n) {
    Crowd crowd;
    const std::size_t before = crowd.table.size();
    Inserted first;
    std::size_t made = 0, removed = 0;
    const bool more = Interleaving::run(
        crowd.memory.pages(), n, [&] { first = insert(crowd.table, nth_key(1), kFirst); },
        [&] {
          const Inserted second = insert(crowd.table, nth_key(1), kSecond);
          made += second.is_new ? 1U : 0U;
          removed += crowd.table.remove(second.id) ? 1U : 0U;
        });
    made += first.is_new ? 1U : 0U;
    EXPECT_NE(first.id, kNoConnection) << n;
    EXPECT_EQ(crowd.table.size(), before + made - removed) << n;
    EXPECT_EQ(find(crowd.table, nth_key(1)) != kNoConnection, made > removed) << n;
    crowd.expect_tidy(n);
    return more;
  });
}

TEST_F(Interleavings, AMovingEntryIsFoundAtAnyMoment) {
  at_each_point([](std::size_t n) {
    Crowd crowd;
    std::size_t missing = 0;
    const bool more = Interleaving::run(
        crowd.memory.pages(), n, [&] { EXPECT_TRUE(insert(crowd.table, Crowd::keys().pushing[0]).is_new); },
        [&] { missing = crowd.missing(); });
    EXPECT_EQ(missing, 0U) << n;
    crowd.expect_tidy(n);
    return more;
  });
}

TEST_F(Interleavings, ALookupFindsAnEntryThatMovesMeanwhile) {
  at_each_point([](std::size_t n) {
    Crowd crowd;
    std::size_t missing = 0;
    const bool more = Interleaving::run(
        crowd.memory.pages(), n, [&] { missing = crowd.missing(); },
        [&] {
          for (const FlowKey& key : Crowd::keys().pushing) EXPECT_TRUE(insert(crowd.table, key, kSecond).is_new);
        });
    EXPECT_EQ(missing, 0U) << n;
    return more;
  });
}

// Entries must not move from their second bucket to their first: a search has passed that already.
TEST_F(Interleavings, ALookupFindsAnEntryThatCouldMoveBack) {
  at_each_point([](std::size_t n) {
    test::TableMemory memory{Crowd::kCapacity};
    ConnectionTable table{memory.view(), 2, ConnectionTable::Start::cold};
    static const test::BucketFinder finder{memory.buckets()};
    static const auto first_full = finder.keys({7, 3}, 8), second_choice = finder.keys({7, 5}, 8);
    std::vector<ConnectionId> ids;
    for (const FlowKey& key : first_full) ids.push_back(insert(table, key).id);
    for (const FlowKey& key : second_choice) EXPECT_TRUE(insert(table, key).is_new);
    for (const FlowKey& key : Crowd::keys().fixed) EXPECT_TRUE(insert(table, key).is_new);
    for (const ConnectionId id : ids) table.remove(id);
    std::array<ConnectionId, 8> found;
    const bool more = Interleaving::run(
        memory.pages(), n, [&] { test::look_up(table, second_choice, found); },
        [&] {
          for (const FlowKey& key : Crowd::keys().pushing) insert(table, key, kSecond);
        });
    EXPECT_EQ(std::count(found.begin(), found.end(), kNoConnection), 0) << n;
    return more;
  });
}

TEST_F(Interleavings, ALookupFindsNoEntryThatIsNotYetAConnection) {
  at_each_point([](std::size_t n) {
    Crowd crowd;
    bool found = false, is_live = false;
    const bool more = Interleaving::run(
        crowd.memory.pages(), n, [&] { EXPECT_TRUE(insert(crowd.table, nth_key(1)).is_new); },
        [&] {
          const ConnectionId id = find(crowd.table, nth_key(1));
          found = id != kNoConnection;
          is_live = found && read_entry(crowd.memory.entries()[id.value]);
        });
    EXPECT_EQ(found, is_live) << n;
    return more;
  });
}

TEST_F(Interleavings, AnInsertMeetsItsKeyOnTheMove) {
  at_each_point([](std::size_t n) {
    Crowd crowd;
    Inserted again;
    const bool more = Interleaving::run(
        crowd.memory.pages(), n, [&] { again = insert(crowd.table, Crowd::keys().movable[0], kFirst); },
        [&] { EXPECT_TRUE(insert(crowd.table, Crowd::keys().pushing[0], kSecond).is_new); });
    EXPECT_FALSE(again.is_new) << n;
    EXPECT_EQ(again.id, crowd.ids[0]) << n;
    crowd.expect_tidy(n);
    return more;
  });
}

TEST_F(Interleavings, AnEntryIsRemovedWhileItMoves) {
  at_each_point([](std::size_t n) {
    Crowd crowd;
    const bool more = Interleaving::run(
        crowd.memory.pages(), n, [&] { EXPECT_TRUE(insert(crowd.table, Crowd::keys().pushing[0], kFirst).is_new); },
        [&] {
          for (const ConnectionId id : crowd.ids) EXPECT_TRUE(crowd.table.remove(id));
        });
    EXPECT_EQ(crowd.missing(), more ? 8U : 0U) << n;
    crowd.expect_tidy(n);
    return more;
  });
}

TEST_F(Interleavings, AnEntryMovesWhileItIsRemoved) {
  at_each_point([](std::size_t n) {
    Crowd crowd;
    const bool more = Interleaving::run(
        crowd.memory.pages(), n, [&] { EXPECT_TRUE(crowd.table.remove(crowd.ids[0])); },
        [&] {
          for (const FlowKey& key : Crowd::keys().pushing) EXPECT_TRUE(insert(crowd.table, key, kSecond).is_new);
        });
    EXPECT_EQ(crowd.missing(), 1U) << n;
    crowd.expect_tidy(n);
    return more;
  });
}

TEST_F(Interleavings, TwoWorkersMoveOneEntry) {
  at_each_point([](std::size_t n) {
    Crowd crowd;
    const bool more = Interleaving::run(
        crowd.memory.pages(), n, [&] { EXPECT_TRUE(insert(crowd.table, Crowd::keys().pushing[0], kFirst).is_new); },
        [&] { EXPECT_TRUE(insert(crowd.table, Crowd::keys().pushing[1], kSecond).is_new); });
    EXPECT_EQ(crowd.missing(), 0U) << n;
    crowd.expect_tidy(n);
    return more;
  });
}

TEST_F(Interleavings, OneOfTwoRemovalsSucceeds) {
  at_each_point([](std::size_t n) {
    Crowd crowd;
    int removed = 0;
    const auto remove = [&] { removed += crowd.table.remove(crowd.ids[0]) ? 1 : 0; };
    const bool more = Interleaving::run(crowd.memory.pages(), n, remove, remove);
    EXPECT_EQ(removed, 1) << n;
    crowd.expect_tidy(n);
    return more;
  });
}

TEST_F(Interleavings, AnEntryIsHandedOutOnce) {
  at_each_point([](std::size_t n) {
    EntryPool pool{8, 2};
    for (std::uint32_t i = 8; i-- > pool.share(kSecond).begin;) pool.put_back(i);
    std::optional<std::uint32_t> first, second;
    const bool more = Interleaving::run(
        {}, n, [&] { first = pool.take(kSecond); },
        [&] {
          // The first entry of the second worker's stack goes, the one behind it goes, and the first comes back.
          const auto top = pool.take(kFirst);
          second = pool.take(kFirst);
          pool.put_back(*top);
        });
    std::vector<std::uint32_t> taken{*first};
    if (second) taken.push_back(*second);
    while (const auto entry = pool.take(kFirst)) taken.push_back(*entry);
    const std::set<std::uint32_t> different(taken.begin(), taken.end());
    EXPECT_EQ(different.size(), taken.size()) << n;
    EXPECT_EQ(taken.size(), 4U) << n;
    return more;
  });
}

// Control copies entries while workers use them for other connections.
TEST_F(Interleavings, AForeignReaderSeesOneConnectionOrNone) {
  struct Reused {
    test::TableMemory memory{1};
    ConnectionTable table{memory.view(), 1, ConnectionTable::Start::cold};
    ConnectionId id = insert(table, nth_key(1), kFirst, ServerId{1, 1}, 1).id;
    void reuse() {
      EXPECT_TRUE(table.remove(id));
      test::settle(table);
      EXPECT_TRUE(insert(table, nth_key(2), kFirst, ServerId{2, 2}, 2).is_new);
    }
    [[nodiscard]] std::optional<ConnectionEntry> read() { return read_entry(memory.entries()[id.value]); }
  };
  const auto is_whole = [](const ConnectionEntry& entry) {
    const auto n = static_cast<std::uint16_t>(entry.last_seen);
    return (n == 1 || n == 2) && entry.key == nth_key(n) && entry.server == ServerId{n, n};
  };
  at_each_point([&](std::size_t n) {
    Reused reused;
    std::optional<ConnectionEntry> seen;
    const bool more = Interleaving::run(
        reused.memory.pages(), n, [&] { seen = reused.read(); }, [&] { reused.reuse(); });
    EXPECT_TRUE(!seen || is_whole(*seen)) << n;
    return more;
  });
  at_each_point([&](std::size_t n) {
    Reused reused;
    std::optional<ConnectionEntry> seen;
    const bool more = Interleaving::run(
        reused.memory.pages(), n, [&] { reused.reuse(); }, [&] { seen = reused.read(); });
    EXPECT_TRUE(!seen || is_whole(*seen)) << n;
    return more;
  });
}

// A process that dies at any access leaves whole connections: those that were there, and the one that it was inserting
// or removing either as it should be or not at all.
TEST_F(Interleavings, DeathAtAnyPointLeavesWholeConnections) {
  at_each_point([](std::size_t n) {
    Crowd crowd;
    test::TableMemory inherited{Crowd::kCapacity};
    const FlowKey& arriving = Crowd::keys().pushing[0];
    const FlowKey& leaving = Crowd::keys().movable[3];
    const bool more = Interleaving::run(
        crowd.memory.pages(), n,
        [&] {
          EXPECT_TRUE(insert(crowd.table, arriving, kFirst, ServerId{9, 9}).is_new);
          EXPECT_TRUE(crowd.table.remove(crowd.ids[3]));
        },
        [&] { std::memcpy(inherited.pages().data(), crowd.memory.pages().data(), inherited.pages().size()); });
    if (!more) return false;
    ConnectionTable table{inherited.view(), 1, ConnectionTable::Start::warm};
    std::size_t there = 0;
    for (const auto* keys : {&Crowd::keys().fixed, &Crowd::keys().movable}) {
      for (const FlowKey& key : *keys) {
        const bool found = find(table, key) != kNoConnection;
        there += found ? 1U : 0U;
        EXPECT_TRUE(found || key == leaving) << n;
      }
    }
    if (const ConnectionId id = find(table, arriving); id != kNoConnection) {
      ++there;
      EXPECT_EQ(table.server(id), (ServerId{9, 9})) << n;
    }
    EXPECT_EQ(table.size(), there) << n;
    std::size_t all = there;
    for (std::uint64_t key = 0; key < Crowd::kCapacity; ++key)
      all += insert(table, nth_key(1U << 30U | key)).is_new ? 1U : 0U;
    EXPECT_EQ(all, Crowd::kCapacity) << n << ": an entry was lost";
    return true;
  });
}

// Three inserts of one key, the second interrupted within the first and the third within the second. The pairs of
// points are too many, so some are drawn.
TEST_F(Interleavings, ThreeInsertsOfOneKeyHaveOneWinner) {
  const char* given = std::getenv("FULCRUM_SEED");
  const std::uint64_t seed = given == nullptr ? std::random_device{}() : std::strtoull(given, nullptr, 10);
  std::printf("FULCRUM_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random{seed};
  for (int i = 0; i < 500 && !HasFailure(); ++i) {
    test::TableMemory memory{100};
    ConnectionTable table{memory.view(), 3, ConnectionTable::Start::cold};
    // Of the eight slots of the first bucket some are freed when the first insert has published: so that a later one
    // comes to lie before it.
    const test::BucketFinder finder{memory.buckets()};
    static const std::vector<FlowKey> keys = finder.keys({3, 5}, 7);
    std::vector<ConnectionId> ids;
    for (std::size_t k = 0; k + 1 < keys.size(); ++k) ids.push_back(insert(table, keys[k]).id);
    std::array<Inserted, 3> outcome;
    const std::size_t outer = 1 + random() % 130;
    const std::size_t inner = 1 + random() % 130;
    bool second_ran = false, third_ran = false;
    second_ran = Interleaving::run(
        memory.pages(), outer, [&] { outcome[0] = insert(table, keys.back(), kFirst); },
        [&] {
          table.remove(ids[4]);
          third_ran = Interleaving::run(
              memory.pages(), inner, [&] { outcome[1] = insert(table, keys.back(), kSecond); },
              [&] {
                table.remove(ids[2]);
                outcome[2] = insert(table, keys.back(), kThird);
              });
        });
    const int winners = outcome[0].is_new + outcome[1].is_new + outcome[2].is_new;
    EXPECT_EQ(winners, 1) << outer << ", " << inner;
    const ConnectionId there = find(table, keys.back());
    EXPECT_EQ(outcome[0].id, there) << outer << ", " << inner;
    EXPECT_TRUE(!second_ran || outcome[1].id == there) << outer << ", " << inner;
    EXPECT_TRUE(!third_ran || outcome[2].id == there) << outer << ", " << inner;
  }
}

}  // namespace
}  // namespace fulcrum
