#include "tests/worker/fleet.h"

#include <fmt/format.h>

#include "control/compile/schedules.h"
#include "dataplane/base/invariant.h"

namespace fulcrum::test {
namespace {

Region region_for(std::uint32_t workers) {
  auto region = Region::create_anonymous({.workers = workers});
  FULCRUM_ASSERT(region.has_value());
  return std::move(*region);
}

}  // namespace

Fleet::Fleet(SchedulerKind kind, const std::vector<std::uint16_t>& weights, std::uint32_t workers)
    : region{region_for(workers)}, snapshot{region.snapshot(0)}, cursors(workers), sums_{region} {
  SnapshotBuilder build{snapshot, 1};
  service = build.service("203.0.113.10", 80);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const ServerId server = build.server(service, fmt::format("10.1.{}.{}", i / 250, i % 250 + 1).c_str(), 80);
    build.row(server).weight = weights[i];
  }
  build.row(service).scheduler = kind;
  compile_schedule();
  for (std::uint32_t worker = 0; worker < workers; ++worker) {
    rows.emplace_back(region, WorkerId{static_cast<std::uint8_t>(worker)});
    cursors[worker].random = worker * 1000;
    region.worker(worker).status.load_rows = snapshot.by_load != 0 ? snapshot.server_count : 0;
    region.worker(worker).status.bandwidth_rows = snapshot.by_bandwidth != 0 ? snapshot.server_count : 0;
  }
}

void Fleet::compile_schedule() {
  std::vector<ScheduledServer> servers;
  for (std::uint16_t i = 0; i < snapshot.server_count; ++i) {
    const ServerRow& server = snapshot.servers[i];
    servers.push_back({i, server.weight, server.state == ServerState::up, identity_of(server.address)});
  }
  FULCRUM_ASSERT(Schedules(nullptr, snapshot).add(snapshot.services[service.value], servers));
  tell_news();
}

std::uint16_t Fleet::open(std::size_t worker, const Client& client) {
  const std::uint16_t row =
      decide(snapshot, service, client, cursors[worker], rows[worker], to_tick(now), is_urgent_).server;
  if (row != kNoIndex) count_opened(snapshot, rows[worker], id(row));
  return row;
}

void Fleet::close(std::uint16_t row, std::size_t worker) {
  count_removed(snapshot, rows[worker], id(row), ConnectionState::established);
}

void Fleet::limit(std::uint32_t high, std::uint32_t low) {
  for (std::uint16_t row = 0; row < snapshot.server_count; ++row) {
    snapshot.servers[row].limit = row;
    snapshot.limits[row] = {.high = high, .low = low};
  }
  snapshot.has_limits = 1;
  tell_news();
}

void Fleet::add_up() {
  now += LoadSums::period;
  sums_.turn(now);
}

void Fleet::say(std::uint16_t row, ServerState state) {
  for (const ServerRows& worker : rows) {
    ServerCounters& counters = counters_of(worker, id(row));
    counters.urgent_state = state;
    counters.urgent_since = snapshot.generation;
  }
  is_urgent_ = true;
  tell_news();
}

void Fleet::tell_news() {
  for (ScheduleCursors& one : cursors) ++one.news;
}

std::int64_t Fleet::active(std::uint16_t row) const {
  std::int64_t sum = 0;
  for (const ServerRows& worker : rows) sum += worker[row].active.load();
  return sum;
}

std::vector<std::int64_t> Fleet::active() const {
  std::vector<std::int64_t> all;
  for (std::uint16_t row = 0; row < snapshot.server_count; ++row) all.push_back(active(row));
  return all;
}

}  // namespace fulcrum::test
