// How evenly 100,000 connections are shared out: by every scheduler, over three servers with weights 1, 2 and 5 and
// over a hundred, also where the servers are unequal in what the scheduler measures, and while connections end.
#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>
#include <random>
#include <tuple>

#include "tests/support/gtest.h"
#include "tests/worker/fleet.h"

namespace fulcrum {
namespace {

using test::Fleet;

using Shares = std::vector<double>;
constexpr int kOpened = 100'000;

std::vector<std::uint16_t> one_two_five() { return {1, 2, 5}; }
std::vector<std::uint16_t> a_hundred() {
  std::vector<std::uint16_t> weights(100);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<std::uint16_t>(i % 10 + 1);
  return weights;
}

// By the weights, where the scheduler looks at them.
Shares shares_of(SchedulerKind kind, const std::vector<std::uint16_t>& weights) {
  return is_weighted(kind) ? Shares{weights.begin(), weights.end()} : Shares(weights.size(), 1.0);
}

// The farthest that any server is from its share of all, in hundredths of the share.
double farthest(const Shares& counts, const Shares& shares) {
  const double all = std::accumulate(shares.begin(), shares.end(), 0.0);
  const double sum = std::accumulate(counts.begin(), counts.end(), 0.0);
  double worst = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double share = sum * shares[i] / all;
    worst = std::max(worst, std::abs(counts[i] - share) / share * 100);
  }
  return worst;
}

Shares active(const Fleet& fleet) {
  const auto counts = fleet.active();
  return {counts.begin(), counts.end()};
}

void open_all(Fleet& fleet) {
  for (std::uint32_t i = 0; i < kOpened; ++i) {
    ASSERT_NE(fleet.open(0, {Address::v4(Be32{0xC0000000U + i}), Be16{1000}}), kNoIndex);
  }
}

TEST(Distribution, EveryScheduler) {
  for (const auto& [kind, three, hundred] : {std::tuple{SchedulerKind::round_robin, 0.01, 0.01},
                                             {SchedulerKind::weighted_round_robin, 0.01, 0.5},
                                             {SchedulerKind::least_connections, 0.01, 1.0},
                                             {SchedulerKind::weighted_least_connections, 0.01, 2.0},
                                             {SchedulerKind::two_choices, 0.1, 2.0},
                                             {SchedulerKind::fastest_response, 0.1, 2.0},
                                             {SchedulerKind::least_bandwidth, 0.1, 2.0}}) {
    for (const auto& [weights, worst] : {std::pair{one_two_five(), three}, {a_hundred(), hundred}}) {
      Fleet fleet{kind, weights};
      open_all(fleet);
      EXPECT_LE(farthest(active(fleet), shares_of(kind, weights)), worst)
          << static_cast<int>(kind) << ", " << weights.size();
    }
  }
}

// Where the client decides, chance has its part: what is left beyond four and a half standard deviations is none.
TEST(Distribution, EverySchedulerByClient) {
  for (const SchedulerKind kind : {SchedulerKind::source_hash, SchedulerKind::maglev}) {
    for (const auto& weights : {one_two_five(), a_hundred()}) {
      Fleet fleet{kind, weights};
      open_all(fleet);
      const Shares counts = active(fleet);
      const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
      for (std::size_t i = 0; i < counts.size(); ++i) {
        const double share = kOpened * weights[i] / all;
        EXPECT_NEAR(counts[i], share, 4.5 * std::sqrt(share) + share / 100) << static_cast<int>(kind) << ", " << i;
      }
    }
  }
}

// Servers that were measured, and half of them twice as slow: connections times time is evened out by weight.
TEST(Distribution, FastestResponseWithUnequalServers) {
  for (const auto& [weights, worst] : {std::pair{one_two_five(), 0.5}, {a_hundred(), 5.0}}) {
    Fleet fleet{SchedulerKind::fastest_response, weights};
    Shares shares;
    for (std::uint16_t row = 0; row < weights.size(); ++row) {
      const std::uint32_t us = row / 10 % 2 == (weights.size() == 3 ? row % 2 : 0U) ? 1000 : 2000;
      fleet.rows[0].own(row) = Load{.generation = fleet.id(row).generation, .response_us = us}.word();
      shares.push_back(weights[row] * 1000.0 / us);
    }
    fleet.add_up();
    open_all(fleet);
    EXPECT_LE(farthest(active(fleet), shares), worst) << weights.size();
  }
}

// Connections of some servers move half as much again as those of others. What counts is what a server moves, as of the
// last second, so it is evened out on average only.
TEST(Distribution, LeastBandwidthWithUnequalServers) {
  constexpr int kPerSecond = 2000;
  constexpr int kSeconds = kOpened / kPerSecond;
  for (const auto& [weights, worst] : {std::pair{one_two_five(), 9.0}, {a_hundred(), 12.0}}) {
    Fleet fleet{SchedulerKind::least_bandwidth, weights};
    Shares moved(weights.size());
    Shares opened(weights.size());
    std::deque<std::uint16_t> open;
    for (int second = 0; second < kSeconds; ++second) {
      for (int i = 0; i < kPerSecond; ++i) {
        open.push_back(fleet.open());
        opened[open.back()] += 1;
      }
      for (const std::uint16_t row : open) {
        const std::uint64_t bytes = row % 2 == 0 ? 20'000 : 30'000;
        fleet.rows[0][row].bytes_out.add(bytes);
        moved[row] += static_cast<double>(bytes);
      }
      // Each lives for ten seconds.
      for (; open.size() > kPerSecond * 9U; open.pop_front()) fleet.close(open.front());
      fleet.now += std::chrono::seconds{1};
      fleet.add_up();
    }
    const Shares shares = shares_of(SchedulerKind::least_bandwidth, weights);
    EXPECT_LE(farthest(moved, shares), worst) << weights.size();
    EXPECT_GE(farthest(opened, shares), 10.0) << "connections are not what is evened out";
  }
}

// How far the servers are from their ideal, in connections, while 100,000 are opened or end.
struct Deviation {
  double opening = 0;  // until there are some thousands
  double worst = 0;    // behind that, while as many end as begin
  double mean = 0;
};

class Wander {
 public:
  Wander(SchedulerKind kind, const std::vector<std::uint16_t>& weights, std::uint32_t workers, int told)
      : fleet_{kind, weights, workers}, shares_{shares_of(kind, weights)}, workers_{workers}, told_{told} {}

