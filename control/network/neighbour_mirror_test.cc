#include "control/network/neighbour_mirror.h"

#include <memory>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using std::chrono::milliseconds;

constexpr PortId kBack{1};
const Mac kMac = *Mac::parse("02:00:00:00:00:11");
const Mac kOtherMac = *Mac::parse("02:00:00:00:00:22");

Address address(std::uint8_t last) { return Address::v4(Be32{0x0A010100U + last}); }
netlink::Neighbour known(std::uint8_t last, const Mac& mac = kMac, bool stale = false) {
  return {.index = 3, .address = address(last), .mac = mac, .stale = stale};
}
netlink::Neighbour failed(std::uint8_t last) {
  return {.index = 3, .address = address(last), .mac = {}, .failed = true};
}
netlink::Neighbour deleted(std::uint8_t last) {
  return {.index = 3, .address = address(last), .mac = {}, .gone = true};
}

class NeighbourMirrorTest : public testing::Test {
 protected:
  NeighbourMirrorTest() { mirror.attach(*table); }
  [[nodiscard]] std::optional<Mac> mac(std::uint8_t last) const { return table->find(kBack, address(last)); }
  // Publishes a snapshot whose next hops these are.
  void publish(std::initializer_list<std::uint8_t> hops) {
    mirror.begin_keeping();
    for (const std::uint8_t hop : hops) mirror.keep(kBack, address(hop));
    mirror.commit_keeping();
  }

  std::unique_ptr<NeighbourTable> table = std::make_unique<NeighbourTable>();
  NeighbourMirror mirror;
};

TEST_F(NeighbourMirrorTest, FollowsWhatLinuxKnows) {
  mirror.hear(kBack, known(11));
  EXPECT_EQ(mac(11), kMac);
  mirror.hear(kBack, known(11, kOtherMac));
  EXPECT_EQ(mac(11), kOtherMac);
  mirror.hear(kBack, deleted(11));
  EXPECT_EQ(mac(11), std::nullopt);
}

TEST_F(NeighbourMirrorTest, DoesNotTouchAnEntryThatStaysAsItIs) {
  mirror.hear(kBack, known(11));
  const auto id = table->obtain(kBack, address(11));
  const std::uint32_t before = table->entry(*id).sequence;
  mirror.hear(kBack, known(11, kMac, true));
  EXPECT_EQ(table->entry(*id).sequence, before);
}

TEST_F(NeighbourMirrorTest, ANextHopKeepsItsEntryWhenLinuxForgetsIt) {
  publish({11});
  const auto id = table->obtain(kBack, address(11));
  mirror.hear(kBack, known(11));
  EXPECT_EQ(table->mac(*id), kMac);
  mirror.hear(kBack, failed(11));
  EXPECT_EQ(table->entry(*id).state, NeighbourState::unresolved);
  mirror.hear(kBack, known(11, kOtherMac));
  EXPECT_EQ(table->mac(*id), kOtherMac);
}

TEST_F(NeighbourMirrorTest, AClientLeavesWithLinux) {
  mirror.hear(kBack, known(77));
  const auto id = table->obtain(kBack, address(77));
  mirror.hear(kBack, deleted(77));
  EXPECT_EQ(table->entry(*id).state, NeighbourState::removed);
}

TEST_F(NeighbourMirrorTest, LetsGoOfFormerNextHopsOnlyWhenEveryWorkerIsPast) {
  publish({11, 12});
  const auto id = table->obtain(kBack, address(12));
  publish({11});
  EXPECT_EQ(table->entry(*id).state, NeighbourState::unresolved) << "a worker may still use the older snapshot";
  mirror.release_others();
  EXPECT_EQ(table->entry(*id).state, NeighbourState::removed);
}

TEST_F(NeighbourMirrorTest, ACompileThatFailsLosesNothing) {
  publish({11});
  const auto id = table->obtain(kBack, address(11));
  mirror.begin_keeping();  // and then an error: no commit
  mirror.release_others();
  EXPECT_EQ(table->entry(*id).state, NeighbourState::unresolved);
  EXPECT_EQ(mirror.due().size(), 1U);
}

TEST_F(NeighbourMirrorTest, AsksForNextHopsThatAreUnknownOrStale) {
  publish({11, 12, 13});
  EXPECT_EQ(mirror.due().size(), 3U);
  mirror.hear(kBack, known(11));
  mirror.hear(kBack, known(12, kMac, true));
  mirror.hear(kBack, known(77, kMac, true));  // a client: its own packets refresh it
  const auto questions = mirror.due();
  ASSERT_EQ(questions.size(), 2U);
  EXPECT_EQ(mac(12), kMac) << "stale is still good enough to send to";
}

TEST_F(NeighbourMirrorTest, AsksABoundedNumberAndEveryoneInTurn) {
  mirror.begin_keeping();
  constexpr std::uint32_t kHops = 600;
  for (std::uint32_t i = 0; i < kHops; ++i) mirror.keep(kBack, Address::v4(Be32{0x0A020000U + i}));
  mirror.commit_keeping();
  std::set<std::array<std::uint8_t, 16>> asked;
  for (int tick = 0; tick < 3; ++tick) {
    const auto questions = mirror.due();
    EXPECT_LE(questions.size(), NeighbourMirror::questions_per_tick_max);
    for (const auto& question : questions) asked.insert(question.address.bytes());
  }
  EXPECT_EQ(asked.size(), kHops);
}

TEST_F(NeighbourMirrorTest, AsksAboutAClientOnceASecond) {
  EXPECT_TRUE(mirror.want(kBack, address(5), milliseconds{1000}));
  EXPECT_FALSE(mirror.want(kBack, address(5), milliseconds{1999}));
  EXPECT_TRUE(mirror.want(kBack, address(6), milliseconds{1999}));
  EXPECT_TRUE(mirror.want(kBack, address(5), milliseconds{2000}));
}

TEST_F(NeighbourMirrorTest, AFloodOfUnknownClientsIsBounded) {
  std::size_t asked = 0;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    if (mirror.want(kBack, Address::v4(Be32{0x0B000000U + i}), milliseconds{1000})) ++asked;
  }
  EXPECT_LE(asked, 1024U);
  EXPECT_TRUE(mirror.want(kBack, address(5), milliseconds{3000}));
}

TEST_F(NeighbourMirrorTest, AResyncForgetsWhatLinuxNoLongerKnows) {
  publish({11});
  mirror.hear(kBack, known(11));
  mirror.hear(kBack, known(77));
  mirror.hear(kBack, known(78));
  mirror.begin_resync();
  mirror.hear(kBack, known(78));
  mirror.end_resync();
  EXPECT_EQ(mac(11), std::nullopt);
  EXPECT_EQ(mac(77), std::nullopt);
  EXPECT_EQ(mac(78), kMac);
}

TEST_F(NeighbourMirrorTest, ASuccessorTakesOverWithoutTouchingWhatIsRight) {
  publish({11});
  mirror.hear(kBack, known(11));
  mirror.hear(kBack, known(12));
  const auto id = table->obtain(kBack, address(11));
  const std::uint32_t before = table->entry(*id).sequence;
  NeighbourMirror successor;
  successor.attach(*table);
  successor.begin_resync();
  successor.hear(kBack, known(11));
  successor.end_resync();
  EXPECT_EQ(table->entry(*id).sequence, before);
  // A snapshot of the predecessor may refer to this one, so it must not become somebody else's.
  const auto other = table->obtain(kBack, address(12));
  EXPECT_EQ(table->entry(*other).state, NeighbourState::unresolved);
}

}  // namespace
}  // namespace fulcrum
