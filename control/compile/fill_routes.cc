#include "control/compile/fill_routes.h"

#include <fmt/format.h>

#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "control/compile/flatten.h"

namespace fulcrum {
namespace {

// Among equal prefixes; to the last one the metric is added.
constexpr std::uint64_t kServiceRank = 0;
constexpr std::uint64_t kLocalRank = 1;
constexpr std::uint64_t kOtherRank = 2;

Prefix host_prefix(const Address& address) { return {address, address.is_v4() ? std::uint8_t{32} : std::uint8_t{128}}; }

class Routes {
 public:
  explicit Routes(RouteTable& table) : table_{table} {
    table_.hop_count = table_.v4_count = table_.v6_count = table_.unused = 0;
    hop_index(NextHop{});
  }

  void add(const Prefix& to, const NextHop& hop, std::uint64_t rank) { routes_.push_back({to, hop_index(hop), rank}); }

  Result<void> flattened() {
    if (hops_.size() > kNextHopsMax) {
      return fail(Error::Code::limit, "routes",
                  fmt::format("{} next hops, the box has room for {}", hops_.size(), kNextHopsMax));
    }
    return flatten(std::move(routes_), table_);
  }

 private:
  // Beyond kNextHopsMax the hops are only counted.
  std::uint16_t hop_index(const NextHop& hop) {
    const auto key = std::tuple{hop.kind, hop.port.value, hop.neighbour};
    const auto [found, is_new] = hops_.try_emplace(key, static_cast<std::uint16_t>(hops_.size() % kNextHopsMax));
    if (is_new && hops_.size() <= kNextHopsMax) table_.hops[table_.hop_count++] = hop;
    return found->second;
  }

  RouteTable& table_;
  std::vector<FlatRoute> routes_;
  std::map<std::tuple<RouteKind, std::uint8_t, std::uint32_t>, std::uint16_t> hops_;
};

}  // namespace

Result<void> fill_routes(const CompileInput& input, std::span<const PlannedService> services,
                         std::span<const std::uint16_t> leaving, RouteTable& table) {
  Routes routes{table};
  for (const PlannedService& service : services) {
    routes.add(host_prefix(service.key.address), {.kind = RouteKind::service}, kServiceRank);
  }
  for (const std::uint16_t service : leaving) {
    routes.add(host_prefix(input.previous->services[service].address), {.kind = RouteKind::service}, kServiceRank);
  }
  for (const model::Port& port : input.model.ports) {
    for (const Prefix& address : port.addresses)
      routes.add(host_prefix(address.address), {.kind = RouteKind::local}, kLocalRank);
  }
  for (const RouteInput& route : input.routes) {
    if (route.kind == RouteKind::local) {
      routes.add(route.to, {.kind = RouteKind::local}, kLocalRank);
    } else if (route.kind == RouteKind::gateway) {
      routes.add(route.to,
                 {.kind = route.kind, .port = route.port, .neighbour = neighbour_of(input, route.port, route.gateway)},
                 kOtherRank + route.metric);
    } else {
      routes.add(route.to, {.kind = RouteKind::on_link, .port = route.port}, kOtherRank + route.metric);
    }
  }
  return routes.flattened();
}

std::uint32_t neighbour_of(const CompileInput& input, PortId port, const Address& address) {
  const auto id = input.neighbour ? input.neighbour(port, address) : std::nullopt;
  return id ? id->value : kNoNeighbour;
}

}  // namespace fulcrum
