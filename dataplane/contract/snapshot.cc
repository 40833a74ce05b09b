#include "dataplane/contract/snapshot.h"

#include <algorithm>

namespace fulcrum {

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
