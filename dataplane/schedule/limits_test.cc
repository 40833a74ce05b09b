#include "dataplane/schedule/limits.h"

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "dataplane/schedule/sequence.h"
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
  EXPECT_EQ(region_.shared_loads().reopened, 0U);
  close(workers_[1], first_);
  EXPECT_EQ(region_.shared_loads().reopened, 1U);
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
  for (const ServerRows& worker : workers_) recount_held(*snapshot_, worker, scratch_);
  EXPECT_EQ(workers_[0].held_by_all(first_.index), 3U);
  EXPECT_EQ(workers_[0].held_by_all(limit_of(kShop)), 3U);
  EXPECT_FALSE(open(workers_[0], first_));
  close(workers_[0], first_);
  EXPECT_FALSE(open(workers_[0], first_));
  // The limit is raised, or gone: it opens at once.
  snapshot_->limits[first_.index] = {.high = 30, .low = 20, .above = limit_of(kShop)};
  recount_held(*snapshot_, workers_[0], scratch_);
  EXPECT_TRUE(open(workers_[0], first_));
}

TEST_F(LimitsTest, AnotherServerInTheRowBeginsWithNothing) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(open(workers_[0], first_));
  EXPECT_FALSE(open(workers_[0], first_));
  build_.row(first_).generation = 9;
  for (const ServerRows& worker : workers_) recount_held(*snapshot_, worker, scratch_);
  EXPECT_EQ(workers_[0].held_by_all(first_.index), 0U);
  EXPECT_FALSE(is_full(*snapshot_, first_.index, workers_[0]));
}

TEST_F(LimitsTest, TurnsGoToWhoHasRoom) {
  ScheduleCursors cursors;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(open(workers_[0], first_));
  EXPECT_FALSE(server_has_room(*snapshot_, first_.index, workers_[0]));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(next_in_sequence(*snapshot_, service_, cursors, workers_[1]), second_.index);
  EXPECT_EQ(spare_server(*snapshot_, service_, cursors, workers_[0]).server, second_.index);
  build_.limit(second_, 1, 1);
  EXPECT_TRUE(open(workers_[1], second_));
  const Spare nobody = spare_server(*snapshot_, service_, cursors, workers_[0]);
  EXPECT_EQ(nobody.server, kNoIndex);
  EXPECT_TRUE(nobody.is_full);
  build_.row(first_).state = build_.row(second_).state = ServerState::down;
  EXPECT_FALSE(spare_server(*snapshot_, service_, cursors, workers_[0]).is_full) << "that is another matter";
}

TEST_F(LimitsTest, TheReserveComesInWhenAllAreFullInItsOrder) {
  ScheduleCursors cursors;
  build_.limit(kShop, 1000);
  build_.limit(first_, 1, 1);
  build_.limit(second_, 1, 1);
  const ServerId last_resort = build_.server(service_, "10.0.0.3", 80);
  const ServerId standby = build_.server(service_, "10.0.0.4", 80);
  build_.limit(standby, 1, 1);
  for (const auto& [server, rank] : {std::pair{last_resort, std::uint8_t{2}}, std::pair{standby, std::uint8_t{1}}}) {
    build_.row(server).state = ServerState::reserve;
    build_.row(server).reserve_rank = rank;
  }
  EXPECT_TRUE(open(workers_[0], first_));
  EXPECT_EQ(spare_server(*snapshot_, service_, cursors, workers_[0]).server, second_.index) << "who has room first";
  EXPECT_TRUE(open(workers_[0], second_));
  Spare spare = spare_server(*snapshot_, service_, cursors, workers_[0]);
  EXPECT_EQ(spare.server, standby.index);
  EXPECT_TRUE(spare.is_reserve);
  EXPECT_TRUE(open(workers_[0], standby));
  EXPECT_EQ(spare_server(*snapshot_, service_, cursors, workers_[0]).server, last_resort.index);
  // One that control has heard to be down is no reserve, and one that waits for servers that are down is not ours.
  workers_[0][last_resort.index].urgent_state = ServerState::down;
  workers_[0][last_resort.index].urgent_since = 7;
  workers_[0][last_resort.index].server_generation = last_resort.generation;
  EXPECT_EQ(spare_server(*snapshot_, service_, cursors, workers_[0]).server, kNoIndex);
  workers_[0][last_resort.index].urgent_since = 0;
  build_.row(first_).state = build_.row(second_).state = ServerState::down;
  EXPECT_EQ(spare_server(*snapshot_, service_, cursors, workers_[0]).server, kNoIndex);
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
