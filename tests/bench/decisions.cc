#include "tests/bench/decisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "control/compile/schedules.h"
#include "dataplane/base/invariant.h"
#include "dataplane/packet/frame.h"
#include "dataplane/pipeline/server_counts.h"
#include "dataplane/schedule/choose.h"
#include "tests/bench/bench_box.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum::bench {
namespace {

constexpr std::array<std::pair<std::string_view, SchedulerKind>, kSchedulers> kNames{{
    {"round_robin", SchedulerKind::round_robin},
    {"weighted_round_robin", SchedulerKind::weighted_round_robin},
    {"least_connections", SchedulerKind::least_connections},
    {"weighted_least_connections", SchedulerKind::weighted_least_connections},
    {"two_choices", SchedulerKind::two_choices},
    {"source_hash", SchedulerKind::source_hash},
    {"maglev", SchedulerKind::maglev},
    {"fastest_response", SchedulerKind::fastest_response},
    {"least_bandwidth", SchedulerKind::least_bandwidth},
}};

Region region_for_counters() {
  auto region = Region::create_anonymous({.workers = 2});
  FULCRUM_ASSERT(region.has_value());
  return std::move(*region);
}

}  // namespace

bool find_scheduler(const std::string& name, SchedulerKind& kind) {
  const auto* found = std::find_if(kNames.begin(), kNames.end(), [&](const auto& one) { return one.first == name; });
  if (found == kNames.end()) return false;
  kind = found->second;
  return true;
}

bool find_farm(const std::string& name, Decisions::Farm& farm) {
  constexpr std::array<const char*, 3> kFarms{"well", "full", "down"};
  const auto* found = std::find(kFarms.begin(), kFarms.end(), name);
  if (found == kFarms.end()) return false;
  farm = static_cast<Decisions::Farm>(found - kFarms.begin());
  return true;
}

Decisions::Decisions(SchedulerKind kind, std::uint16_t servers, Farm farm)
    : region_{region_for_counters()},
      snapshot_{region_.snapshot(0)},
      cursors_{std::make_unique<ScheduleCursors>()},
      farm_{farm} {
  test::SnapshotBuilder build{snapshot_};
  service_ = build.service("198.51.100.10", 80);
  std::vector<ScheduledServer> all;
  for (std::uint16_t i = 0; i < servers; ++i) {
    const ServerId server = build.server(service_, fmt::format("10.1.{}.{}", i / 250, i % 250 + 1).c_str(), 80);
    build.row(server).weight = i % 2 == 0 ? 10 : 20;
    if (farm == Farm::down) build.row(server).state = ServerState::down;
    if (farm == Farm::full) build.limit(server, 1, 1);
    all.push_back({server.index, build.row(server).weight, farm != Farm::down, identity_of(build.row(server).address)});
  }
  build.row(service_).scheduler = kind;
  FULCRUM_ASSERT(Schedules(nullptr, snapshot_).add(build.row(service_), all));
  if (farm == Farm::full) fill();
}

void Decisions::fill() noexcept {
  const ServerRows rows{region_, kWorker};
  for (std::uint16_t row = 0; row < snapshot_.server_count; ++row) count_opened(snapshot_, rows, id(row));
}

// Of any server, neighbours in the list being no better than others.
void Decisions::end_one() noexcept {
  const auto row = static_cast<std::uint16_t>(client_ * 7919ULL % snapshot_.server_count);
  count_removed(snapshot_, {region_, kWorker}, id(row), ConnectionState::embryonic);
}

Sample Decisions::measure(std::chrono::milliseconds span) {
  const ServerRows rows{region_, kWorker};
  Sample sample;
  sample.ns = run_for(span, [&](std::chrono::nanoseconds now) {
    for (std::size_t i = 0; i < kBatchMax; ++i) {
      // Neighbouring addresses are as good as any: they are hashed.
      const fulcrum::Client client{Address::v4(Be32{0x0B000000U + ++client_}), Be16{4711}};
      if (farm_ == Farm::full) end_one();
      const std::uint16_t row =
          decide(snapshot_, service_, client, *cursors_, rows, to_tick(now), snapshot_.has_limits != 0).server;
      ++((row == kNoIndex) == (farm_ == Farm::down) ? sample.packets : sample.lost);
      if (row != kNoIndex) count_opened(snapshot_, rows, id(row));
    }
  });
  return sample;
}

}  // namespace fulcrum::bench
