// Limits of connections under every scheduler, and through a whole worker.
#include <map>
#include <set>

#include "dataplane/packet/parse.h"
#include "tests/worker/fleet.h"
#include "tests/worker/test_box.h"

namespace fulcrum {
namespace {

using test::Fleet;
using test::kBack;
using test::kFront;
using test::PacketBuilder;

// Weights that would give half of all to one server, were there no limit.
std::vector<std::uint16_t> lopsided(std::size_t count) {
  std::vector<std::uint16_t> all(count, 1);
  all[0] = 50;
  return all;
}

Client caller(std::uint32_t i) { return {Address::v4(Be32{0x0B000000U + i * 7}), Be16{4711}}; }

class LimitsOfSchedulers : public ::testing::TestWithParam<SchedulerKind> {};

TEST_P(LimitsOfSchedulers, NobodyHasMoreThanHeMayAndNobodyIsRefusedWhileThereIsRoom) {
  constexpr std::uint32_t kHigh = 5;
  for (const std::size_t count : {3U, 40U, 200U}) {
    Fleet fleet{GetParam(), lopsided(count), 2};
    fleet.limit(kHigh, kHigh);
    for (std::uint32_t i = 0; i < count * kHigh; ++i) {
      ASSERT_NE(fleet.open(i % 2, caller(i)), kNoIndex) << i << " of " << count * kHigh;
      if (i % 16 == 0) fleet.add_up();
    }
    EXPECT_EQ(fleet.active(), std::vector<std::int64_t>(count, kHigh));
    EXPECT_EQ(fleet.open(0, caller(1)), kNoIndex);
    EXPECT_EQ(fleet.open(1, caller(1)), kNoIndex);
    // Who has one less is the one who gets the next.
    const auto last = static_cast<std::uint16_t>(count - 1);
    fleet.close(last, 1);
    EXPECT_EQ(fleet.open(0, caller(1)), last);
  }
}

TEST_P(LimitsOfSchedulers, AFullServerTakesNobodyUntilBelowItsLowMark) {
  Fleet fleet{GetParam(), lopsided(3)};
  fleet.limit(8, 4);
  for (std::uint32_t i = 0; i < 24; ++i) ASSERT_NE(fleet.open(0, caller(i)), kNoIndex);
  EXPECT_EQ(fleet.open(), kNoIndex);
  for (int i = 0; i < 4; ++i) fleet.close(0);
  EXPECT_EQ(fleet.open(), kNoIndex) << "it has four left";
  fleet.close(0);
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(fleet.open(0, caller(i)), 0);
  EXPECT_EQ(fleet.open(), kNoIndex);
}

INSTANTIATE_TEST_SUITE_P(Schedulers, LimitsOfSchedulers,
                         ::testing::Values(SchedulerKind::round_robin, SchedulerKind::weighted_round_robin,
                                           SchedulerKind::least_connections, SchedulerKind::weighted_least_connections,
                                           SchedulerKind::two_choices, SchedulerKind::source_hash,
                                           SchedulerKind::maglev, SchedulerKind::fastest_response,
                                           SchedulerKind::least_bandwidth),
                         [](const auto& kind) { return "kind" + std::to_string(static_cast<int>(kind.param)); });

// One farm of two servers on two ports, of which the first may have three connections and each farm four.
class LimitsOfAWorker : public ::testing::Test {
 protected:
  void SetUp() override {
    publish(3);
    for (const char* server : {"10.1.1.11", "10.1.1.12"}) box_.know_neighbour(kBack, server, test::kServerMac);
  }
  void TearDown() override { box_.expect_all_accounted_for(); }

  void publish(std::uint32_t first, std::uint32_t farm = 0) {
    auto build = box_.publish();
    ServerId leader;
    for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{81}}) {
      const ServiceId service = build.service("198.51.100.10", port, Protocol::udp);
      build.row(service).farm = FarmId{0};
      build.row(service).udp_s = 300;
      const ServerId id = build.server(service, "10.1.1.11", port, kBack, 1, MemberId{1});
      build.server(service, "10.1.1.12", port, kBack, 1, MemberId{2});
      if (port == 80) leader = id;
      if (port == 81) build.row(id).limit = leader.index;
    }
    build.farm(FarmId{0}, "shop");
    if (farm != 0) build.limit(FarmId{0}, farm);
    build.limit(leader, first, first);
    if (farm != 0) {
      // The second row of the first server counts like its first.
      build.row(ServerId{2, 1}).limit = leader.index;
    }
  }
  // A server that may have one connection, and a standby, which workers ask by themselves if it has a rank.
  ServerId publish_with_standby(std::uint8_t rank) {
    auto build = box_.publish();
    const ServiceId service = build.service("198.51.100.10", 80, Protocol::udp);
    build.row(service).udp_s = 300;
    build.limit(build.server(service, "10.1.1.11", 80, kBack, 1), 1, 1);
    const ServerId standby = build.server(service, "10.1.1.12", 80, kBack, 1);
    build.row(standby).state = ServerState::reserve;
    build.row(standby).reserve_rank = rank;
    build.schedule(service, {0});
    return standby;
  }
  // Where a client's first datagram goes; empty: nowhere.
  std::string opens(std::uint16_t source_port, std::uint16_t port = 80) {
    box_.receive(kFront, PacketBuilder{}
                             .eth({.destination = test::kFrontMac, .source = test::kClientMac})
                             .ipv4({.source = "192.0.2.1", .destination = "198.51.100.10"})
                             .udp({.source_port = source_port, .destination_port = port})
                             .build());
    const auto sent = box_.ports[kBack.value]->take_sent();
    if (sent.empty()) return {};
    Facts facts;
    EXPECT_EQ(parse(sent[0], ChecksumFact::verify, facts), Drop::none);
    return facts.destination.text();
  }
  // As after the end of everything that is idle.
  void end_all() {
    for (int i = 0; i < 10; ++i) {
      box_.now += std::chrono::seconds{100};
      box_.turn();
    }
  }

