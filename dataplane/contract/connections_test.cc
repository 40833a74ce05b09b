#include "dataplane/contract/connections.h"

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

constexpr Tick seconds(std::uint64_t count) { return static_cast<Tick>(count * kTicksPerSecond); }

// As the sweep does it, every `step` seconds.
std::uint32_t age_after(Tick opened, std::uint32_t age_s, std::uint32_t step) {
  OpenedAt at = OpenedAt::at(opened);
  std::uint32_t passed = 0;
  while (passed < age_s) {
    passed = std::min(passed + step, age_s);
    at = at.kept(opened + seconds(passed));
  }
  return at.age_s(opened + seconds(passed));
}

TEST(OpenedAt, IsExactForHoursThenToAMinute) {
  for (const Tick opened : {seconds(0), seconds(32'767), seconds(123'456'789), Tick{0} - seconds(5)}) {
    for (const std::uint32_t age : {0U, 1U, 59U, 16'000U, 16'383U}) EXPECT_EQ(age_after(opened, age, 3600), age);
    for (const std::uint32_t age : {16'500U, 86'400U, 1'000'000U, 1'800'000U}) {
      EXPECT_NEAR(age_after(opened, age, 1800), age, 128) << opened;
    }
  }
}

TEST(OpenedAt, StopsAtItsLimit) {
  for (const std::uint32_t age : {OpenedAt::age_max_s, OpenedAt::age_max_s * 2, OpenedAt::age_max_s * 7 / 2}) {
    EXPECT_NEAR(age_after(seconds(777), age, 3600), OpenedAt::age_max_s, 64);
  }
}

}  // namespace
}  // namespace fulcrum
