#include "dataplane/contract/neighbours.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "dataplane/base/invariant.h"
#include "tests/support/gtest.h"
#include "tests/support/interleave.h"

namespace fulcrum {
namespace {

constexpr PortId kFront{0}, kBack{1};

Address nth_address(std::uint32_t n) { return Address::v4(Be32{0x0A000000U + n}); }

// A MAC that tells whose it is and in which version: all its bytes must agree.
Mac mac_of(std::uint32_t n, std::uint8_t version) {
  Mac mac;
  // An entry keeps two bytes and four: the version stands in both parts.
  mac.bytes = {0x02, version, static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n), version, version};
  return mac;
}
bool is_mac_of(const Mac& mac, std::uint32_t n) { return mac == mac_of(n, mac.bytes[1]); }

// Memory that a child process shares.
class SharedTable {
 public:
  SharedTable() {
    void* pages = mmap(nullptr, sizeof(NeighbourTable), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FULCRUM_ASSERT(pages != MAP_FAILED);
    table_ = new (pages) NeighbourTable{};
  }
  ~SharedTable() { munmap(table_, sizeof(NeighbourTable)); }
  SharedTable(const SharedTable&) = delete;
  SharedTable& operator=(const SharedTable&) = delete;
  NeighbourTable& operator*() { return *table_; }
  NeighbourTable* operator->() { return table_; }
  [[nodiscard]] std::span<std::byte> pages() { return {reinterpret_cast<std::byte*>(table_), sizeof(NeighbourTable)}; }

 private:
  NeighbourTable* table_ = nullptr;
};

// Addresses whose probing begins at the same slot: in a table where every slot is vacant, that is where each one goes.
std::vector<std::uint32_t> of_one_home(std::size_t count) {
  const auto table = std::make_unique<NeighbourTable>();
  const auto home_of = [&](std::uint32_t n) {
    const NeighbourId id = *table->obtain(kFront, nth_address(n));
    table->remove(id);
    return id;
  };
  const NeighbourId home = home_of(0);
  std::vector<std::uint32_t> found{0};
  for (std::uint32_t n = 1; found.size() < count; ++n) {
    if (home_of(n) == home) found.push_back(n);
  }
  return found;
}

TEST(Neighbours, AreFoundOnceResolved) {
  SharedTable table;
  EXPECT_FALSE(table->find(kFront, nth_address(1)));
  const auto id = table->obtain(kFront, nth_address(1));
  ASSERT_TRUE(id);
  EXPECT_FALSE(table->mac(*id));
  EXPECT_FALSE(table->find(kFront, nth_address(1)));
  table->resolve(*id, mac_of(1, 1));
  EXPECT_EQ(table->mac(*id), mac_of(1, 1));
  EXPECT_EQ(table->find(kFront, nth_address(1)), mac_of(1, 1));
  EXPECT_FALSE(table->find(kBack, nth_address(1))) << "a neighbour of another port";
  EXPECT_EQ(table->obtain(kFront, nth_address(1)), id) << "an entry keeps its index";
  EXPECT_EQ(table->mac(*id), mac_of(1, 1)) << "obtaining it again changes nothing";
  EXPECT_EQ(table->who(*id).address, nth_address(1));
  table->unresolve(*id);
  EXPECT_FALSE(table->mac(*id));
  EXPECT_EQ(table->obtain(kFront, nth_address(1)), id);
}

TEST(Neighbours, IdsOutsideTheTableNameNobody) {
  SharedTable table;
  EXPECT_FALSE(table->mac(NeighbourId{UINT32_MAX}));
  EXPECT_FALSE(table->mac(NeighbourId{kNeighboursMax}));
}

TEST(Neighbours, ProbingGoesPastTheRemoved) {
  SharedTable table;
  const auto same_home = of_one_home(3);
  std::vector<NeighbourId> ids;
  for (const std::uint32_t n : same_home) {
    ids.push_back(*table->obtain(kFront, nth_address(n)));
    table->resolve(ids.back(), mac_of(n, 1));
  }
  table->remove(ids[0]);
  EXPECT_FALSE(table->find(kFront, nth_address(same_home[0])));
  EXPECT_EQ(table->find(kFront, nth_address(same_home[2])), mac_of(same_home[2], 1));
  EXPECT_EQ(table->obtain(kFront, nth_address(same_home[2])), ids[2]) << "not a second entry in the vacant slot";
  EXPECT_EQ(table->obtain(kFront, nth_address(same_home[0])), ids[0]) << "the vacant slot is used again";
  EXPECT_FALSE(table->mac(ids[0])) << "without the MAC of its former life";
}

// Whole networks, as they are used: every neighbour differs from the next in its last bits only.
TEST(Neighbours, FillHalfTheTableBeforeOneIsRefused) {
  for (const bool ipv6 : {false, true}) {
    SharedTable table;
    const auto address = [ipv6](std::uint32_t n) {
      return ipv6 ? *Address::parse(fmt::format("2001:db8::{:x}", n)) : nth_address(n);
    };
    std::uint32_t n = 0;
    while (table->obtain(n % 2 == 0 ? kFront : kBack, address(n))) ++n;
    EXPECT_GE(n, kNeighboursMax / 2);
    EXPECT_FALSE(table->find(n % 2 == 0 ? kFront : kBack, address(n)));
  }
}

class NeighbourInterleavings : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::kCanInterleave) GTEST_SKIP() << "needs the single-step flag of x86";
  }
};