  Deviation walk() {
    constexpr std::size_t kOpen = 4000;
    Deviation seen;
    int steps = 0;
    for (int i = 1; i <= kOpened; ++i) {
      const bool ends = open_.size() > kOpen && random_() % 2 == 0;
      ends ? end() : begin();
      if (i % told_ == 0) fleet_.add_up();
      const double off = deviation();
      if (open_.size() < kOpen) {
        seen.opening = std::max(seen.opening, off);
      } else {
        seen.worst = std::max(seen.worst, off);
        seen.mean += off;
        ++steps;
      }
    }
    seen.mean /= steps;
    return seen;
  }

 private:
  void begin() {
    open_.push_back(fleet_.open(random_() % workers_));
    counts_[open_.back()] += 1;
  }
  // Any connection, by any worker's doing.
  void end() {
    const std::size_t which = random_() % open_.size();
    fleet_.close(open_[which], random_() % workers_);
    counts_[open_[which]] -= 1;
    open_[which] = open_.back();
    open_.pop_back();
  }
  [[nodiscard]] double deviation() const {
    double worst = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      worst = std::max(worst, std::abs(counts_[i] - static_cast<double>(open_.size()) * shares_[i] / all_));
    }
    return worst;
  }

  Fleet fleet_;
  Shares shares_;
  Shares counts_ = Shares(shares_.size());
  double all_ = std::accumulate(shares_.begin(), shares_.end(), 0.0);
  std::uint32_t workers_;
  int told_;
  std::mt19937 random_{5};
  std::vector<std::uint16_t> open_;
};

// While connections only begin, within one per worker of the ideal, and one more where the weights differ. When they
// end at random, several at one server before anybody comes, even one worker who knows everything is off by five;
// workers who know of the others what was a moment ago are off by about one for each of them more, and half of that on
// average.
TEST(Distribution, LeastConnectionsWithinOnePerWorkerOfTheIdeal) {
  const std::vector<std::uint16_t> equal(8, 7);
  const std::vector<std::uint16_t> unequal{1, 2, 5, 1, 2, 5, 10, 10};
  for (const auto& [kind, weights] : {std::pair{SchedulerKind::least_connections, equal},
                                      {SchedulerKind::least_connections, unequal},
                                      {SchedulerKind::weighted_least_connections, equal},
                                      {SchedulerKind::weighted_least_connections, unequal}}) {
    const double step = shares_of(kind, weights)[0] == shares_of(kind, weights)[7] ? 0 : 1;
    const Deviation alone = Wander{kind, weights, 1, 64}.walk();
    EXPECT_LE(alone.opening, 1 + step);
    for (const std::uint32_t workers : {2U, 4U, 8U}) {
      for (const int told : {16, 64, 256}) {
        const Deviation seen = Wander{kind, weights, workers, told}.walk();
        EXPECT_LE(seen.opening, workers + step) << static_cast<int>(kind) << ", " << workers << ", " << told;
        EXPECT_LE(seen.worst, alone.worst + workers * 1.25)
            << static_cast<int>(kind) << ", " << workers << ", " << told;
        EXPECT_LE(seen.mean, alone.mean + workers * 0.5) << static_cast<int>(kind) << ", " << workers << ", " << told;
      }
    }
  }
}

}  // namespace
}  // namespace fulcrum
