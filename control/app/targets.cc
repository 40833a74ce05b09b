#include "control/app/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace fulcrum {
namespace {

// What workers go by: the row as compiled, unless an urgent message came after it. Any worker's word will do: they all
// got the same one.
ServerState state_in_force(const Region& region, const Snapshot& snapshot, std::uint16_t index) {
  const ServerRow& row = snapshot.servers[index];
  for (std::size_t worker = 0; worker < region.workers(); ++worker) {
    const ServerCounters& counters = region.server_counters(worker)[index];
    if (counters.urgent_since.load(std::memory_order_relaxed) == snapshot.generation &&
        counters.server_generation.load(std::memory_order_relaxed) == row.generation) {
      return counters.urgent_state.load(std::memory_order_relaxed);
    }
  }
  return row.state;
}

// A state that says nothing of the server's health stands beside what was known of that when it was compiled, and so
// does one that speaks of another port (roster/bound_ports.h).
Health health_in_force(const Region& region, const Snapshot& snapshot, std::uint16_t index) {
  const ServerRow& row = snapshot.servers[index];
  const ServerState state = state_in_force(region, snapshot, index);
  const bool is_compiled = state == row.state;
  switch (state) {
    case ServerState::up:
      return Health::up;
    case ServerState::down:
      return is_compiled && row.is_healthy != 0 ? Health::up : Health::down;
    case ServerState::untested:
      return is_compiled && row.is_healthy != 0 ? Health::up : Health::unknown;
    default:
      return row.is_healthy != 0 ? Health::up : Health::unknown;
  }
}

// A server's endpoint behind an address and port of a farm, because the port that is checked does not stand in the
// snapshot. Another farm may check the same endpoint otherwise. Without the farm's side (`anywhere`): whoever it
// serves.
struct Endpoint {
  Protocol protocol{};
  Address server;
  std::uint16_t server_port = 0;
  Address vip;
  std::uint16_t port = 0;
  [[nodiscard]] Endpoint anywhere() const { return {protocol, server, server_port, {}, 0}; }
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
struct EndpointHash {
  std::size_t operator()(const Endpoint& endpoint) const {
    std::uint64_t hash = static_cast<std::uint64_t>(endpoint.protocol) << 32U | std::uint32_t{endpoint.port} << 16U |
                         endpoint.server_port;
    for (const Address& address : {endpoint.server, endpoint.vip}) {
      for (const std::uint64_t word : address.words()) hash = (hash ^ word ^ hash >> 29U) * 0xBF58476D1CE4E5B9U;
    }
    return static_cast<std::size_t>(hash ^ hash >> 32U);
  }
};
using KnownHealth = std::unordered_map<Endpoint, Health, EndpointHash>;

KnownHealth known_health(const Region* region, const Snapshot* running) {
  KnownHealth known;
  if (region == nullptr || running == nullptr) return known;
  for (std::uint16_t i = 0; i < kServersMax; ++i) {
    const ServerRow& row = running->servers[i];
    if (row.state == ServerState::unused || row.service.value >= kServicesMax) continue;
    const ServiceRow& service = running->services[row.service.value];
    const Endpoint endpoint{service.protocol, row.address, row.port.host(), service.address, service.port.host()};
    const Health health = health_in_force(*region, *running, i);
    known.insert_or_assign(endpoint, health);
    known.insert_or_assign(endpoint.anywhere(), health);
  }
  return known;
}

// What the farm's own row says; of an address or port that the farm has only now, what any farm's does.
Health known_of(const KnownHealth& known, const Endpoint& endpoint) {
  auto before = known.find(endpoint);
  if (before == known.end()) before = known.find(endpoint.anywhere());
  return before == known.end() ? Health::unknown : before->second;
}

// Visits every check of the model; those that several services share, several times.
template <class Visit>
void for_each_check(const model::Model& model, Visit visit) {
  for (const model::Farm& farm : model.farms) {
    for (const model::Server& server : farm.servers) {
      for (const Address& vip : farm.addresses) {
        const Address* address = server.address_of(vip.family());
        if (address == nullptr) continue;
        for (const model::ServicePort& port : farm.ports) {
          const Endpoint endpoint{port.protocol, *address, farm.server_port_of(port), vip, port.port};
          if (const auto target = target_of(farm, *address, port)) visit(endpoint, *target);
        }
      }
    }
  }
}

}  // namespace

std::optional<CheckTarget> target_of(const model::Farm& farm, const Address& address, const model::ServicePort& port) {
  const model::Check check = farm.check_of(port);
  if (check.type == model::CheckType::none) return std::nullopt;
  return CheckTarget{.address = address,
                     .port = farm.probed_port(port),
                     .interval = check.interval,
                     .timeout = check.timeout,
                     .rise = check.rise,
                     .fall = check.fall};
}

std::map<CheckTarget, Health> targets_of(const model::Model& model, const Region* region, const Snapshot* running) {
  const bool checks = std::any_of(model.farms.begin(), model.farms.end(), [](const model::Farm& farm) {
    return std::any_of(farm.ports.begin(), farm.ports.end(), [&](const model::ServicePort& port) {
      return farm.check_of(port).type != model::CheckType::none;
    });
  });
  if (!checks) return {};
  const auto known = known_health(region, running);
  std::map<CheckTarget, Health> targets;
  for_each_check(model, [&](const Endpoint& endpoint, const CheckTarget& target) {
    Health& health = targets.try_emplace(target, Health::unknown).first->second;
    if (health == Health::unknown) health = known_of(known, endpoint);
  });
  return targets;
}

RowsByTarget rows_by_target(const model::Model& model, const std::vector<CompiledServer>& compiled,
                            const Snapshot& snapshot) {
  RowsByTarget rows;
  for (const CompiledServer& server : compiled) {
    const ServerRow& row = snapshot.servers[server.id.index];
    const model::Farm& farm = model.farms[server.farm];
    const auto target = target_of(farm, row.address, farm.ports[server.port]);
    if (target) rows[*target].push_back(server.id);
  }
  return rows;
}

Crews crews_of(const model::Model& model, const std::vector<CompiledServer>& compiled) {
  Crews crews;
  for (std::size_t i = 0; i < compiled.size(); ++i) {
    Crew& crew = crews.try_emplace(compiled[i].service.value, Crew{.first = i}).first->second;
    ++crew.count;
    const model::ServerRole role = model.farms[compiled[i].farm].servers[compiled[i].server].role;
    crew.has_reserve |= role == model::ServerRole::standby || role == model::ServerRole::last_resort;
  }
  return crews;
}

std::optional<std::size_t> place_of(ServerId row, const std::vector<CompiledServer>& compiled, const Crew& crew) {
  for (std::size_t place = crew.first; place < crew.first + crew.count; ++place) {
    if (compiled[place].id == row) return place;
  }
  return std::nullopt;
}

std::vector<std::string> names_of(const std::vector<ServerId>& rows, const Snapshot& snapshot) {
  std::vector<std::string> names;
  for (const ServerId id : rows) {
    const ServiceRow& service = snapshot.services[snapshot.servers[id.index].service.value];
    std::string name = fmt::format("{} of farm {}", snapshot.server_names[id.index].view(),
                                   snapshot.farms[service.farm.value].name.view());
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace fulcrum
