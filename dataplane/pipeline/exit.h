// Where a packet leaves, to whom, and as what.
#pragma once

#include <cstdint>

#include "dataplane/base/checksum.h"
#include "dataplane/contract/neighbours.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/packet/rewrite.h"

namespace fulcrum {

struct Exit {
  PortId port;
  std::uint32_t neighbour = kNoNeighbour;  // kNoNeighbour: the destination itself, on a connected network
  const Address& next_hop;                 // only when `neighbour` is kNoNeighbour
};

inline Exit exit_to(const ServerRow& server) noexcept {
  return {.port = server.egress, .neighbour = server.neighbour, .next_hop = server.address};
}
// `route` is on_link or gateway.
inline Exit exit_to(const NextHop& route, const Address& destination) noexcept {
  return {.port = route.port,
          .neighbour = route.kind == RouteKind::gateway ? route.neighbour : kNoNeighbour,
          .next_hop = destination};
}

// Mac::word() of the next hop, or NeighbourTable::kNoMac.
inline std::uint64_t mac_of(const NeighbourTable& neighbours, const Exit& exit) noexcept {
  if (exit.neighbour != kNoNeighbour) return neighbours.mac_word(NeighbourId{exit.neighbour});
  const auto found = neighbours.find(exit.port, exit.next_hop);
  return found ? found->word() : NeighbourTable::kNoMac;
}

// Of a packet to a service that is no range, and of an answer to one.
inline Readdress on_to(const ServerRow& server) noexcept {
  return {.address = server.address,
          .port = server.port,
          .address_delta = server.address_delta,
          .address_port_delta = server.address_port_delta};
}
inline Readdress back_to(const ServiceRow& service, const ServerRow& server) noexcept {
  return {.address = service.address,
          .port = service.port,
          .address_delta = inverse_delta(server.address_delta),
          .address_port_delta = inverse_delta(server.address_port_delta)};
}

}  // namespace fulcrum
