// Netlink messages to structs. Private to control/network.
#pragma once

#include <libmnl/libmnl.h>

#include <optional>

#include "control/network/netlink.h"

namespace fulcrum::netlink {

std::optional<Link> parse_link(const nlmsghdr* message);
std::optional<LinkAddress> parse_address(const nlmsghdr* message);
// Nothing unless it is a unicast route of the main table that a packet could take.
std::optional<Route> parse_route(const nlmsghdr* message);
std::optional<Neighbour> parse_neighbour(const nlmsghdr* message);

}  // namespace fulcrum::netlink
