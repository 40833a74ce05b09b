#include "control/app/blast_radius.h"

#include <algorithm>
#include <string_view>

#include "control/roster/overlay.h"

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

// What a server takes of a farm's new connections when all is well, and what that comes from.
struct Share {
  std::uint16_t weight = 0;
  std::string_view why;
};
Share share_of(const model::Server* server) {
  if (server == nullptr) return {0, "removed"};
  if (server->state != model::AdminState::enabled) return {0, roster::word(server->state)};
  if (server->role == model::ServerRole::standby) return {0, "standby"};
  if (server->role == model::ServerRole::last_resort) return {0, "last_resort"};
  return {server->weight, "weight"};
}

const model::Server* find(const model::Model& model, const roster::Overlay::Name& name) {
  for (const model::Farm& farm : model.farms) {
    if (farm.name != name.first) continue;
    for (const model::Server& server : farm.servers) {
      if (server.name == name.second) return &server;
    }
  }
  return nullptr;
}

struct Held {
  std::uint64_t living = 0, closing = 0;
};

// One worker may close what another opened.
Held held_by(const Region& region, ServerId server) {
  std::int64_t active = 0;
  std::int64_t closing = 0;
  for (std::size_t worker = 0; worker < region.workers(); ++worker) {
    const ServerCounters& counters = region.server_counters(worker)[server.index];
    if (counters.server_generation.load(std::memory_order_relaxed) != server.generation) continue;
    active += counters.active.load(std::memory_order_relaxed);
    closing += counters.closing.load(std::memory_order_relaxed);
  }
  active = std::max<std::int64_t>(active, 0);
  closing = std::clamp<std::int64_t>(closing, 0, active);
  return {static_cast<std::uint64_t>(active - closing), static_cast<std::uint64_t>(closing)};
}

}  // namespace

std::uint64_t connections_of(const Region& region, ServerId server) {
  const auto [living, closing] = held_by(region, server);
  return living + closing;
}

BlastRadius radius_of(const Region& region, const Snapshot& running, const Snapshot& planned) {
  BlastRadius radius;
  const auto before = scheduled(running);
  const auto after = scheduled(planned);
  for (std::uint16_t i = 0; i < kServersMax; ++i) {
    const ServerRow& row = running.servers[i];
    if (row.state == ServerState::unused) continue;
    const auto [connections, closing] = held_by(region, {i, row.generation});
    radius.closing += closing;
    const ServerRow& next = planned.servers[i];
    if (next.state == ServerState::unused || next.generation != row.generation) {
      radius.lost += connections;
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
  for (const model::Farm& farm : from.farms) {
    if (radius.farms.count(farm.name) == 0) continue;
    for (const model::Server& server : farm.servers) {
      const auto name = roster::name_after({farm.name, server.name}, from, to);
      const Share before = share_of(&server);
      const Share after = share_of(find(to, name));
      if (after.weight >= before.weight) continue;
      radius.losing_weight.push_back({name.first, name.second, std::string{after.why}, before.weight, after.weight});
    }
  }
}

}  // namespace fulcrum
