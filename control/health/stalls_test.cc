#include "control/health/stalls.h"

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using std::chrono_literals::operator""ms;

TEST(Stalls, ABeatInTimeIsNone) {
  Stalls stalls;
  for (auto now = 1000ms; now < 2000ms; now += 10ms) stalls.look(now, now - 10ms);
  EXPECT_EQ(stalls.after(0ms), 0ms);
}

TEST(Stalls, ASilenceCountsFromItsLastBeat) {
  Stalls stalls;
  for (auto now = 1000ms; now <= 1900ms; now += 10ms) stalls.look(now, 1000ms);
  EXPECT_EQ(stalls.after(500ms), 900ms);
  EXPECT_EQ(stalls.after(1000ms), 900ms);
}

TEST(Stalls, OnlyThePartAfterTheBeginningCounts) {
  Stalls stalls;
  stalls.look(1900ms, 1000ms);
  EXPECT_EQ(stalls.after(1800ms), 100ms);
  EXPECT_EQ(stalls.after(1900ms), 0ms);
}

TEST(Stalls, SeveralAddUp) {
  Stalls stalls;
  stalls.look(1100ms, 1000ms);
  stalls.look(1110ms, 1110ms);
  stalls.look(1250ms, 1200ms);
  EXPECT_EQ(stalls.after(1050ms), 100ms);
}

TEST(Stalls, ForgetsTheOldest) {
  Stalls stalls;
  for (int i = 1; i <= 1000; ++i) stalls.look(i * 100ms + 40ms, i * 100ms);
  EXPECT_EQ(stalls.after(99'900ms), 80ms);
}

}  // namespace
}  // namespace fulcrum
