#include "dataplane/worker/rest.h"

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class RestTest : public ::testing::Test {
 protected:
  nanoseconds after(nanoseconds pause, std::size_t handled) {
    now_ += pause;
    return rest_.after(handled, now_);
  }
  void be_busy() { after(seconds{1}, Rest::trickle_max + 1); }

  Rest rest_;
  nanoseconds now_ = std::chrono::hours{1};
};

TEST_F(RestTest, PollsForAMomentAfterItWasBusy) {
  be_busy();
  EXPECT_EQ(after(microseconds{99}, 0), nanoseconds{0});
  EXPECT_EQ(after(microseconds{1}, 0), Rest::sleep_min);
}

TEST_F(RestTest, SleepGrowsWithTheQuietUpToItsBound) {
  be_busy();
  EXPECT_EQ(after(microseconds{400}, 0), microseconds{50});
  EXPECT_EQ(after(microseconds{400}, 0), microseconds{100});
  EXPECT_EQ(after(microseconds{2400}, 0), microseconds{400});
  EXPECT_EQ(after(seconds{1}, 0), Rest::sleep_max);
}

// 16 health checks every 300 ms, about ten packets each.
TEST_F(RestTest, TrickleIsHandledAtOnceAndDoesNotEndTheLongSleep) {
  be_busy();
  after(seconds{1}, 0);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(after(milliseconds{2}, 1), nanoseconds{0});  // there may be more where this came from
    EXPECT_EQ(after(microseconds{1}, 0), Rest::sleep_max);
  }
}

TEST_F(RestTest, ManyAtOnceOrOneAfterTheOtherIsBusy) {
  be_busy();
  EXPECT_EQ(after(microseconds{10}, 0), nanoseconds{0});
  after(seconds{1}, 0);
  for (std::size_t i = 0; i <= Rest::trickle_max; ++i) after(microseconds{100}, 1);
  EXPECT_EQ(after(microseconds{10}, 0), nanoseconds{0});
}

TEST_F(RestTest, SteadyLoadNeverSleepsLong) {
  be_busy();
  nanoseconds longest{0};
  for (int i = 0; i < 10'000; ++i) {  // 20,000 packets a second
    after(microseconds{49}, 1);
    longest = std::max(longest, after(microseconds{1}, 0));
  }
  EXPECT_LE(longest, microseconds{150});
}

}  // namespace
}  // namespace fulcrum