  test::TestBox box_;
};

TEST_F(LimitsOfAWorker, AServersPortsCountTogether) {
  std::map<std::string, int> went;
  for (std::uint16_t i = 1; i <= 10; ++i) ++went[opens(i, i % 2 == 0 ? 80 : 81)];
  EXPECT_EQ(went, (std::map<std::string, int>{{"10.1.1.11", 3}, {"10.1.1.12", 7}}));
  EXPECT_EQ(opens(1), "10.1.1.12") << "another service, so another connection";
  EXPECT_EQ(opens(1, 81), "10.1.1.11") << "its own connection";
}

TEST_F(LimitsOfAWorker, TheFarmIsFullUntilOneHasEnded) {
  publish(3, 4);
  for (std::uint16_t i = 1; i <= 4; ++i) EXPECT_NE(opens(i), "");
  EXPECT_EQ(opens(5), "");
  EXPECT_EQ(opens(6, 81), "");
  EXPECT_EQ(box_.drops(Drop::farm_full), 2U);
  EXPECT_NE(opens(1), "") << "what is there goes on";
  end_all();
  EXPECT_NE(opens(5), "");
}

TEST_F(LimitsOfAWorker, AllServersAreFullUntilOneHasRoom) {
  auto build = box_.publish();
  const ServiceId service = build.service("198.51.100.10", 80, Protocol::udp);
  build.row(service).udp_s = 300;
  for (const char* server : {"10.1.1.11", "10.1.1.12"}) {
    build.limit(build.server(service, server, 80, kBack, 1), 1, 1);
  }
  EXPECT_NE(opens(1), "");
  EXPECT_NE(opens(2), "");
  for (std::uint16_t i = 3; i < 6; ++i) EXPECT_EQ(opens(i), "");
  EXPECT_EQ(box_.drops(Drop::servers_full), 3U);
  EXPECT_EQ(box_.drops(Drop::no_server), 0U);
  end_all();
  EXPECT_NE(opens(3), "");
}

TEST_F(LimitsOfAWorker, ACommandOfControlIsHeardWhileAllAreFull) {
  const ServerId standby = publish_with_standby(0);
  EXPECT_EQ(opens(1), "10.1.1.11");
  EXPECT_EQ(opens(2), "");
  Command command;
  command.kind = Command::Kind::set_server_state;
  command.generation = box_.region.worker(0).status.generation.load();
  command.server = standby;
  command.state = ServerState::up;
  box_.send(command);
  EXPECT_EQ(opens(2), "10.1.1.12") << "a standby that has just come in";
}

// Control may be slow, or dead.
TEST_F(LimitsOfAWorker, AReadyStandbyIsAskedBeforeAClientIsRefused) {
  publish_with_standby(1);
  EXPECT_EQ(opens(1), "10.1.1.11");
  EXPECT_EQ(opens(2), "10.1.1.12");
  EXPECT_EQ(opens(2), "10.1.1.12");
  std::map<Reason, int> reasons;
  for (const ConnectionEntry& at : box_.region.entries()) {
    if (const auto entry = read_entry(at)) ++reasons[entry->reason];
  }
  EXPECT_EQ(reasons[Reason::stand_in], 1);
}

TEST_F(LimitsOfAWorker, AProcessThatWasKilledLeavesItsSuccessorTheCount) {
  for (std::uint16_t i = 1; i <= 6; ++i) opens(i);
  // As if it had died between two stores.
  box_.region.loads(0).held[0] = 1;
  box_.start_worker(ConnectionTable::Start::warm);
  EXPECT_EQ(box_.region.loads(0).held[0], 3);
  for (std::uint16_t i = 11; i <= 16; ++i) EXPECT_EQ(opens(i), "10.1.1.12");
}

TEST_F(LimitsOfAWorker, ALimitMayComeAndGoInARunningFarm) {
  publish(1000);
  for (std::uint16_t i = 1; i <= 10; ++i) opens(i);
  publish(3);
  for (std::uint16_t i = 11; i <= 16; ++i) EXPECT_EQ(opens(i), "10.1.1.12");
  publish(1000);
  std::set<std::string> went;
  for (std::uint16_t i = 21; i <= 24; ++i) went.insert(opens(i));
  EXPECT_EQ(went, (std::set<std::string>{"10.1.1.11", "10.1.1.12"}));
}

}  // namespace
}  // namespace fulcrum
