#include <algorithm>

#include "control/compile/compile.h"

namespace fulcrum {

std::vector<RouteInput> routes_of(const model::Model& model, std::span<const std::optional<PortId>> ports) {
  std::vector<RouteInput> routes;
  for (std::size_t p = 0; p < model.ports.size() && p < ports.size(); ++p) {
    if (!ports[p]) continue;
    for (const Prefix& network : model.ports[p].addresses) {
      routes.push_back({.to = network, .kind = RouteKind::on_link, .port = *ports[p], .gateway = {}, .metric = 0});
    }
  }
  const std::size_t connected = routes.size();
  for (const model::Route& route : model.routes) {
    const auto network = std::find_if(routes.begin(), routes.begin() + static_cast<std::ptrdiff_t>(connected),
                                      [&](const RouteInput& one) { return one.to.contains(route.via); });
    if (network == routes.begin() + static_cast<std::ptrdiff_t>(connected)) continue;
    const PortId port = network->port;
    routes.push_back({.to = route.to, .kind = RouteKind::gateway, .port = port, .gateway = route.via, .metric = 0});
  }
  return routes;
}

}  // namespace fulcrum
