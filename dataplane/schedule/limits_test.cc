#include "dataplane/schedule/limits.h"

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/gtest.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum {
namespace {

constexpr FarmId kShop{0};

class LimitsTest : public ::testing::Test {
 protected:
  LimitsTest() {
    build_.farm(kShop, "shop");
    build_.row(service_).farm = kShop;
    build_.limit(kShop, 5);
    build_.limit(first_, 3, 2);
  }
  // What a worker does that opens a connection with the server; false: it is full.
  bool open(const ServerRows& worker, ServerId server) {
    if (!has_room(*snapshot_, limit_of(kShop), worker) || !server_has_room(*snapshot_, server.index, worker))
      return false;
    change(worker, server, 1);
    return true;
  }
  void close(const ServerRows& worker, ServerId server) { change(worker, server, -1); }
  void change(const ServerRows& worker, ServerId server, int by) {
    ServerCounters& row = worker[server.index];
    row.server_generation = server.generation;
    row.active += by;
    change_held(*snapshot_, worker, server.index, by);
  }

  Region region_ = std::move(*Region::create_anonymous({.workers = 2}));
  std::unique_ptr<Snapshot> snapshot_ = std::make_unique<Snapshot>();
  test::SnapshotBuilder build_{*snapshot_, 7};
  ServiceId service_ = build_.service("203.0.113.10", 80);
  ServerId first_ = build_.server(service_, "10.0.0.1", 80);
  ServerId second_ = build_.server(service_, "10.0.0.2", 80);
  std::array<ServerRows, 2> workers_{ServerRows{region_, WorkerId{0}}, ServerRows{region_, WorkerId{1}}};
  std::vector<std::int32_t> scratch_ = std::vector<std::int32_t>(kLimitsMax);
};

TEST_F(LimitsTest, FullFromTheHighMarkUntilBelowTheLow) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(open(workers_[static_cast<std::size_t>(i % 2)], first_));
  EXPECT_FALSE(is_full(*snapshot_, first_.index, workers_[0])) << "nobody has asked yet";
  EXPECT_FALSE(open(workers_[0], first_));
  EXPECT_TRUE(is_full(*snapshot_, first_.index, workers_[1]));
  close(workers_[1], first_);
  EXPECT_FALSE(open(workers_[1], first_)) << "two are left, and the low mark is two";
  EXPECT_EQ(region_.shared_loads().reopened[kShop.value].count, 0U);
  close(workers_[1], first_);
  std::uint16_t reopened = kNoIndex;
  EXPECT_TRUE(region_.shared_loads().reopened[kShop.value].read(0, 1, reopened));
  EXPECT_EQ(reopened, first_.index);
  EXPECT_TRUE(open(workers_[1], first_)) << "that another worker closed more than it opened does not matter";
}

TEST_F(LimitsTest, TheFarmCountsAllOfItsServers) {
  EXPECT_FALSE(is_full(*snapshot_, second_.index, workers_[0]));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(open(workers_[0], first_));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(open(workers_[1], second_));
  EXPECT_FALSE(open(workers_[0], first_));
  EXPECT_FALSE(open(workers_[1], second_));
  EXPECT_FALSE(is_full(*snapshot_, first_.index, workers_[0])) << "the server itself is not full";
  close(workers_[0], second_);
  EXPECT_TRUE(open(workers_[0], first_));
}

TEST_F(LimitsTest, NoLimitNeverFull) {
  snapshot_->limits.fill(LimitRow{});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(open(workers_[0], first_));
}

// A limit that comes in a running farm, and a worker whose process was killed between its counters.
TEST_F(LimitsTest, WhatIsThereIsCountedWhenASnapshotIsAdopted) {
  for (int i = 0; i < 3; ++i) workers_[static_cast<std::size_t>(i % 2)][first_.index].active += 1;
  for (const ServerRows& worker : workers_) worker[first_.index].server_generation = first_.generation;
  region_.loads(1).held[first_.index] = 1000;
  for (const ServerRows& worker : workers_) recount_held(*snapshot_, *snapshot_, worker, scratch_);
  EXPECT_EQ(workers_[0].held_by_all(first_.index), 3U);
  EXPECT_EQ(workers_[0].held_by_all(limit_of(kShop)), 3U);
  EXPECT_FALSE(open(workers_[0], first_));
  close(workers_[0], first_);
  EXPECT_FALSE(open(workers_[0], first_));
  // The limit is raised, or gone: it opens at once.
  snapshot_->limits[first_.index] = {.high = 30, .low = 20, .above = limit_of(kShop)};
  recount_held(*snapshot_, *snapshot_, workers_[0], scratch_);
  EXPECT_TRUE(open(workers_[0], first_));
}

TEST_F(LimitsTest, ARaisedLimitOpensAboveItsLowMarkToo) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(open(workers_[0], first_));
  EXPECT_FALSE(open(workers_[0], first_));
  for (const ServerRows& worker : workers_) worker[first_.index].server_generation = first_.generation;
  workers_[0][first_.index].active = 3;
  const auto before = std::make_unique<Snapshot>(*snapshot_);
  snapshot_->limits[first_.index] = {.high = 4, .low = 2, .above = limit_of(kShop)};
  recount_held(*snapshot_, *snapshot_, workers_[0], scratch_);
  EXPECT_FALSE(open(workers_[0], first_)) << "the same limit as before keeps to its low mark";
  recount_held(*before, *snapshot_, workers_[0], scratch_);
  EXPECT_TRUE(open(workers_[0], first_));
  EXPECT_FALSE(open(workers_[0], first_)) << "and is full again at the new one";
}

TEST_F(LimitsTest, AnotherServerInTheRowBeginsWithNothing) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(open(workers_[0], first_));
  EXPECT_FALSE(open(workers_[0], first_));
  build_.row(first_).generation = 9;
  for (const ServerRows& worker : workers_) recount_held(*snapshot_, *snapshot_, worker, scratch_);
  EXPECT_EQ(workers_[0].held_by_all(first_.index), 0U);
  EXPECT_FALSE(is_full(*snapshot_, first_.index, workers_[0]));
}

// Two workers open and close at the same moment: never more than one beyond the limit, and never full for good.
TEST_F(LimitsTest, WorkersAtTheSameMoment) {
  build_.limit(kShop, 1'000'000);
  build_.limit(first_, 4, 4);
  std::atomic<int> alive{0};
  std::atomic<int> most{0};
  std::atomic<int> opened{0};
  const auto run = [&](const ServerRows& worker) {
    int mine = 0;
    for (int i = 0; i < 200'000; ++i) {
      if (open(worker, first_)) {
        ++mine;
        ++opened;
        const int now = ++alive;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
      } else if (mine != 0) {
        --alive;
        --mine;
        close(worker, first_);
      }
    }
    for (; mine != 0; --mine) {
      --alive;
      close(worker, first_);
    }
  };
  std::thread other{[&] { run(workers_[1]); }};
  run(workers_[0]);
  other.join();
  EXPECT_LE(most, 5);
  EXPECT_GT(opened, 1000);
  EXPECT_EQ(workers_[0].held_by_all(first_.index), 0U);
  EXPECT_TRUE(open(workers_[0], first_)) << "nobody is left, and it is marked full";
}

}  // namespace
}  // namespace fulcrum
