#include "control/health/rise_fall.h"

#include <string_view>
#include <vector>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

struct Case {
  std::string_view name;
  RiseFall start;
  Thresholds thresholds;
  std::string_view observations;  // + answered, - did not
  std::string_view expected;      // health after each: u up, d down
};

constexpr RiseFall kUp{.health = Health::up};
constexpr RiseFall kDown{.health = Health::down};

constexpr Case kCases[]{
    {"first success decides at once", {}, {.rise = 5, .fall = 5}, "+", "u"},
    {"first failure decides at once", {}, {.rise = 5, .fall = 5}, "-", "d"},
    {"falls after the third failure", kUp, {.rise = 2, .fall = 3}, "---", "uud"},
    {"rises after the second success", kDown, {.rise = 2, .fall = 3}, "++", "du"},
    {"a success in between forgives", kUp, {.rise = 2, .fall = 3}, "--+--+---", "uuuuuuuud"},
    {"a failure in between starts over", kDown, {.rise = 2, .fall = 3}, "+-+-++", "dddddu"},
    {"thresholds of one follow every result", kUp, {.rise = 1, .fall = 1}, "-+-+", "dudu"},
    {"agreeing results change nothing", kUp, {.rise = 2, .fall = 3}, "++++", "uuuu"},
    {"needs a full streak again after a change",
     kUp,
     {.rise = 2, .fall = 2},
     "--++--",
     "uddu"
     "ud"},
    {"a lowered threshold counts what was seen", {.health = Health::up, .streak = 4}, {.rise = 2, .fall = 3}, "-", "d"},
};

TEST(RiseFall, FollowsTheCases) {
  for (const Case& c : kCases) {
    RiseFall state = c.start;
    for (std::size_t i = 0; i < c.observations.size(); ++i) {
      state = observe(state, c.observations[i] == '+', c.thresholds);
      EXPECT_EQ(state.health, c.expected[i] == 'u' ? Health::up : Health::down) << c.name << ", observation " << i;
    }
  }
}

TEST(RiseFall, HoldsForTheLargestThreshold) {
  RiseFall state = kUp;
  for (int i = 0; i < 254; ++i) state = observe(state, false, {.rise = 255, .fall = 255});
  EXPECT_EQ(state.health, Health::up);
  EXPECT_EQ(observe(state, false, {.rise = 255, .fall = 255}).health, Health::down);
}

}  // namespace
}  // namespace fulcrum
