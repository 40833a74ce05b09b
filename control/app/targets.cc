#include "control/app/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>
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

// A state that says nothing of the server's health stands beside what was known of that when it was compiled.
Health health_in_force(const Region& region, const Snapshot& snapshot, std::uint16_t index) {
  switch (state_in_force(region, snapshot, index)) {
    case ServerState::up:
      return Health::up;
    case ServerState::down:
      return Health::down;
    case ServerState::untested:
      return Health::unknown;
    default:
      return snapshot.servers[index].is_healthy != 0 ? Health::up : Health::unknown;
  }
}

// By address and TCP port: what is probed is TCP, and a UDP row of the same number may go by another port's check.
using Probed = std::pair<std::array<std::uint8_t, 16>, std::uint16_t>;
struct ProbedHash {
  std::size_t operator()(const Probed& probed) const {
    const std::string_view bytes{reinterpret_cast<const char*>(probed.first.data()), probed.first.size()};
    return std::hash<std::string_view>{}(bytes) ^ probed.second;
  }
};
std::unordered_map<Probed, Health, ProbedHash> known_health(const Region* region, const Snapshot* running) {
  std::unordered_map<Probed, Health, ProbedHash> known;
  if (region == nullptr || running == nullptr) return known;
  for (std::uint16_t i = 0; i < kServersMax; ++i) {
    const ServerRow& row = running->servers[i];
    if (row.state == ServerState::unused || row.service.value >= kServicesMax) continue;
    if (running->services[row.service.value].protocol != Protocol::tcp) continue;
    known.insert_or_assign({row.address.bytes(), row.port.host()}, health_in_force(*region, *running, i));
  }
  return known;
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
          const std::uint16_t number = farm.mode == Mode::dsr ? port.port : port.port_at_server();
          if (const auto target = target_of(farm, *address, port.protocol, number)) visit(farm, server, *target);
        }
      }
    }
  }
}

}  // namespace

std::optional<CheckTarget> target_of(const model::Farm& farm, const Address& address, Protocol protocol,
                                     std::uint16_t port) {
  if (farm.check.type == model::CheckType::none) return std::nullopt;
  return CheckTarget{.address = address,
                     .port = farm.probed_port(protocol, port),
                     .interval = farm.check.interval,
                     .timeout = farm.check.timeout,
                     .rise = farm.check.rise,
                     .fall = farm.check.fall};
}

std::map<CheckTarget, Health> targets_of(const model::Model& model, const Region* region, const Snapshot* running) {
  const bool checks = std::any_of(model.farms.begin(), model.farms.end(),
                                  [](const model::Farm& farm) { return farm.check.type != model::CheckType::none; });
  if (!checks) return {};
  const auto known = known_health(region, running);
  std::map<CheckTarget, Health> targets;
  for_each_check(model, [&](const model::Farm&, const model::Server&, const CheckTarget& target) {
    const auto before = known.find({target.address.bytes(), target.port});
    targets.emplace(target, before == known.end() ? Health::unknown : before->second);
  });
  return targets;
}

RowsByTarget rows_by_target(const model::Model& model, const std::vector<CompiledServer>& compiled,
                            const Snapshot& snapshot) {
  RowsByTarget rows;
  for (const CompiledServer& server : compiled) {
    const ServerRow& row = snapshot.servers[server.id.index];
    const auto target = target_of(model.farms[server.farm], row.address, snapshot.services[row.service.value].protocol,
                                  row.port.host());
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
