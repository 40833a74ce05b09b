#include "control/compile/rows.h"

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

TEST(FreeRows, TakeNeverUsedOnesFirstThenTheOldest) {
  FreeRows rows{{FreeRows::kKept, 9, 0, 3, FreeRows::kKept, 0, 3}};
  const std::array<std::uint16_t, 5> wanted{2, 5, 3, 6, 1};
  for (const std::uint16_t row : wanted) EXPECT_EQ(rows.take(), row);
  EXPECT_FALSE(rows.take().has_value());
}

TEST(FreeRows, GenerationsLeaveZeroOut) {
  EXPECT_EQ(next_generation(0), 1);
  EXPECT_EQ(next_generation(7), 8);
  EXPECT_EQ(next_generation(UINT16_MAX), 1);
}

}  // namespace
}  // namespace fulcrum