TEST_F(NeighbourInterleavings, AReaderSeesTheOldMacOrTheNewOrNone) {
  bool more = true;
  for (std::size_t n = 1; more && !HasFailure(); ++n) {
    more = false;
    for (const bool reader_first : {false, true}) {
      SharedTable table;
      const NeighbourId id = *table->obtain(kFront, nth_address(7));
      table->resolve(id, mac_of(7, 1));
      std::optional<Mac> by_id, by_address;
      const auto read = [&] {
        by_id = table->mac(id);
        by_address = table->find(kFront, nth_address(7));
      };
      const auto write = [&] { table->resolve(id, mac_of(7, 2)); };
      const bool met = reader_first ? test::Interleaving::run(table.pages(), n, read, write)
                                    : test::Interleaving::run(table.pages(), n, write, read);
      more = more || met;
      EXPECT_TRUE(!by_id || *by_id == mac_of(7, 1) || *by_id == mac_of(7, 2)) << n;
      EXPECT_TRUE(!by_address || *by_address == mac_of(7, 1) || *by_address == mac_of(7, 2)) << n;
      EXPECT_EQ(table->mac(id), mac_of(7, met || !reader_first ? 2 : 1));
    }
  }
}

TEST_F(NeighbourInterleavings, AnEntryThatChangesHandsIsNeverMistaken) {
  const auto same_home = of_one_home(2);
  const std::uint32_t before = same_home[0], after = same_home[1];
  bool more = true;
  for (std::size_t n = 1; more && !HasFailure(); ++n) {
    more = false;
    for (const bool reader_first : {false, true}) {
      SharedTable table;
      const NeighbourId id = *table->obtain(kFront, nth_address(before));
      table->resolve(id, mac_of(before, 1));
      std::optional<Mac> found_before, found_after;
      const auto read = [&] {
        found_before = table->find(kFront, nth_address(before));
        found_after = table->find(kFront, nth_address(after));
      };
      const auto write = [&] {
        table->remove(id);
        EXPECT_EQ(table->obtain(kFront, nth_address(after)), id);
        table->resolve(id, mac_of(after, 1));
      };
      const bool met = reader_first ? test::Interleaving::run(table.pages(), n, read, write)
                                    : test::Interleaving::run(table.pages(), n, write, read);
      more = more || met;
      EXPECT_TRUE(!found_before || is_mac_of(*found_before, before)) << n;
      EXPECT_TRUE(!found_after || is_mac_of(*found_after, after)) << n;
    }
  }
}

