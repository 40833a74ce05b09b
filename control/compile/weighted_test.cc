#include "control/compile/weighted.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using Turns = std::vector<std::uint16_t>;

Turns sequence_of(const Turns& weights) { return weighted_sequence(weights); }

// The longest run of one server, the sequence being a ring.
std::size_t longest_run(const Turns& sequence) {
  std::size_t longest = 0;
  for (std::size_t start = 0; start < sequence.size(); ++start) {
    std::size_t run = 1;
    while (run < sequence.size() && sequence[(start + run) % sequence.size()] == sequence[start]) ++run;
    longest = std::max(longest, run);
  }
  return longest;
}

TEST(WeightedSequence, KnownCycles) {
  EXPECT_EQ(sequence_of({}), Turns{});
  EXPECT_EQ(sequence_of({7}), Turns{0});
  EXPECT_EQ(sequence_of({1, 1, 1}), (Turns{0, 1, 2}));
  EXPECT_EQ(sequence_of({10, 10}), (Turns{0, 1})) << "divided by the common divisor";
  EXPECT_EQ(sequence_of({1, 2, 5}), (Turns{2, 1, 2, 0, 2, 2, 1, 2}));
  EXPECT_EQ(sequence_of({5, 1, 1}), (Turns{0, 1, 0, 0, 0, 2, 0})) << "the light ones apart from each other";
  EXPECT_EQ(sequence_of({3, 3, 1}), (Turns{0, 1, 0, 2, 1, 0, 1}));
}

TEST(WeightedSequence, GiveEachServerItsExactShareEvenly) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  for (int round = 0; round < 300; ++round) {
    Turns weights(1 + random() % 12);
    for (auto& weight : weights) weight = static_cast<std::uint16_t>(1 + random() % 100);
    const Turns sequence = sequence_of(weights);
    ASSERT_EQ(sequence.size(), weighted_length(weights));
    std::uint32_t divisor = 0;
    for (const auto weight : weights) divisor = std::gcd(divisor, std::uint32_t{weight});
    const auto others = static_cast<double>(weights.size());
    for (std::uint16_t server = 0; server < weights.size(); ++server) {
      std::size_t turns = 0;
      for (std::size_t at = 0; at < sequence.size(); ++at) {
        if (sequence[at] == server) ++turns;
        // At any moment nobody is ahead of or behind the even share by more than the turns that are due together.
        const double share =
            static_cast<double>(at + 1) * (weights[server] / divisor) / static_cast<double>(sequence.size());
        ASSERT_LE(std::abs(static_cast<double>(turns) - share), 1.0 + others / 2)
            << "server " << server << " at " << at;
      }
      ASSERT_EQ(turns, weights[server] / divisor);
    }
  }
}

TEST(WeightedSequence, HaveNoBursts) {
  EXPECT_EQ(longest_run(sequence_of({5, 1, 1})), 3U) << "5 turns, 2 others to part them";
  EXPECT_EQ(longest_run(sequence_of({50, 50, 1})), 1U);
  EXPECT_EQ(longest_run(sequence_of({100, 1})), 100U);
  EXPECT_EQ(longest_run(sequence_of({100, 99})), 2U) << "one has no neighbour to part it";
  EXPECT_EQ(longest_run(sequence_of({3, 2, 2, 1})), 1U);
}

}  // namespace
}  // namespace fulcrum
