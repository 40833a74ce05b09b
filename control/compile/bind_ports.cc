#include "control/compile/bind_ports.h"

#include <utility>

namespace fulcrum {

void bind_ports(std::span<const PlannedService> services, std::vector<PlannedServer>& servers) {
  std::vector<std::uint32_t> newest;  // of each server's rows, by its place in the farm and its family
  std::vector<roster::BoundPorts> bound;
  for (std::size_t first = 0, end = 0; first < servers.size(); first = end) {
    const model::Farm& farm = *services[servers[first].service].farm;
    const auto is_of_farm = [&](std::size_t i) { return services[servers[i].service].farm == &farm; };
    while (end < servers.size() && is_of_farm(end)) ++end;
    if (farm.port_health == model::PortHealth::independent) continue;
    newest.assign(farm.servers.size() * 2, UINT32_MAX);
    bound.assign(newest.size(), {});
    const auto of_server = [&](std::size_t i) {
      return servers[i].server_index * 2 + (servers[i].address.is_v4() ? 1U : 0U);
    };
    for (std::size_t i = first; i < end; ++i) {
      std::uint32_t& before = newest[of_server(i)];
      if (before != UINT32_MAX) std::swap(servers[i].next_bound, servers[before].next_bound);
      before = static_cast<std::uint32_t>(i);
      bound[of_server(i)].add(servers[i].health, services[servers[i].service].port_index);
    }
    for (std::size_t i = first; i < end; ++i) servers[i].standing = bound[of_server(i)].standing(servers[i].health);
  }
}

roster::Standing standing_of(std::span<const CompiledServer> compiled, std::size_t place) {
  roster::BoundPorts bound;
  std::size_t at = place;
  do {
    bound.add(compiled[at].health, static_cast<std::uint16_t>(compiled[at].port));
    at = compiled[at].next_bound;
  } while (at != place);
  return bound.standing(compiled[place].health);
}

}  // namespace fulcrum
