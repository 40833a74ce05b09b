#include "control/telemetry/sampler.h"

#include <chrono>
#include <cstdio>

#include "tests/support/gtest.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum::telemetry {
namespace {

using test::SnapshotBuilder;

class SamplerTest : public ::testing::Test {
 protected:
  SamplerTest() {
    region_.header().ports[0].name = Name{"front"};
    region_.header().ports[0].in_use = 1;
    SnapshotBuilder build{region_.snapshot(0), 1};
    build.farm(FarmId{0}, "shop");
    for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{443}}) {
      const ServiceId service = build.service("198.51.100.10", port);
      build.row(service).farm = FarmId{0};
      web_.push_back(build.server(service, "10.1.1.11", port));
      region_.snapshot(0).server_names[web_.back().index] = Name{"web1"};
    }
    for (std::size_t worker = 0; worker < 2; ++worker) {
      for (const ServerId server : web_) counters(worker, server).server_generation = server.generation;
    }
  }
  ServerCounters& counters(std::size_t worker, ServerId server) {
    return region_.server_counters(worker)[server.index];
  }
  std::optional<Sample> read(std::int64_t time) { return sampler_.read(&region_, &region_.snapshot(0), time); }
  static Counts of(const std::optional<Sample>& sample, Kind kind, const std::string& name) {
    if (!sample) return {UINT64_MAX};
    for (const auto& entry : sample->entries) {
      if (*entry.series == SeriesName{kind, name}) return entry.counts;
    }
    return {};
  }

  Region region_{*Region::create_anonymous({.workers = 2})};
  std::vector<ServerId> web_;
  Sampler sampler_;
};

TEST_F(SamplerTest, CountsWhatCameSinceTheReadingBefore) {
  counters(0, web_[0]).connections.add(1000);  // before we looked
  EXPECT_FALSE(read(100).has_value());
  counters(0, web_[0]).connections.add(3);
  counters(1, web_[0]).connections.add(4);
  counters(1, web_[1]).bytes_out.add(500);
  region_.worker(0).ports[0].received_packets.add(7);
  region_.worker(1).packets.drops[static_cast<std::size_t>(Drop::no_server)].add(2);
  const auto sample = read(101);
  EXPECT_EQ(of(sample, Kind::servers, "shop/web1"), (Counts{7, 0, 0, 0, 500}));
  EXPECT_EQ(of(sample, Kind::farms, "shop"), (Counts{7, 0, 0, 0, 500}));
  EXPECT_EQ(of(sample, Kind::ports, "front"), (Counts{0, 7, 0, 0, 0}));
  EXPECT_EQ(of(sample, Kind::workers, "0"), (Counts{0, 7, 0, 0, 0}));
  EXPECT_EQ(of(sample, Kind::drops, "no_server"), (Counts{0, 2, 0, 0, 0}));
  EXPECT_FALSE(read(101).has_value());
  EXPECT_TRUE(read(103)->entries.empty());
}

TEST_F(SamplerTest, MakesNoSpikeOfWhatBeginsAnew) {
  ServerCounters& row = counters(0, web_[0]);
  row.connections.add(50);
  static_cast<void>(read(100));
  // The dataplane began with nothing.
  row.connections.reset();
  row.connections.add(20);
  EXPECT_EQ(of(read(101), Kind::farms, "shop"), Counts{});
  row.connections.add(5);
  EXPECT_EQ(of(read(102), Kind::farms, "shop"), (Counts{5}));
  // The row is another server's, which had counted before.
  region_.snapshot(0).servers[web_[0].index].generation = 9;
  row.server_generation = 9;
  row.connections.add(1000);
  EXPECT_EQ(of(read(103), Kind::farms, "shop"), Counts{});
  row.connections.add(1);
  EXPECT_EQ(of(read(104), Kind::farms, "shop"), (Counts{1}));
}

TEST_F(SamplerTest, LeavesGapsWhereNobodyLooked) {
  static_cast<void>(read(100));
  counters(0, web_[0]).connections.add(6);
  const auto late = read(103);
  EXPECT_EQ(late->seconds, 3U);
  EXPECT_EQ(of(late, Kind::farms, "shop"), (Counts{6}));
  counters(0, web_[0]).connections.add(1000);
  EXPECT_FALSE(read(103 + Sampler::gap_s + 1).has_value());
  EXPECT_FALSE(read(50).has_value());  // the clock was set
  EXPECT_FALSE(sampler_.read(nullptr, nullptr, 51).has_value());
  EXPECT_FALSE(read(52).has_value());
  region_.header().boot_id += 1;
  counters(0, web_[0]).connections.add(1000);
  EXPECT_FALSE(read(53).has_value());
  EXPECT_EQ(of(read(54), Kind::farms, "shop"), Counts{});
}

TEST_F(SamplerTest, FollowsAChangeOfTheConfiguration) {
  static_cast<void>(read(100));
  region_.snapshot(0).generation = 2;
  region_.snapshot(0).farms[0].name = Name{"mall"};
  counters(0, web_[0]).connections.add(2);
  const auto sample = read(101);
  EXPECT_EQ(of(sample, Kind::farms, "mall"), (Counts{2}));
  EXPECT_EQ(of(sample, Kind::servers, "mall/web1"), (Counts{2}));
}

// The figure for 1,000 farms of 16 servers is printed, not asserted.
TEST_F(SamplerTest, IsCheapWithManyServers) {
  Snapshot& snapshot = region_.snapshot(1);
  snapshot.generation = 3;
  snapshot.server_count = 16'000;
  for (std::uint16_t farm = 0; farm < 1000; ++farm) {
    snapshot.farms[farm].name = Name{"farm" + std::to_string(farm)};
    snapshot.services[farm].in_use = 1;
    snapshot.services[farm].farm = FarmId{farm};
  }
  for (std::uint16_t i = 0; i < 16'000; ++i) {
    ServerRow& server = snapshot.servers[i];
    server.state = ServerState::up;
    server.generation = 1;
    server.service = ServiceId{static_cast<std::uint16_t>(i / 16)};
    snapshot.server_names[i] = Name{"web" + std::to_string(i % 16)};
    for (std::size_t worker = 0; worker < 2; ++worker) region_.server_counters(worker)[i].server_generation = 1;
  }
  static_cast<void>(sampler_.read(&region_, &snapshot, 100));
  std::int64_t best = INT64_MAX;
  for (std::int64_t second = 101; second < 111; ++second) {
    for (std::uint16_t i = 0; i < 16'000; ++i) region_.server_counters(i % 2)[i].connections.add(1);
    const auto begin = std::chrono::steady_clock::now();
    const auto sample = sampler_.read(&region_, &snapshot, second);
    const auto took = std::chrono::steady_clock::now() - begin;
    ASSERT_TRUE(sample.has_value());
    EXPECT_EQ(sample->entries.size(), 17'000U);
    best = std::min<std::int64_t>(best, std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  }
  std::printf("a reading of 16,000 servers by 2 workers took %lld us at best\n", static_cast<long long>(best));
}

}  // namespace
}  // namespace fulcrum::telemetry