TEST_F(NeighbourInterleavings, AWriterThatDiesAtAnyPointIsMended) {
  const auto same_home = of_one_home(3);
  bool more = true;
  std::size_t unsure = 0;
  for (std::size_t n = 1; more && !HasFailure(); ++n) {
    SharedTable table, inherited;
    const NeighbourId first = *table->obtain(kFront, nth_address(same_home[0]));
    const NeighbourId other = *table->obtain(kFront, nth_address(same_home[2]));
    table->resolve(other, mac_of(same_home[2], 1));
    more = test::Interleaving::run(
        table.pages(), n,
        [&] {
          table->resolve(first, mac_of(same_home[0], 1));
          table->remove(first);
          table->resolve(*table->obtain(kFront, nth_address(same_home[1])), mac_of(same_home[1], 1));
        },
        [&] { std::memcpy(inherited.pages().data(), table.pages().data(), table.pages().size()); });
    if (!more) break;
    for (const bool repaired : {false, true}) {
      if (repaired) inherited->repair();
      for (const std::uint32_t address : same_home) {
        const auto mac = inherited->find(kFront, nth_address(address));
        EXPECT_TRUE(!mac || is_mac_of(*mac, address)) << n;
      }
      EXPECT_EQ(inherited->find(kFront, nth_address(same_home[2])), mac_of(same_home[2], 1)) << n << ": was complete";
    }
    // A snapshot of the dead writer may lead to its entry: nobody else gets that before it is released.
    const auto heir = inherited->obtain(kFront, nth_address(same_home[1]));
    ASSERT_TRUE(heir);
    inherited->resolve(*heir, mac_of(same_home[1], 5));
    const bool was_unsure = inherited->entry(first).state == NeighbourState::unsure;
    EXPECT_TRUE(!was_unsure || (*heir != first && !inherited->mac(first))) << n;
    unsure += was_unsure ? 1U : 0U;
    inherited->release_unsure();
    EXPECT_NE(inherited->entry(first).state, NeighbourState::unsure) << n;
    // Everything can be written again.
    for (const std::uint32_t address : same_home) {
      const auto id = inherited->obtain(kFront, nth_address(address));
      ASSERT_TRUE(id);
      inherited->resolve(*id, mac_of(address, 9));
      EXPECT_EQ(inherited->find(kFront, nth_address(address)), mac_of(address, 9)) << n;
    }
  }
  EXPECT_GT(unsure, 4U) << "at most points an entry is half written";
}

TEST(Neighbours, AWriterKilledInAStormIsMended) {
  SharedTable table;
  for (int kills = 0; kills < 20; ++kills) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (std::uint32_t n = 0;; n = (n + 1) % 500) {
        const auto id = table->obtain(kFront, nth_address(n));
        if (!id) continue;
        table->resolve(*id, mac_of(n, static_cast<std::uint8_t>(n / 3 + static_cast<std::uint32_t>(kills))));
        if (n % 3 == 0) table->remove(*id);
      }
    }
    while (!table->find(kFront, nth_address(499))) std::this_thread::yield();
    ASSERT_EQ(kill(child, SIGKILL), 0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    table->repair();
    table->release_unsure();
    std::size_t half_written = 0;
    for (std::uint32_t i = 0; i < NeighbourTable::size(); ++i) {
      half_written += table->entry(NeighbourId{i}).sequence.load() % 2;
    }
    EXPECT_EQ(half_written, 0U);
    for (std::uint32_t n = 0; n < 500; ++n) {
      const auto mac = table->find(kFront, nth_address(n));
      EXPECT_TRUE(!mac || is_mac_of(*mac, n)) << n;
    }
    if (const auto id = table->obtain(kFront, nth_address(499))) table->remove(*id);
  }
}

}  // namespace
}  // namespace fulcrum
