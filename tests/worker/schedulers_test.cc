// How evenly the schedulers share out, and whether they follow what happens: by the schedulers themselves with several
// workers (test::Fleet), and by a whole worker's pipeline.
#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "control/compile/schedules.h"
#include "tests/support/gtest.h"
#include "tests/worker/fleet.h"
#include "tests/worker/test_box.h"

namespace fulcrum {
namespace {

using test::Fleet;
using test::kBack;
using test::kFront;
using test::PacketBuilder;

using Counts = std::vector<std::int64_t>;
using Weights = std::vector<std::uint16_t>;
constexpr int kConnections = 100'000;

const Weights kOneTwoFive{1, 2, 5};

// The farthest that any server is from its share, in hundredths of the share.
double imbalance(const Counts& counts, const Weights& weights) {
  const auto sum = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
  const auto all = static_cast<double>(std::accumulate(weights.begin(), weights.end(), 0));
  double worst = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double share = sum * weights[i] / all;
    worst = std::max(worst, std::abs(static_cast<double>(counts[i]) - share) / share * 100);
  }
  return worst;
}

TEST(Schedulers, WeightedRoundRobinIsExactAndHasNoBursts) {
  Fleet fleet{SchedulerKind::weighted_round_robin, kOneTwoFive};
  std::uint16_t last = kNoIndex;
  int run = 0;
  int longest = 0;
  for (int i = 0; i < kConnections; ++i) {
    const std::uint16_t row = fleet.open();
    run = row == last ? run + 1 : 1;
    last = row;
    longest = std::max(longest, run);
  }
  EXPECT_EQ(fleet.active(), (Counts{kConnections / 8, kConnections / 4, kConnections * 5 / 8}));
  EXPECT_LE(longest, 2) << "5 of 8 turns cannot do without two in a row";
}

// Connections end at one server only, and whoever is told of it, be it another worker, fills that one up again.
TEST(Schedulers, LeastConnectionsFollowsWhatEnds) {
  Fleet fleet{SchedulerKind::least_connections, Weights(4, 1), 2};
  for (int i = 0; i < 400; ++i) fleet.open(0);
  fleet.add_up();
  for (int i = 0; i < 60; ++i) fleet.close(2, 1);  // one worker may close what another opened
  EXPECT_EQ(fleet.active(2), 40);
  for (int i = 0; i < 60; ++i) {
    if (i % 4 == 0) fleet.add_up();
    fleet.open(0);
  }
  for (const std::int64_t count : fleet.active()) EXPECT_NEAR(static_cast<double>(count), 100, 2);
}

TEST(Schedulers, WeightedLeastConnectionsFillsByWeight) {
  Fleet fleet{SchedulerKind::weighted_least_connections, kOneTwoFive, 2};
  for (int i = 0; i < 8000; ++i) {
    fleet.open(static_cast<std::size_t>(i) % 2);
    if (i % 50 == 0) fleet.add_up();
  }
  EXPECT_LE(imbalance(fleet.active(), kOneTwoFive), 0.5);
}

TEST(Schedulers, TwoChoicesEvensOutWhatRandomDoesNot) {
  Fleet fleet{SchedulerKind::two_choices, Weights(4, 1)};
  for (int i = 0; i < 4000; ++i) fleet.open();
  const Counts active = fleet.active();
  EXPECT_LE(*std::max_element(active.begin(), active.end()) - 1000, 4) << "chance alone is off by 60 and more";
}

TEST(Schedulers, AServerThatIsDownIsSteppedOver) {
  for (const SchedulerKind kind :
       {SchedulerKind::least_connections, SchedulerKind::weighted_least_connections, SchedulerKind::two_choices}) {
    for (const std::size_t servers : {4U, 40U}) {
      Fleet fleet{kind, Weights(servers, 3)};
      fleet.say(1, ServerState::down);
      for (int i = 0; i < 4000; ++i) EXPECT_NE(fleet.open(), 1);
      for (std::uint16_t row = 0; row < servers; ++row) fleet.say(row, ServerState::down);
      EXPECT_EQ(fleet.open(), kNoIndex);
      fleet.say(2, ServerState::up);
      for (int i = 0; i < 10; ++i) EXPECT_EQ(fleet.open(), 2) << "the only one, wherever it is drawn from";
    }
  }
}

// What a worker shows of a server that left the row is not taken for the new one's.
TEST(Schedulers, LoadOfAnEarlierServerInTheRowIsIgnored) {
  Fleet fleet{SchedulerKind::least_connections, Weights(2, 1), 3};
  for (int i = 0; i < 100; ++i) fleet.open(0);
  fleet.add_up();
  fleet.snapshot.servers[1].generation = 2;
  for (int i = 0; i < 16; ++i) EXPECT_EQ(fleet.open(1), 1) << "row 1 is empty now";
  fleet.add_up();
  EXPECT_EQ(Load::from_word(fleet.rows[2].others(1).load()).active, 16);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(fleet.open(2), 1);
}

TEST(LoadSums, APassOverManyServersTakesSeveralTurns) {
  Fleet fleet{SchedulerKind::least_connections, Weights(20'000, 1), 2};
  count_opened(fleet.snapshot, fleet.rows[0], fleet.id(19'999));
  fleet.add_up();
  EXPECT_EQ(fleet.rows[1].others(19'999).load(), 0U) << "not that far yet";
  for (int i = 0; i < 3; ++i) fleet.add_up();
  EXPECT_EQ(Load::from_word(fleet.rows[1].others(19'999).load()).active, 1);
}

TEST(LoadSums, NothingIsAddedUpWhereNobodyChoosesByLoad) {
  Fleet fleet{SchedulerKind::round_robin, Weights(3, 1), 2};
  fleet.open(0);
  fleet.add_up();
  EXPECT_EQ(fleet.rows[1].others(0).load(), 0U);
}

TEST(Load, AWordHoldsWhatWasPutIn) {
  for (const Load& load : {Load{1, 0, 0}, Load{65535, -1, 1}, Load{7, Load::active_max, Load::response_max},
                           Load{7, -Load::active_max, 12345}}) {
    const Load back = Load::from_word(load.word());
    EXPECT_EQ(back.generation, load.generation);
    EXPECT_EQ(back.active, load.active);
    EXPECT_EQ(back.response_us, load.response_us);
  }
  EXPECT_EQ(Load::from_word(Load{7, INT32_MAX, UINT32_MAX}.word()).active, Load::active_max);
}

Client client(std::uint32_t number, std::uint16_t port = 1000) {
  return {Address::v4(Be32{0xC0000000U + number}), Be16{port}};
}

TEST(Schedulers, ClientsKeepTheirServersWhenAnotherGoesAndComesBack) {
  for (const SchedulerKind kind : {SchedulerKind::source_hash, SchedulerKind::maglev}) {
    Fleet fleet{kind, {1, 2, 5, 2}};
    std::vector<std::uint16_t> before;
    for (std::uint32_t i = 0; i < kConnections; ++i) before.push_back(fleet.open(0, client(i)));
    EXPECT_LE(imbalance(fleet.active(), {1, 2, 5, 2}), 3.0);
    fleet.say(1, ServerState::down);
    Counts taken_over(4);
    for (std::uint32_t i = 0; i < kConnections; ++i) {
      const std::uint16_t now = fleet.open(0, client(i));
      ASSERT_NE(now, 1);
      ASSERT_EQ(now, fleet.open(0, client(i)));
      if (before[i] == 1) {
        ++taken_over[now];
      } else {
        ASSERT_EQ(now, before[i]) << "undisturbed";
      }
    }
    EXPECT_LE(imbalance({taken_over[0], taken_over[2], taken_over[3]}, {1, 5, 2}), 5.0) << "by weight, too";
    fleet.say(1, ServerState::up);
    for (std::uint32_t i = 0; i < kConnections; ++i) ASSERT_EQ(fleet.open(0, client(i)), before[i]);
  }
}

TEST(Schedulers, SourceHashGoesByTheAddressAndMaglevByThePortToo) {
  Fleet source{SchedulerKind::source_hash, Weights(10, 1)};
  Fleet maglev{SchedulerKind::maglev, Weights(10, 1)};
  std::map<std::uint16_t, int> servers;
  for (std::uint16_t port = 1000; port < 2000; ++port) {
    ASSERT_EQ(source.open(0, client(7, port)), source.open(0, client(7)));
    ++servers[maglev.open(0, client(7, port))];
  }
  EXPECT_EQ(servers.size(), 10U);
}

TEST(Schedulers, AClientFindsTheLastServerThatIsLeft) {
  Fleet fleet{SchedulerKind::source_hash, Weights(200, 1)};
  for (std::uint16_t row = 0; row < 200; ++row) {
    if (row != 123) fleet.say(row, ServerState::down);
  }
  for (std::uint32_t i = 0; i < 1000; ++i) ASSERT_EQ(fleet.open(0, client(i)), 123);
  fleet.say(123, ServerState::down);
  EXPECT_EQ(fleet.open(0, client(1)), kNoIndex);
}

// The same, after control has compiled what it knows. Nobody is looked at in vain.
TEST(Schedulers, ClientsSpreadOverTheFewThatAreLeft) {
  for (const SchedulerKind kind : {SchedulerKind::source_hash, SchedulerKind::maglev}) {
    Fleet fleet{kind, Weights(200, 1)};
    for (std::uint16_t row = 0; row < 200; ++row) {
      if (row != 123 && row != 7) fleet.snapshot.servers[row].state = ServerState::down;
    }
    fleet.compile_schedule();
    EXPECT_EQ(fleet.snapshot.services[fleet.service.value].usable_length, 2);
    for (std::uint32_t i = 0; i < 10'000; ++i) ASSERT_NE(fleet.open(0, client(i)), kNoIndex);
    EXPECT_NEAR(static_cast<double>(fleet.active(7)), 5000, 300);
    fleet.snapshot.servers[7].state = fleet.snapshot.servers[123].state = ServerState::down;
    fleet.compile_schedule();
    EXPECT_EQ(fleet.open(0, client(1)), kNoIndex);
  }
}

// What chance alone explains of 100 servers with different weights (Pearson's chi-squared, 99 degrees of freedom).
TEST(Schedulers, AHundredServersByClient) {
  Weights weights(100);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<std::uint16_t>(i % 10 + 1);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (const SchedulerKind kind : {SchedulerKind::source_hash, SchedulerKind::maglev}) {
    Fleet fleet{kind, weights};
    for (std::uint32_t i = 0; i < kConnections; ++i) ASSERT_NE(fleet.open(0, client(i)), kNoIndex);
    double chi_squared = 0;
    for (std::uint16_t row = 0; row < 100; ++row) {
      const double share = kConnections * weights[row] / sum;
      const double off = static_cast<double>(fleet.active(row)) - share;
      chi_squared += off * off / share;
    }
    EXPECT_LE(chi_squared, 180) << "99 is the mean, 14 the deviation, the rest what the table rounds";
  }
}

// One machine: what it has on another port of the farm counts.
TEST(Schedulers, LoadIsAServersOverAllItsPorts) {
  for (const SchedulerKind kind : {SchedulerKind::least_connections, SchedulerKind::weighted_least_connections,
                                   SchedulerKind::two_choices, SchedulerKind::fastest_response}) {
    Fleet fleet{kind, Weights(4, 1), 2};
    for (std::uint16_t row = 0; row < 2; ++row) {
      ServerRow& elsewhere = fleet.snapshot.servers[row + 2U];
      elsewhere.state = ServerState::draining;  // so that the scheduler knows the first two only
      elsewhere.next_of_member = row;
      fleet.snapshot.servers[row].next_of_member = static_cast<std::uint16_t>(row + 2U);
    }
    fleet.compile_schedule();
    for (auto& worker : fleet.rows) {
      for (int i = 0; i < 20; ++i) count_opened(fleet.snapshot, worker, fleet.id(2));
    }
    fleet.add_up();
    int second = 0;
    for (std::size_t i = 0; i < 20; ++i) second += fleet.open(i % 2) == 1 ? 1 : 0;
    EXPECT_GE(second, kind == SchedulerKind::fastest_response ? 17 : 20) << static_cast<int>(kind);
  }
}

// One of 100 leaves the configuration: what Maglev's algorithm is for.
TEST(Schedulers, AServerThatIsRemovedDisturbsFewOthers) {
  Fleet fleet{SchedulerKind::maglev, Weights(100, 10)};
  std::vector<std::uint16_t> before;
  for (std::uint32_t i = 0; i < kConnections; ++i) before.push_back(fleet.open(0, client(i)));
  fleet.snapshot.servers[42].weight = 0;
  fleet.compile_schedule();
  int moved = 0;
  for (std::uint32_t i = 0; i < kConnections; ++i) {
    const std::uint16_t now = fleet.open(0, client(i));
    ASSERT_NE(now, 42);
    moved += before[i] != 42 && before[i] != now ? 1 : 0;
  }
  EXPECT_LE(moved, kConnections / 50);
}

TEST(Schedulers, AStandbyThatComesInAndGoesGivesBackExactlyWhatItTook) {
  constexpr std::uint16_t kStandby = 3;
  for (const SchedulerKind kind : {SchedulerKind::source_hash, SchedulerKind::maglev}) {
    Fleet fleet{kind, {1, 2, 5, 2}};
    const auto who = [&] {
      std::vector<std::uint16_t> servers;
      for (std::uint32_t i = 0; i < 20'000; ++i) servers.push_back(fleet.open(0, client(i)));
      return servers;
    };
    const auto compile = [&](ServerState first, ServerState standby) {
      fleet.snapshot.servers[0].state = first;
      fleet.snapshot.servers[kStandby].state = standby;
      ++fleet.snapshot.generation;
      fleet.compile_schedule();
    };
    compile(ServerState::up, ServerState::reserve);
    const auto before = who();
    EXPECT_EQ(std::count(before.begin(), before.end(), kStandby), 0);
    fleet.say(0, ServerState::down);
    fleet.say(kStandby, ServerState::up);
    const auto during = who();
    for (std::size_t i = 0; i < before.size(); ++i) {
      ASSERT_NE(during[i], 0);
      if (before[i] == 0 || during[i] == kStandby) continue;
      ASSERT_EQ(during[i], before[i]) << "undisturbed";
    }
    const double share = static_cast<double>(std::count(during.begin(), during.end(), kStandby)) / 20'000;
    EXPECT_NEAR(share, 2.0 / 9, 0.03) << "of those that are up";
    compile(ServerState::down, ServerState::up);
    EXPECT_EQ(who(), during) << "compiled as it was said";
    compile(ServerState::up, ServerState::reserve);
    EXPECT_EQ(who(), before);
  }
}

// Weight 0 drains like `state = "drain"`, but by a table that is made anew: few besides its own clients move, and
// with its weight everybody comes back.
TEST(Schedulers, WeightNothingMovesFewAndDrainNobodyElse) {
  for (const SchedulerKind kind : {SchedulerKind::source_hash, SchedulerKind::maglev}) {
    Fleet fleet{kind, Weights(100, 10)};
    const auto who = [&] {
      std::vector<std::uint16_t> servers;
      for (std::uint32_t i = 0; i < 20'000; ++i) servers.push_back(fleet.open(0, client(i)));
      return servers;
    };
    const auto moved = [](const auto& from, const auto& to) {
      int count = 0;
      for (std::size_t i = 0; i < from.size(); ++i) count += from[i] != 7 && from[i] != to[i] ? 1 : 0;
      return count;
    };
    const auto before = who();
    fleet.snapshot.servers[7].weight = 0;
    fleet.snapshot.servers[7].state = ServerState::draining;
    fleet.compile_schedule();
    EXPECT_LE(moved(before, who()), 20'000 / 50);
    fleet.snapshot.servers[7].weight = 10;
    fleet.compile_schedule();
    EXPECT_EQ(moved(before, who()), 0);
    fleet.snapshot.servers[7].state = ServerState::up;
    EXPECT_EQ(who(), before);
  }
}

struct Rule {
  SchedulerKind kind;
  Weights share;
  bool persistent;
  double worst = 1.0;  // hundredths; chance alone is off by more where the client decides
};

class WholePipeline : public ::testing::TestWithParam<Rule> {
 protected:
  static constexpr std::array<const char*, 3> kServers{"10.1.1.11", "10.1.1.12", "10.1.1.13"};

  void publish() {
    auto build = box_.publish();
    const ServiceId service = build.service("198.51.100.10", 80);
    for (std::size_t i = 0; i < kServers.size(); ++i) {
      build.row(build.server(service, kServers[i], 8080, kBack)).weight = kOneTwoFive[i];
      box_.know_neighbour(kBack, kServers[i], test::kServerMac);
    }
    ServiceRow& row = build.row(service);
    row.scheduler = GetParam().kind;
    row.farm = FarmId{0};
    row.persistence_s = GetParam().persistent ? 360 : 0;
    row.persistence_length = 32;
    build.farm(FarmId{0}, "shop", row.persistence_s);
    std::vector<ScheduledServer> servers;
    for (std::uint16_t i = 0; i < kServers.size(); ++i) servers.push_back({i, kOneTwoFive[i], true, i});
    ASSERT_TRUE(Schedules(nullptr, box_.region.snapshot(1)).add(row, servers));
  }
  void send(std::uint32_t client, std::uint16_t port) {
    const Address source = Address::v4(Be32{0xC0000000U + client});
    box_.ports[0]->inject(0, PacketBuilder{}
                                 .eth({.destination = test::kFrontMac, .source = test::kClientMac})
                                 .ipv4({.source = source.text().c_str(), .destination = "198.51.100.10"})
                                 .tcp({.source_port = port, .destination_port = 80, .flags = tcp_flag::syn})
                                 .build());
  }
  Counts opened() {
    Counts counts;
    for (std::size_t i = 0; i < kServers.size(); ++i) {
      counts.push_back(static_cast<std::int64_t>(box_.region.server_counters(0)[i].connections.value()));
    }
    return counts;
  }

  test::TestBox box_{1U << 18U};
};

// Persistent: each client has two connections.
TEST_P(WholePipeline, SharesOutAHundredThousandConnections) {
  publish();
  for (std::uint32_t i = 0; i < kConnections; ++i) {
    send(GetParam().persistent ? i / 2 : i, static_cast<std::uint16_t>(1000 + i % 2));
    if (i % kBatchMax != kBatchMax - 1) continue;
    box_.turn();
    static_cast<void>(box_.ports[1]->take_sent());
  }
  EXPECT_LE(imbalance(opened(), GetParam().share), GetParam().worst);
  std::map<Reason, int> reasons;
  for (const ConnectionEntry& at : box_.region.entries()) {
    if (const auto entry = read_entry(at)) ++reasons[entry->reason];
  }
  const std::map<Reason, int> all{{reason_of(GetParam().kind), kConnections}};
  const std::map<Reason, int> half{{Reason::persistence, kConnections / 2},
                                   {reason_of(GetParam().kind), kConnections / 2}};
  EXPECT_EQ(reasons, GetParam().persistent ? half : all) << "each says which rule chose its server";
}

std::vector<Rule> rules() {
  const Weights equal(3, 1);
  std::vector<Rule> all;
  for (const bool persistent : {false, true}) {
    all.push_back({SchedulerKind::round_robin, equal, persistent});
    all.push_back({SchedulerKind::weighted_round_robin, kOneTwoFive, persistent});
    all.push_back({SchedulerKind::least_connections, equal, persistent});
    all.push_back({SchedulerKind::weighted_least_connections, kOneTwoFive, persistent});
    all.push_back({SchedulerKind::two_choices, kOneTwoFive, persistent});
    all.push_back({SchedulerKind::fastest_response, kOneTwoFive, persistent});
    all.push_back({SchedulerKind::least_bandwidth, kOneTwoFive, persistent});
    all.push_back({SchedulerKind::source_hash, kOneTwoFive, persistent, 4.0});
    all.push_back({SchedulerKind::maglev, kOneTwoFive, persistent, 4.0});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Schedulers, WholePipeline, ::testing::ValuesIn(rules()),
                         [](const ::testing::TestParamInfo<Rule>& rule) {
                           return std::to_string(static_cast<int>(rule.param.kind)) +
                                  (rule.param.persistent ? "persistent" : "each");
                         });

}  // namespace
}  // namespace fulcrum
