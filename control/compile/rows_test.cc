#include "control/compile/rows.h"

#include <map>
#include <set>

#include "tests/support/compiled_shop.h"
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

TEST(Compile, RowsOfOneServerAreARing) {
  const test::Compiled first = test::compiled(test::shop());
  std::map<std::uint32_t, std::set<std::uint16_t>> rows;
  const Snapshot& snapshot = *first.snapshot;
  for (std::uint16_t i = 0; i < snapshot.server_count; ++i) rows[snapshot.servers[i].member.value].insert(i);
  for (const auto& [member, all] : rows) {
    std::set<std::uint16_t> met;
    std::uint16_t at = *all.begin();
    for (std::size_t step = 0; step < all.size(); ++step) {
      met.insert(at);
      if (all.size() > 1) at = snapshot.servers[at].next_of_member;
    }
    EXPECT_EQ(met, all);
    EXPECT_EQ(at, *all.begin()) << "closed";
    EXPECT_EQ(all.size() == 1, snapshot.servers[at].next_of_member == kNoIndex);
  }
}

}  // namespace
}  // namespace fulcrum
