#include "control/app/blast_radius.h"

#include <algorithm>
#include <map>

namespace fulcrum {
namespace {

std::vector<bool> scheduled(const Snapshot& snapshot) {
  std::vector<bool> is_scheduled(kServersMax);
  for (const ServiceRow& service : snapshot.services) {
    for (std::uint32_t i = 0; service.in_use != 0 && i < service.schedule_length; ++i) {
      const std::uint16_t server = snapshot.schedule[(service.schedule_offset + i) % kScheduleMax];
      if (server < kServersMax && takes_new(snapshot.servers[server].state)) is_scheduled[server] = true;
    }
  }
  return is_scheduled;
}

using Weights = std::map<std::pair<std::string, std::string>, std::uint16_t>;
Weights weights_of(const model::Model& model, const std::set<std::string>& farms) {
  Weights weights;
  for (const model::Farm& farm : model.farms) {
    if (farms.count(farm.name) == 0) continue;
    for (const model::Server& server : farm.servers) weights[{farm.name, server.name}] = server.weight;
  }
  return weights;
}

}  // namespace

// One worker may close what another opened.
std::uint64_t connections_of(const Region& region, ServerId server) {
  std::int64_t sum = 0;
  for (std::size_t worker = 0; worker < region.workers(); ++worker) {
    const ServerCounters& counters = region.server_counters(worker)[server.index];
    if (counters.server_generation.load(std::memory_order_relaxed) == server.generation) {
      sum += counters.active.load(std::memory_order_relaxed);
    }
  }
  return static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0));
}

BlastRadius radius_of(const Region& region, const Snapshot& running, const Snapshot& planned) {
  BlastRadius radius;
  const auto before = scheduled(running);
  const auto after = scheduled(planned);
  for (std::uint16_t i = 0; i < kServersMax; ++i) {
    const ServerRow& row = running.servers[i];
    if (row.state == ServerState::unused) continue;
    const std::uint64_t connections = connections_of(region, {i, row.generation});
    const ServerRow& next = planned.servers[i];
    if (next.state == ServerState::unused || next.generation != row.generation) {
      radius.reset += connections;
    } else if (next.flows != Flows::go_on) {
      (next.flows == Flows::reset ? radius.reset : radius.drained) += connections;
    } else if (before[i] && !after[i] && next.state != ServerState::leaving) {
      radius.drained += connections;
    } else {
      radius.kept += connections;
    }
  }
  return radius;
}

void add_changes(BlastRadius& radius, const model::Model& from, const model::Model& to,
                 const std::vector<document::Change>& changes) {
  for (const document::Change& change : changes) {
    if (change.path.size() < 2 || change.path[0].word != "farms") continue;
    radius.farms.insert(change.path[1].word);
  }
  const Weights before = weights_of(from, radius.farms);
  const Weights after = weights_of(to, radius.farms);
  for (const auto& [name, weight] : before) {
    const auto next = after.find(name);
    const std::uint16_t left = next == after.end() ? std::uint16_t{0} : next->second;
    if (left < weight) radius.losing_weight.push_back({name.first, name.second, weight, left});
  }
}

}  // namespace fulcrum
