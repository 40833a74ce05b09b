#include "control/compile/leaving.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "control/compile/keys.h"

namespace fulcrum {
namespace {

std::set<Address> other_addresses(const model::Model& model) {
  std::set<Address> all;
  for (const model::Port& port : model.ports) {
    for (const Prefix& own : port.addresses) all.insert(own.address);
  }
  for (const model::Farm& farm : model.farms) {
    for (const model::Server& server : farm.servers) all.insert(server.addresses.begin(), server.addresses.end());
  }
  return all;
}

// Whether a port of the row is one of a service to be. A single port may lie in a range to be: it is found first, and
// what is no connection of it is the range's.
class Ports {
 public:
  explicit Ports(std::span<const PlannedService> services) {
    for (const PlannedService& service : services)
      taken_[any_port(service.key.address, service.key.protocol)].push_back(service.port);
  }
  [[nodiscard]] bool has_some_of(const ServiceRow& row) const {
    const auto taken = taken_.find(any_port(row.address, row.protocol));
    if (taken == taken_.end()) return false;
    const std::uint16_t last = (is_range(row) ? row.last_port : row.port).host();
    return std::any_of(taken->second.begin(), taken->second.end(), [&](const model::ServicePort* port) {
      if (!is_range(row) && port->is_range()) return false;
      return port->port <= last && row.port.host() <= port->last();
    });
  }

 private:
  static ServiceKey any_port(const Address& address, Protocol protocol) { return {address, Be16{0}, protocol}; }
  std::unordered_map<ServiceKey, std::vector<const model::ServicePort*>, KeyHash> taken_;
};

}  // namespace

std::vector<std::uint16_t> leaving_services(const CompileInput& input, std::span<const PlannedService> planned,
                                            std::vector<bool>& kept) {
  std::vector<std::uint16_t> leaving;
  if (input.previous == nullptr || !input.has_connections) return leaving;
  const Snapshot& previous = *input.previous;
  std::vector<bool> has_some(kServicesMax);
  for (std::uint16_t i = 0; i < kServersMax; ++i) {
    const ServerRow& row = previous.servers[i];
    const std::uint16_t service = row.service.value;
    if (!is_row_of_server(row) || service >= kServicesMax || kept[service] || has_some[service]) continue;
    // A worker may be opening a connection with one that has only just left.
    has_some[service] = previous.services[service].in_use == kServes || input.has_connections({i, row.generation});
  }
  const std::set<Address> taken = other_addresses(input.model);
  const Ports ports{planned};
  for (std::uint16_t i = 0; i < kServicesMax && planned.size() + leaving.size() < kServicesMax; ++i) {
    const ServiceRow& row = previous.services[i];
    const bool has_farm = row.farm.value < kFarmsMax && !previous.farms[row.farm.value].name.view().empty();
    if (!has_some[i] || row.in_use == 0 || row.one_packet != 0 || !has_farm) continue;
    if (taken.count(row.address) != 0 || ports.has_some_of(row)) continue;
    kept[i] = true;
    leaving.push_back(i);
  }
  return leaving;
}

std::vector<LeavingServer> leaving_servers(const CompileInput& input, const std::vector<bool>& has_service,
                                           std::size_t planned, std::vector<bool>& kept) {
  std::vector<LeavingServer> leaving;
  if (input.previous == nullptr || !input.has_connections) return leaving;
  const std::size_t count = std::min<std::size_t>(input.previous->server_count, kServersMax);
  for (std::uint16_t i = 0; i < count && planned + leaving.size() < kServersMax; ++i) {
    const ServerRow& row = input.previous->servers[i];
    if (kept[i] || !is_row_of_server(row)) continue;
    if (row.service.value >= kServicesMax || !has_service[row.service.value]) continue;
    // As above.
    const bool has_just_left = row.state != ServerState::leaving;
    if (!has_just_left && !input.has_connections({i, row.generation})) continue;
    kept[i] = true;
    leaving.push_back({i, has_just_left ? input.now_s : row.left_at});
  }
  return leaving;
}

}  // namespace fulcrum
