#include "control/compile/maglev.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "control/compile/schedules.h"
#include "control/model/slots_needed.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

// As they stand in a rack: one address after the other.
std::vector<MaglevServer> servers(const std::vector<std::uint16_t>& weights) {
  std::vector<MaglevServer> all;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Address address = Address::v4(Be32{static_cast<std::uint32_t>(0x0A010001 + i)});
    all.push_back({identity_of(address), weights[i]});
  }
  return all;
}

// The farthest that any server is from its share of the slots, in hundredths of the share.
double imbalance(const std::vector<MaglevServer>& all, const std::vector<std::uint16_t>& table) {
  double sum = 0;
  for (const MaglevServer& server : all) sum += server.weight;
  double worst = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto count = static_cast<double>(std::count(table.begin(), table.end(), i));
    const double share = static_cast<double>(table.size()) * all[i].weight / sum;
    if (share == 0) {
      EXPECT_EQ(count, 0);
    } else {
      worst = std::max(worst, std::abs(count - share) / share * 100);
    }
  }
  return worst;
}

std::size_t slots_for(const std::vector<MaglevServer>& all) {
  SlotsNeeded slots;
  for (const MaglevServer& server : all) slots.add(server.weight);
  return slots.count();
}

// Slots that change hands though their server stays, in hundredths of all.
double disturbance(const std::vector<std::uint16_t>& before, const std::vector<std::uint16_t>& after,
                   std::size_t gone) {
  int moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i) moved += before[i] != gone && before[i] != after[i] ? 1 : 0;
  return 100.0 * moved / static_cast<double>(before.size());
}

TEST(Maglev, SharesOutWithinOnePercent) {
  for (const std::size_t count : {2U, 3U, 100U, 600U}) {
    const auto all = servers(std::vector<std::uint16_t>(count, 10));
    EXPECT_LE(imbalance(all, maglev_table(all, kSlotsMax)), 1.0) << count;
    EXPECT_LE(imbalance(all, maglev_table(all, slots_for(all))), 1.0) << count;
  }
}

TEST(Maglev, SharesOutByWeight) {
  for (const std::vector<std::uint16_t>& weights :
       {std::vector<std::uint16_t>{1, 2, 5}, {100, 1}, {7, 7, 7, 3}, {0, 5, 10, 0}, {50, 49, 48, 47, 46, 1, 1, 1}}) {
    const auto all = servers(weights);
    EXPECT_LE(imbalance(all, maglev_table(all, kSlotsMax)), 1.0);
    EXPECT_LE(imbalance(all, maglev_table(all, slots_for(all))), 1.0);
  }
}

TEST(Maglev, AServerThatLeavesDisturbsFewOthers) {
  const std::vector<std::uint16_t> equal(100, 10);
  const auto all = servers(equal);
  for (const std::size_t size : {kSlotsMax, slots_for(all)}) {
    const auto before = maglev_table(all, size);
    for (std::size_t gone = 0; gone < all.size(); gone += 7) {
      auto left = all;
      left[gone].weight = 0;
      EXPECT_LE(disturbance(before, maglev_table(left, size), gone), 2.0) << gone << " of " << size;
    }
  }
}

// In a farm of any size, and whatever size its table has.
TEST(Maglev, AServerThatIsDrainedByItsWeightDisturbsFewOthers) {
  for (const std::size_t count : {2U, 3U, 5U, 6U, 10U, 11U, 20U, 21U, 40U, 41U, 163U, 164U}) {
    const auto all = servers(std::vector<std::uint16_t>(count, 10));
    const auto before = maglev_table(all, slots_for(all));
    for (std::size_t drained = 0; drained < count; drained += count / 10 + 1) {
      auto left = all;
      left[drained].weight = 0;
      ASSERT_EQ(slots_for(left), before.size());
      EXPECT_LE(disturbance(before, maglev_table(left, before.size()), drained), 3.0) << drained << " of " << count;
    }
  }
}

TEST(Maglev, DoesNotDependOnTheOrder) {
  const auto all = servers({1, 2, 5, 5, 9});
  const auto table = maglev_table(all, 1021);
  const std::vector<MaglevServer> turned{all.rbegin(), all.rend()};
  const auto other = maglev_table(turned, 1021);
  for (std::size_t i = 0; i < table.size(); ++i) ASSERT_EQ(table[i], 4 - other[i]);
}

TEST(Maglev, AnswersTheSameInEveryRelease) {
  // Boxes of different releases share an address; a change here moves their clients.
  const auto table = maglev_table(servers({10, 10, 10}), 251);
  EXPECT_EQ((std::vector<std::uint16_t>{table.begin(), table.begin() + 12}),
            (std::vector<std::uint16_t>{2, 2, 2, 0, 1, 0, 1, 0, 1, 0, 2, 2}));
}

TEST(SlotsNeeded, AsManyAsOnePercentTakes) {
  const auto slots = [](std::size_t count, std::uint16_t weight = 10) {
    return slots_for(servers(std::vector<std::uint16_t>(count, weight)));
  };
  EXPECT_EQ(slots(2), 1021U);
  EXPECT_EQ(slots(10), 1021U);
  EXPECT_EQ(slots(11), 4093U);
  EXPECT_EQ(slots(100), 16381U);
  EXPECT_EQ(slots(600), 65537U);
  EXPECT_EQ(slots(4096, 100), 65537U);
  EXPECT_EQ(slots_for(servers({100, 1})), 16381U);
  for (const std::uint64_t size : {1021U, 4093U, 16381U, 65537U}) {
    for (std::uint64_t divisor = 2; divisor * divisor <= size; ++divisor) ASSERT_NE(size % divisor, 0U) << size;
  }
}

}  // namespace
}  // namespace fulcrum
