#include "dataplane/base/spsc_ring.h"

#include <sys/mman.h>

#include <array>
#include <cstring>
#include <span>

#include "dataplane/base/invariant.h"
#include "tests/support/gtest.h"
#include "tests/support/interleave.h"

namespace fulcrum {
namespace {

struct Message {
  std::array<std::uint64_t, 8> words{};
  static Message of(std::uint64_t n) {
    Message message;
    message.words.fill(n);
    return message;
  }
  friend bool operator==(const Message&, const Message&) = default;
};
using Ring = SpscRing<Message, 4>;

class SharedRing {
 public:
  SharedRing() {
    void* pages = mmap(nullptr, sizeof(Ring), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FULCRUM_ASSERT(pages != MAP_FAILED);
    ring_ = new (pages) Ring{};
  }
  ~SharedRing() { munmap(ring_, sizeof(Ring)); }
  SharedRing(const SharedRing&) = delete;
  SharedRing& operator=(const SharedRing&) = delete;
  Ring* operator->() { return ring_; }
  [[nodiscard]] std::span<std::byte> pages() { return {reinterpret_cast<std::byte*>(ring_), sizeof(Ring)}; }

 private:
  Ring* ring_ = nullptr;
};

TEST(SpscRing, KeepsOrderAcrossManyTurns) {
  Ring ring;
  std::uint64_t in = 0, out = 0;
  for (std::uint64_t turn = 0; turn < 100; ++turn) {
    for (std::uint64_t i = 0; i <= turn % 4; ++i) ASSERT_TRUE(ring.push(Message::of(in++)));
    Message message;
    while (ring.peek(message)) {
      ASSERT_EQ(message, Message::of(out++));
      ring.pop();
    }
  }
  EXPECT_EQ(in, out);
}

TEST(SpscRing, SaysWhenItIsFullAndWhenItIsEmpty) {
  Ring ring;
  Message message;
  EXPECT_FALSE(ring.peek(message));
  for (std::uint64_t n = 0; n < 4; ++n) EXPECT_TRUE(ring.push(Message::of(n)));
  EXPECT_FALSE(ring.push(Message::of(4)));
  EXPECT_EQ(ring.size(), 4U);
  ASSERT_TRUE(ring.peek(message));
  EXPECT_EQ(message, Message::of(0)) << "the refused element overwrote nothing";
  ASSERT_TRUE(ring.peek(message));
  EXPECT_EQ(message, Message::of(0)) << "looking does not consume";
  ring.pop();
  EXPECT_TRUE(ring.push(Message::of(4)));
}

// A producer that dies before any of its accesses has sent the element or not; the next producer goes on.
TEST(SpscRing, AProducerThatDiesLeavesWholeElements) {
  if (!test::kCanInterleave) GTEST_SKIP() << "needs the single-step flag of x86";
  bool more = true;
  for (std::size_t n = 1; more && !HasFailure(); ++n) {
    SharedRing ring, inherited;
    ASSERT_TRUE(ring->push(Message::of(1)));
    more = test::Interleaving::run(
        ring.pages(), n, [&] { EXPECT_TRUE(ring->push(Message::of(2))); },
        [&] { std::memcpy(inherited.pages().data(), ring.pages().data(), ring.pages().size()); });
    if (!more) break;
    ASSERT_TRUE(inherited->push(Message::of(3)));
    Message message;
    ASSERT_TRUE(inherited->peek(message));
    EXPECT_EQ(message, Message::of(1));
    inherited->pop();
    ASSERT_TRUE(inherited->peek(message));
    if (message == Message::of(2)) {
      inherited->pop();
      ASSERT_TRUE(inherited->peek(message));
    }
    EXPECT_EQ(message, Message::of(3)) << n;
    inherited->pop();
    EXPECT_EQ(inherited->size(), 0U);
  }
}

// A consumer that dies sees the element again or has consumed it; none is lost and none comes twice after pop().
TEST(SpscRing, AConsumerThatDiesSeesItsElementAgain) {
  if (!test::kCanInterleave) GTEST_SKIP() << "needs the single-step flag of x86";
  bool more = true;
  for (std::size_t n = 1; more && !HasFailure(); ++n) {
    SharedRing ring, inherited;
    for (std::uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(ring->push(Message::of(i)));
    bool acted = false;
    bool acted_before_death = false;
    more = test::Interleaving::run(
        ring.pages(), n,
        [&] {
          Message message;
          ASSERT_TRUE(ring->peek(message));
          acted = true;
          ring->pop();
        },
        [&] {
          acted_before_death = acted;
          std::memcpy(inherited.pages().data(), ring.pages().data(), ring.pages().size());
        });
    if (!more) break;
    Message message;
    ASSERT_TRUE(inherited->peek(message));
    EXPECT_EQ(message, Message::of(1)) << n << ": consumed before pop() had finished";
    EXPECT_TRUE(acted_before_death || inherited->size() == 3) << n;
  }
}

}  // namespace
}  // namespace fulcrum
