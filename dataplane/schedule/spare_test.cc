#include "dataplane/schedule/spare.h"

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/gtest.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum {
namespace {

constexpr FarmId kMall{0};

// Two services with the same servers, of which each may have one connection over both.
class SpareTest : public ::testing::Test {
 protected:
  static constexpr std::uint16_t kServers = 100;

  SpareTest() {
    build_.farm(kMall, "shop");
    for (const ServiceId service : {web_, mail_}) build_.row(service).farm = kMall;
    for (std::uint16_t i = 0; i < kServers; ++i) {
      const std::string address = "10.1.1." + std::to_string(i + 1);
      servers_.push_back(build_.server(web_, address.c_str(), 80, PortId{0}, 1, MemberId{i + 1U}));
      twins_.push_back(build_.server(mail_, address.c_str(), 25, PortId{0}, 1, MemberId{i + 1U}));
      build_.limit(servers_[i], 1, 1);
      build_.row(twins_[i]).limit = servers_[i].index;
    }
  }
  Spare find() { return spare_server(*snapshot_, web_, cursors_[0], workers_[0]); }
  // Opens a connection there.
  std::uint16_t take() {
    const std::uint16_t row = find().server;
    if (row != kNoIndex) change_held(*snapshot_, workers_[0], row, 1);
    return row;
  }
  void fill() {
    for (std::size_t i = 0; i < servers_.size(); ++i) ASSERT_NE(take(), kNoIndex);
    ASSERT_EQ(take(), kNoIndex);
  }
  void end(ServerId server, std::size_t worker = 0) { change_held(*snapshot_, workers_[worker], server.index, -1); }
  bool is_nobody_left() {
    bool is_full = false;
    return fulcrum::is_nobody_left(*snapshot_, web_, cursors_[0], workers_[0], is_full) && is_full;
  }
  void send_state(ServerId server, ServerState state) {
    ServerCounters& row = workers_[0][server.index];
    row.server_generation = server.generation;
    row.urgent_state = state;
    row.urgent_since = snapshot_->generation;
    ++cursors_[0].news;
  }
  Reopened& reopened() { return region_.shared_loads().reopened[kMall.value]; }

  Region region_ = std::move(*Region::create_anonymous({.workers = 2}));
  std::unique_ptr<Snapshot> snapshot_ = std::make_unique<Snapshot>();
  test::SnapshotBuilder build_{*snapshot_, 7};
  ServiceId web_ = build_.service("203.0.113.10", 80);
  ServiceId mail_ = build_.service("203.0.113.10", 25);
  std::vector<ServerId> servers_, twins_;
  std::vector<ServerRows> workers_{{region_, WorkerId{0}}, {region_, WorkerId{1}}};
  std::vector<ScheduleCursors> cursors_ = std::vector<ScheduleCursors>(2);
};

TEST_F(SpareTest, EachThatHasRoomAndThenNobody) {
  EXPECT_FALSE(is_nobody_left()) << "nobody has looked";
  fill();
  EXPECT_TRUE(find().is_full);
  EXPECT_TRUE(is_nobody_left());
  for (const ServerId server : servers_) build_.row(server).state = ServerState::down;
  ++cursors_[0].news;
  EXPECT_FALSE(find().is_full) << "that is another matter";
}

TEST_F(SpareTest, WhoReopensIsFoundWhoeverClosedIt) {
  fill();
  end(servers_[70], 1);
  end(twins_[20]);
  EXPECT_FALSE(is_nobody_left());
  EXPECT_EQ(take(), servers_[70].index);
  EXPECT_EQ(take(), servers_[20].index) << "it was the other service's connection";
  EXPECT_EQ(take(), kNoIndex);
  EXPECT_TRUE(is_nobody_left());
}

// The walk does not come by twice: that is what makes it cheap.
TEST_F(SpareTest, NobodyIsPassedTwice) {
  fill();
  end(servers_[70]);
  // As if nobody had written it down.
  reopened().count = 0;
  for (ScheduleCursors& one : cursors_) one.searches[web_.value].reopened = 0;
  EXPECT_EQ(take(), kNoIndex);
  ++cursors_[0].news;
  EXPECT_EQ(take(), servers_[70].index) << "with any news all are looked at again";
}

TEST_F(SpareTest, TheWalkGoesOnWhereItStopped) {
  for (std::uint16_t i = 0; i < 50; ++i) EXPECT_EQ(take(), servers_[i].index);
  EXPECT_EQ(find().server, servers_[50].index);
  end(servers_[10]);
  for (std::uint16_t i = 50; i < kServers; ++i) EXPECT_EQ(take(), servers_[i].index);
  EXPECT_EQ(take(), servers_[10].index) << "reopened behind the walk's back";
}

TEST_F(SpareTest, MoreThanAreWrittenDown) {
  fill();
  for (const ServerId server : servers_) end(server, 1);
  for (std::size_t i = 0; i < servers_.size(); ++i) EXPECT_NE(take(), kNoIndex) << i;
  EXPECT_EQ(take(), kNoIndex);
}

TEST_F(SpareTest, AWorkerThatWasKilledWhileItWrote) {
  fill();
  end(servers_[70], 1);
  reopened().entries[0] = 0;
  EXPECT_EQ(take(), servers_[70].index);
  EXPECT_EQ(take(), kNoIndex);
  EXPECT_TRUE(is_nobody_left()) << "the gap is behind us";
  end(servers_[30]);
  EXPECT_EQ(take(), servers_[30].index);
}

TEST_F(SpareTest, AStandbyIsBroughtInThatNoSequenceHolds) {
  for (const ServerId server : servers_) build_.row(server).state = ServerState::down;
  EXPECT_EQ(find().server, kNoIndex);
  send_state(servers_[99], ServerState::up);
  EXPECT_EQ(find().server, servers_[99].index);
}

TEST_F(SpareTest, TheReserveComesInWhenAllAreFullInItsOrder) {
  const auto [last_resort, standby] = std::pair{servers_[40], servers_[60]};
  for (const auto& [server, rank] : {std::pair{last_resort, std::uint8_t{2}}, std::pair{standby, std::uint8_t{1}}}) {
    build_.row(server).state = ServerState::reserve;
    build_.row(server).reserve_rank = rank;
  }
  for (std::size_t i = 0; i < servers_.size() - 2; ++i) ASSERT_FALSE(find().is_reserve || take() == kNoIndex);
  EXPECT_TRUE(find().is_reserve);
  EXPECT_FALSE(is_nobody_left());
  EXPECT_EQ(take(), standby.index);
  EXPECT_EQ(take(), last_resort.index);
  EXPECT_EQ(take(), kNoIndex);
  EXPECT_TRUE(is_nobody_left());
  end(last_resort);
  EXPECT_EQ(find().server, last_resort.index);
  end(standby);
  EXPECT_EQ(take(), standby.index);
  end(servers_[3]);
  EXPECT_EQ(take(), servers_[3].index) << "before the reserve";
  // One that control has heard to be down is no reserve, and one that waits for servers that are down is not ours.
  send_state(last_resort, ServerState::down);
  EXPECT_EQ(take(), kNoIndex);
  send_state(last_resort, ServerState::reserve);
  EXPECT_EQ(find().server, last_resort.index);
  for (const ServerId server : servers_) {
    if (build_.row(server).reserve_rank == 0) build_.row(server).state = ServerState::down;
  }
  ++cursors_[0].news;
  EXPECT_EQ(find().server, kNoIndex);
}

// Against the rule itself, by two workers: a server that has room is found, always.
TEST_F(SpareTest, WhateverHappensNobodyIsRefusedWhileThereIsRoom) {
  std::mt19937 random{11};
  std::vector<std::uint16_t> open;
  for (int i = 0; i < 200'000; ++i) {
    const std::size_t worker = random() % 2;
    // Long stretches in which more end than begin, and the other way round.
    if (!open.empty() && random() % 16 < (i / 1000 % 2 == 0 ? 7U : 9U)) {
      const std::size_t ends = random() % open.size();
      end({open[ends], 1}, worker);
      open[ends] = open.back();
      open.pop_back();
      continue;
    }
    const ServiceId service = random() % 2 == 0 ? web_ : mail_;
    const std::uint16_t row = spare_server(*snapshot_, service, cursors_[worker], workers_[worker]).server;
    ASSERT_EQ(row == kNoIndex, open.size() == kServers) << i;
    if (row == kNoIndex) continue;
    ASSERT_EQ(snapshot_->servers[row].service, service);
    change_held(*snapshot_, workers_[worker], row, 1);
    open.push_back(row);
  }
}

}  // namespace
}  // namespace fulcrum
