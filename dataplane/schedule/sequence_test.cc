#include "dataplane/schedule/sequence.h"

#include <memory>
#include <vector>

#include "tests/support/gtest.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum {
namespace {

class SequenceTest : public ::testing::Test {
 protected:
  std::uint16_t next() { return next_in_sequence(*snapshot_, service_, *cursors_, rows_); }
  std::vector<std::uint16_t> next(std::size_t count) {
    std::vector<std::uint16_t> picked;
    for (std::size_t i = 0; i < count; ++i) picked.push_back(next());
    return picked;
  }
  void send_state(ServerId server, ServerState state, std::uint64_t generation) {
    servers_[server.index].server_generation = server.generation;
    servers_[server.index].urgent_state = state;
    servers_[server.index].urgent_since = generation;
  }

  std::unique_ptr<Snapshot> snapshot_ = std::make_unique<Snapshot>();
  test::SnapshotBuilder build_{*snapshot_, 7};
  std::unique_ptr<ScheduleCursors> cursors_ = std::make_unique<ScheduleCursors>();
  std::vector<ServerCounters> servers_ = std::vector<ServerCounters>(8);
  std::unique_ptr<WorkerLoads> loads_ = std::make_unique<WorkerLoads>();
  std::unique_ptr<SharedLoads> shared_ = std::make_unique<SharedLoads>();
  ServerRows rows_{servers_, *loads_, *shared_, 1};
  ServiceId service_ = build_.service("203.0.113.10", 80);
  ServerId first_ = build_.server(service_, "10.0.0.1", 80);
  ServerId second_ = build_.server(service_, "10.0.0.2", 80);
  ServerId third_ = build_.server(service_, "10.0.0.3", 80);
};

using Picks = std::vector<std::uint16_t>;

TEST_F(SequenceTest, RoundRobinTakesTurns) { EXPECT_EQ(next(7), (Picks{0, 1, 2, 0, 1, 2, 0})); }

TEST_F(SequenceTest, WeightsFollowTheCompiledSequence) {
  build_.schedule(service_, {0, 0, 1, 0, 2});
  EXPECT_EQ(next(6), (Picks{0, 0, 1, 0, 2, 0}));
}

TEST_F(SequenceTest, UrgentDownIsSteppedOver) {
  send_state(second_, ServerState::down, 7);
  EXPECT_EQ(next(4), (Picks{0, 2, 0, 2}));
}

TEST_F(SequenceTest, UrgentStateOfAnOlderSnapshotIsSuperseded) {
  send_state(second_, ServerState::down, 6);
  EXPECT_EQ(next(3), (Picks{0, 1, 2}));
}

TEST_F(SequenceTest, UrgentStateOfAnEarlierServerInTheRowIsIgnored) {
  send_state({second_.index, 9}, ServerState::down, 7);
  EXPECT_EQ(next(3), (Picks{0, 1, 2}));
}

TEST_F(SequenceTest, UrgentUpOverridesDown) {
  build_.row(second_).state = ServerState::down;
  EXPECT_EQ(next(2), (Picks{0, 2}));
  send_state(second_, ServerState::up, 7);
  EXPECT_EQ(next(3), (Picks{0, 1, 2}));
}

TEST_F(SequenceTest, NobodyUsable) {
  for (const ServerId server : {first_, second_, third_}) send_state(server, ServerState::down, 7);
  EXPECT_EQ(next(), kNoIndex);
  build_.schedule(service_, {});
  EXPECT_EQ(next(), kNoIndex);
}

TEST_F(SequenceTest, OnlyThoseThatAreUpTakeTurns) {
  for (const ServerState state : {ServerState::down, ServerState::untested, ServerState::draining, ServerState::reserve,
                                  ServerState::maintenance}) {
    send_state(second_, state, 7);
    EXPECT_EQ(next(4), (Picks{0, 2, 0, 2}));
  }
}

TEST_F(SequenceTest, ShorterSequenceAfterAReload) {
  EXPECT_EQ(next(2), (Picks{0, 1}));
  build_.schedule(service_, {2});
  EXPECT_EQ(next(2), (Picks{2, 2}));
}

}  // namespace
}  // namespace fulcrum
