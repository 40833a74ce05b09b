// The schedulers that go by more than connections: how fast servers answer, what they move, since when they are up.
#include "dataplane/pipeline/response.h"

#include <algorithm>
#include <random>

#include "tests/support/gtest.h"
#include "tests/worker/fleet.h"
#include "tests/worker/test_box.h"

namespace fulcrum {
namespace {

using test::Bytes;
using test::Fleet;
using test::kBack;
using test::kFront;
using test::PacketBuilder;

using Weights = std::vector<std::uint16_t>;

std::uint32_t response_of(const Fleet& fleet, std::uint16_t row, std::size_t worker = 0) {
  return Load::from_word(fleet.rows[worker].own(row).load()).response_us;
}

TEST(Response, ASampleIsSmoothedAndOneAtATime) {
  Fleet fleet{SchedulerKind::fastest_response, Weights(2, 1)};
  const ServerRows& rows = fleet.rows[0];
  begin_sample(rows, fleet.id(0), ConnectionId{7}, 1000);
  begin_sample(rows, fleet.id(0), ConnectionId{8}, 1500);
  end_sample(rows, fleet.id(0), ConnectionId{8}, 1600);
  EXPECT_EQ(response_of(fleet, 0), 0U) << "another connection is being measured";
  end_sample(rows, fleet.id(0), ConnectionId{7}, 1800);
  EXPECT_EQ(response_of(fleet, 0), 800U);
  end_sample(rows, fleet.id(0), ConnectionId{7}, 9000);
  EXPECT_EQ(response_of(fleet, 0), 800U) << "only once";
  begin_sample(rows, fleet.id(0), ConnectionId{0}, UINT32_MAX - 99);
  end_sample(rows, fleet.id(0), ConnectionId{0}, 1500);  // across the clock's wrap: 1600
  EXPECT_EQ(response_of(fleet, 0), 900U);
  EXPECT_EQ(response_of(fleet, 1), 0U);
}

TEST(Response, NoAnswerForASecondCountsAsASecond) {
  Fleet fleet{SchedulerKind::fastest_response, Weights(1, 1)};
  begin_sample(fleet.rows[0], fleet.id(0), ConnectionId{7}, 0);
  begin_sample(fleet.rows[0], fleet.id(0), ConnectionId{8}, 2'000'000);
  EXPECT_EQ(response_of(fleet, 0), Load::response_max);
  end_sample(fleet.rows[0], fleet.id(0), ConnectionId{8}, 2'000'100);
  EXPECT_LT(response_of(fleet, 0), Load::response_max);
}

TEST(Response, AnotherWorkerMayEndIt) {
  Fleet fleet{SchedulerKind::fastest_response, Weights(1, 1), 3};
  begin_sample(fleet.rows[0], fleet.id(0), ConnectionId{7}, 0);
  end_sample(fleet.rows[1], fleet.id(0), ConnectionId{7}, 600);
  begin_sample(fleet.rows[0], fleet.id(0), ConnectionId{7}, 0);
  end_sample(fleet.rows[2], fleet.id(0), ConnectionId{7}, 200);
  fleet.add_up();
  EXPECT_EQ(Load::from_word(fleet.rows[0].others(0).load()).response_us, 400U) << "the mean of those who measured";
}

// Where answers do not pass here.
TEST(Response, ControlsProbeSpeaksWhereNobodyMeasured) {
  Fleet fleet{SchedulerKind::fastest_response, Weights(2, 1), 2};
  for (std::uint16_t row = 0; row < 2; ++row) count_opened(fleet.snapshot, fleet.rows[0], fleet.id(row));
  auto& probed = fleet.region.shared_loads().probed;
  probed[0] = Load{1, 0, 250}.word();
  probed[1] = Load{9, 0, 250}.word();  // of a server that was in the row before
  fleet.add_up();
  EXPECT_EQ(Load::from_word(fleet.rows[1].others(0).load()).response_us, 250U);
  EXPECT_EQ(Load::from_word(fleet.rows[1].others(1).load()).response_us, 0U);
}

// Servers that take 100, 200 and 400 us: in the long run as many connections as they can work off.
TEST(Response, FasterServersGetMore) {
  for (const std::size_t copies : {1U, 10U}) {  // few are all looked at, of many two
    const std::vector<std::uint32_t> times{100, 200, 400};
    Fleet fleet{SchedulerKind::fastest_response, Weights(3 * copies, 10)};
    for (std::uint16_t row = 0; row < 3 * copies; ++row) {
      count_opened(fleet.snapshot, fleet.rows[0], fleet.id(row));
      begin_sample(fleet.rows[0], fleet.id(row), ConnectionId{1}, 0);
      end_sample(fleet.rows[0], fleet.id(row), ConnectionId{1}, times[row % 3]);
    }
    fleet.add_up();
    for (int i = 0; i < 70'000; ++i) fleet.open();
    std::vector<double> share(3);
    for (std::uint16_t row = 0; row < 3 * copies; ++row)
      share[row % 3] += static_cast<double>(fleet.active(row)) / 70'000;
    // Those that are drawn to be measured are spread evenly, and of two drawn at random both may be slow.
    const double tolerance = copies == 1 ? 0.02 : 0.12;
    EXPECT_NEAR(share[0], 4.0 / 7, tolerance) << copies;
    EXPECT_NEAR(share[1], 2.0 / 7, tolerance) << copies;
    EXPECT_NEAR(share[2], 1.0 / 7, tolerance) << copies;
  }
}

TEST(Response, AServerThatIsNotMeasuredYetCountsAsAverageAndASlowOneIsAskedAgain) {
  Fleet fleet{SchedulerKind::fastest_response, Weights(3, 10)};
  for (std::uint16_t row = 0; row < 3; ++row) count_opened(fleet.snapshot, fleet.rows[0], fleet.id(row));
  begin_sample(fleet.rows[0], fleet.id(0), ConnectionId{1}, 0);
  end_sample(fleet.rows[0], fleet.id(0), ConnectionId{1}, 100);
  begin_sample(fleet.rows[0], fleet.id(1), ConnectionId{1}, 0);
  end_sample(fleet.rows[0], fleet.id(1), ConnectionId{1}, 500'000);
  fleet.add_up();
  int slow = 0;
  int unknown = 0;
  for (int i = 0; i < 6400; ++i) {
    const std::uint16_t row = fleet.open();
    slow += row == 1 ? 1 : 0;
    unknown += row == 2 ? 1 : 0;
    fleet.close(row);  // idle all the time
  }
  EXPECT_NEAR(slow, 6400 / 64 / 3, 20) << "once in a while";
  EXPECT_NEAR(unknown, 6400 / 64 / 3, 20);
}

TEST(Bandwidth, GoesToWhoMovedLess) {
  Fleet fleet{SchedulerKind::least_bandwidth, Weights(2, 10), 2};
  for (const ServerRows& worker : fleet.rows) {
    for (std::uint16_t row = 0; row < 2; ++row) count_opened(fleet.snapshot, worker, fleet.id(row));
  }
  fleet.add_up();
  fleet.now += std::chrono::seconds{1};
  fleet.add_up();  // from where to count
  fleet.rows[0][0].bytes_out.add(3'000'000);
  fleet.rows[1][0].bytes_in.add(1'000'000);
  fleet.now += std::chrono::seconds{1};
  fleet.add_up();
  const auto& bandwidth = fleet.region.shared_loads().bandwidth;
  EXPECT_NEAR(Load::from_word(bandwidth[0].load()).active, 4'000'000 / 1024, 20) << "over both workers";
  EXPECT_EQ(Load::from_word(bandwidth[1].load()).active, 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(fleet.open(), 1);
  fleet.now += std::chrono::seconds{1};
  fleet.add_up();
  EXPECT_EQ(Load::from_word(bandwidth[0].load()).active, 0) << "that was in the second before";
}

TEST(SlowStart, AServerThatComesUpGetsItsShareLittleByLittle) {
  constexpr std::uint32_t kSlowStart = 30;
  for (const std::size_t servers : {4U, 40U}) {
    Fleet fleet{SchedulerKind::weighted_least_connections, Weights(servers, 10)};
    fleet.snapshot.farms[0].slow_start_s = kSlowStart;
    fleet.snapshot.services[0].farm = FarmId{0};
    const auto others = static_cast<std::uint16_t>(servers - 1);
    for (std::uint16_t row = 0; row < others; ++row) {
      for (int i = 0; i < 1000; ++i) count_opened(fleet.snapshot, fleet.rows[0], fleet.id(row));
    }
    fleet.snapshot.servers[others].up_since = to_tick(fleet.now);
    // Connections that the others get end at once; enough of them that two draws meet the server often enough.
    const auto settled = [&] {
      for (int i = 0; i < 40'000; ++i) {
        if (const std::uint16_t row = fleet.open(); row != others) fleet.close(row);
      }
      return static_cast<double>(fleet.active(others));
    };
    EXPECT_LE(settled(), 5) << "no flood";
    const auto begin = fleet.now;
    for (const std::uint32_t passed : {kSlowStart / 3, kSlowStart * 2 / 3, kSlowStart}) {
      fleet.now = begin + std::chrono::seconds{passed};
      EXPECT_NEAR(settled(), 1000.0 * passed / kSlowStart, 5) << passed << " s of " << servers << " servers";
    }
  }
}

TEST(SlowStart, TheOnlyServerTakesEverythingAtOnce) {
  Fleet fleet{SchedulerKind::least_connections, Weights(1, 10)};
  fleet.snapshot.farms[0].slow_start_s = 30;
  fleet.snapshot.services[0].farm = FarmId{0};
  fleet.snapshot.servers[0].up_since = to_tick(fleet.now);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(fleet.open(), 0);
}

// The whole way of a handshake through a worker.
TEST(Response, IsMeasuredFromSynToSynAck) {
  test::TestBox box;
  auto build = box.publish();
  const ServiceId service = build.service("198.51.100.10", 80);
  const ServerId server = build.server(service, "10.1.1.11", 8080, kBack);
  build.row(service).scheduler = SchedulerKind::fastest_response;
  box.know_neighbour(kBack, "10.1.1.11", test::kServerMac);
  box.know_neighbour(kFront, "198.51.100.99", test::kClientMac);
  const auto client = [&](std::uint8_t flags) {
    box.receive(kFront, PacketBuilder{}
                            .eth({.destination = test::kFrontMac, .source = test::kClientMac})
                            .ipv4({.source = "198.51.100.99", .destination = "198.51.100.10"})
                            .tcp({.source_port = 4711, .destination_port = 80, .flags = flags})
                            .build());
  };
  client(tcp_flag::syn);
  box.now += std::chrono::microseconds{1234};
  client(tcp_flag::syn);  // again: the sample goes on
  box.now += std::chrono::microseconds{1000};
  box.receive(kBack, PacketBuilder{}
                         .eth({.destination = test::kBackMac, .source = test::kServerMac})
                         .ipv4({.source = "10.1.1.11", .destination = "198.51.100.99"})
                         .tcp({.source_port = 8080, .destination_port = 4711, .flags = tcp_flag::syn | tcp_flag::ack})
                         .build());
  EXPECT_EQ(Load::from_word(box.region.loads(0).own[server.index].load()).response_us, 2234U);
  box.expect_all_accounted_for();
}

}  // namespace
}  // namespace fulcrum
