#include "dataplane/contract/snapshot.h"

#include <algorithm>

namespace fulcrum {
namespace {

// The first row from the key's home slot on that `matches`; an empty slot ends the search.
template <std::size_t kRows, class Matches>
std::uint16_t probe(const RowIndex<kRows>& index, std::size_t home, Matches matches) noexcept {
  for (std::size_t step = 0; step < RowIndex<kRows>::kSlots; ++step) {
    const std::uint16_t row = index.rows[(home + step) % RowIndex<kRows>::kSlots];
    if (row == kNoIndex || matches(row)) return row;
  }
  return kNoIndex;
}

}  // namespace

std::uint16_t find_service(const Snapshot& snapshot, const Address& address, Be16 port, Protocol protocol) noexcept {
  const auto& index = snapshot.service_index;
  return probe(index, endpoint_home(address, port, protocol, index.kSlots), [&](std::uint16_t row) {
    const ServiceRow& service = snapshot.services[row];
    return service.address == address && service.port == port && service.protocol == protocol;
  });
}

std::uint16_t find_endpoint(const Snapshot& snapshot, const Address& address, Be16 port, Protocol protocol) noexcept {
  const auto& index = snapshot.endpoint_index;
  return probe(index, endpoint_home(address, port, protocol, index.kSlots), [&](std::uint16_t row) {
    const ServerRow& server = snapshot.servers[row];
    return server.address == address && server.port == port &&
           snapshot.services[server.service.value].protocol == protocol;
  });
}

std::uint16_t find_member(const Snapshot& snapshot, ServiceId service, MemberId member) noexcept {
  const auto& index = snapshot.member_index;
  return probe(index, member_home(service, member, index.kSlots), [&](std::uint16_t row) {
    return snapshot.servers[row].service == service && snapshot.servers[row].member == member;
  });
}

NextHop find_route(const Snapshot& snapshot, const Address& destination) noexcept {
  const RouteTable& routes = snapshot.routes;
  if (destination.is_v4()) {
    const auto* begin = routes.v4_first.data();
    const auto* after = std::upper_bound(begin, begin + routes.v4_count, destination.v4().host());
    return after == begin ? NextHop{} : routes.hops[routes.v4_hop[static_cast<std::size_t>(after - begin - 1)]];
  }
  const auto* begin = routes.v6_first.data();
  const auto* after = std::upper_bound(begin, begin + routes.v6_count, destination);
  return after == begin ? NextHop{} : routes.hops[routes.v6_hop[static_cast<std::size_t>(after - begin - 1)]];
}

}  // namespace fulcrum
