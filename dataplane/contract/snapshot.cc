#include "dataplane/contract/snapshot.h"

#include <algorithm>

namespace fulcrum {

std::uint16_t find_member(const Snapshot& snapshot, ServiceId service, MemberId member) noexcept {
  const auto& index = snapshot.member_index;
  return probe(index, member_home(service, member, index.kSlots), [&](std::uint16_t row) {
    return snapshot.servers[row].service == service && snapshot.servers[row].member == member;
  });
}

std::uint16_t find_range(const Snapshot& snapshot, const Address& address, Be16 port, Protocol protocol) noexcept {
  if (snapshot.range_count == 0) return kNoIndex;
  const auto& index = snapshot.range_index;
  const std::uint16_t group = probe(index, endpoint_home(address, Be16{0}, protocol, index.kSlots), [&](auto range) {
    const ServiceRow& service = snapshot.services[snapshot.ranges[range].service];
    return service.address == address && service.protocol == protocol;
  });
  if (group == kNoIndex) return kNoIndex;
  const auto* begin = snapshot.ranges.data() + group;
  const auto begins_behind = [](std::uint16_t number, const PortRange& range) { return number < range.first; };
  const auto* after = std::upper_bound(begin, begin + begin->more + 1, port.host(), begins_behind);
  return after == begin || port.host() > (after - 1)->last ? kNoIndex : (after - 1)->service;
}

std::uint16_t first_serving(const Snapshot& snapshot, std::uint16_t row, Be16 port) noexcept {
  for (; row != kNoIndex; row = snapshot.servers[row].next_same_endpoint) {
    const ServerRow& server = snapshot.servers[row];
    const ServiceRow& service = snapshot.services[server.service.value];
    // A port below the first wraps around to an offset beyond every range: ranges of servers end at 65535 too.
    const int length = is_range(service) ? service.last_port.host() - service.port.host() : 0;
    if (port_offset(server, port) <= length) break;
  }
  return row;
}

std::uint16_t find_wide(const Snapshot& snapshot, const Address& address, Be16 port, Protocol protocol) noexcept {
  if (snapshot.has_wide == 0) return kNoIndex;
  const auto& index = snapshot.wide_index;
  const std::uint16_t row = probe(index, endpoint_home(address, Be16{0}, protocol, index.kSlots), [&](auto first) {
    const ServerRow& server = snapshot.servers[first];
    return server.address == address && snapshot.services[server.service.value].protocol == protocol;
  });
  return first_serving(snapshot, row, port);
}

RouteSpan find_route_span(const Snapshot& snapshot, std::uint32_t address) noexcept {
  const RouteTable& routes = snapshot.routes;
  const auto* begin = routes.v4_first.data();
  const auto* end = begin + routes.v4_count;
  const auto* after = std::upper_bound(begin, end, address);
  if (after == begin) return {.first = address, .last = address, .hop = {}};
  return {.first = after[-1],
          .last = after == end ? UINT32_MAX : *after - 1,
          .hop = routes.hops[routes.v4_hop[static_cast<std::size_t>(after - begin - 1)]]};
}

NextHop find_route(const Snapshot& snapshot, const Address& destination) noexcept {
  const RouteTable& routes = snapshot.routes;
  if (destination.is_v4()) return find_route_span(snapshot, destination.v4().host()).hop;
  const auto* begin = routes.v6_first.data();
  const auto* after = std::upper_bound(begin, begin + routes.v6_count, destination);
  return after == begin ? NextHop{} : routes.hops[routes.v6_hop[static_cast<std::size_t>(after - begin - 1)]];
}

}  // namespace fulcrum
