#include "control/network/netlink_parse.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cstring>

namespace fulcrum::netlink {
namespace {

// Visits the attributes behind a header of type Header. A message that ends inside one is cut there.
template <class Header, class Visit>
void attributes(const nlmsghdr* message, Visit visit) {
  const auto* tail = static_cast<const char*>(mnl_nlmsg_get_payload_tail(message));
  for (const auto* at = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, sizeof(Header)));
       mnl_attr_ok(at, static_cast<int>(tail - reinterpret_cast<const char*>(at))); at = mnl_attr_next(at)) {
    visit(mnl_attr_get_type(at), at);
  }
}

template <class Header>
const Header* header_of(const nlmsghdr* message) {
  if (mnl_nlmsg_get_payload_len(message) < sizeof(Header)) return nullptr;
  return static_cast<const Header*>(mnl_nlmsg_get_payload(message));
}

std::optional<Address> address_in(const nlattr* attribute, int family) {
  const auto* bytes = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
  const std::size_t length = mnl_attr_get_payload_len(attribute);
  if (family == AF_INET6 && length == 16) return Address::v6(bytes);
  if (family != AF_INET || length != 4) return std::nullopt;
  std::uint32_t wire = 0;
  std::memcpy(&wire, bytes, sizeof wire);
  return Address::v4(Be32::from_wire(wire));
}

std::uint32_t number_in(const nlattr* attribute) {
  return mnl_attr_get_payload_len(attribute) == sizeof(std::uint32_t) ? mnl_attr_get_u32(attribute) : 0;
}

// Of several next hops the first stands for all: the snapshot has one per route.
void first_hop(const nlattr* attribute, int family, Route& route) {
  if (mnl_attr_get_payload_len(attribute) < sizeof(rtnexthop)) return;
  rtnexthop hop;
  std::memcpy(&hop, mnl_attr_get_payload(attribute), sizeof hop);
  route.index = hop.rtnh_ifindex;
  if (hop.rtnh_len < sizeof hop || hop.rtnh_len > mnl_attr_get_payload_len(attribute)) return;
  const char* at = static_cast<const char*>(mnl_attr_get_payload(attribute)) + sizeof hop;
  int left = hop.rtnh_len - static_cast<int>(sizeof hop);
  const auto* inner = reinterpret_cast<const nlattr*>(at);
  while (mnl_attr_ok(inner, left)) {
    if (mnl_attr_get_type(inner) == RTA_GATEWAY) route.via = address_in(inner, family);
    const auto* next = mnl_attr_next(inner);
    left -= static_cast<int>(reinterpret_cast<const char*>(next) - reinterpret_cast<const char*>(inner));
    inner = next;
  }
}

Address unspecified(int family) {
  constexpr std::array<std::uint8_t, 16> kZeros{};
  return family == AF_INET ? Address::v4(Be32{0}) : Address::v6(kZeros.data());
}

}  // namespace

std::optional<Link> parse_link(const nlmsghdr* message) {
  const auto* header = header_of<ifinfomsg>(message);
  if (header == nullptr) return std::nullopt;
  Link link{.index = header->ifi_index,
            .name = {},
            .up = (header->ifi_flags & IFF_UP) != 0,
            .carrier = false,
            .gone = message->nlmsg_type == RTM_DELLINK};
  attributes<ifinfomsg>(message, [&](std::uint16_t type, const nlattr* attribute) {
    if (type == IFLA_IFNAME && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0) {
      link.name = mnl_attr_get_str(attribute);
    }
    if (type == IFLA_CARRIER) link.carrier = mnl_attr_get_u8(attribute) != 0;
  });
  return link;
}

std::optional<LinkAddress> parse_address(const nlmsghdr* message) {
  const auto* header = header_of<ifaddrmsg>(message);
  if (header == nullptr) return std::nullopt;
  LinkAddress found{.index = static_cast<int>(header->ifa_index), .prefix = {}, .ours = false};
  std::optional<Address> address;
  attributes<ifaddrmsg>(message, [&](std::uint16_t type, const nlattr* attribute) {
    // IFA_ADDRESS is the peer's on a point-to-point link; IFA_LOCAL, where there is one, is ours.
    if (type == IFA_LOCAL || (type == IFA_ADDRESS && !address)) address = address_in(attribute, header->ifa_family);
    if (type == IFA_PROTO) found.ours = mnl_attr_get_u8(attribute) == kOurProtocol;
  });
  if (!address) return std::nullopt;
  found.prefix = {.address = *address, .length = header->ifa_prefixlen};
  return found;
}

std::optional<Route> parse_route(const nlmsghdr* message) {
  const auto* header = header_of<rtmsg>(message);
  if (header == nullptr || header->rtm_type != RTN_UNICAST || (header->rtm_flags & RTM_F_CLONED) != 0) {
    return std::nullopt;
  }
  if (header->rtm_family != AF_INET && header->rtm_family != AF_INET6) return std::nullopt;
  std::uint32_t table = header->rtm_table;
  Route route{.to = {.address = unspecified(header->rtm_family), .length = header->rtm_dst_len},
              .via = std::nullopt,
              .index = 0,
              .metric = 0,
              .protocol = header->rtm_protocol};
  attributes<rtmsg>(message, [&](std::uint16_t type, const nlattr* attribute) {
    switch (type) {
      case RTA_DST:
        route.to.address = address_in(attribute, header->rtm_family).value_or(route.to.address);
        break;
      case RTA_GATEWAY:
        route.via = address_in(attribute, header->rtm_family);
        break;
      case RTA_OIF:
        route.index = static_cast<int>(number_in(attribute));
        break;
      case RTA_PRIORITY:
        route.metric = number_in(attribute);
        break;
      case RTA_TABLE:
        table = number_in(attribute);
        break;
      case RTA_MULTIPATH:
        first_hop(attribute, header->rtm_family, route);
        break;
      default:
        break;
    }
  });
  if (table != RT_TABLE_MAIN || (header->rtm_flags & RTNH_F_DEAD) != 0 || route.index == 0) return std::nullopt;
  return route;
}

std::optional<Neighbour> parse_neighbour(const nlmsghdr* message) {
  const auto* header = header_of<ndmsg>(message);
  if (header == nullptr || (header->ndm_flags & NTF_PROXY) != 0) return std::nullopt;
  Neighbour found{.index = header->ndm_ifindex, .address = {}, .mac = {}};
  std::optional<Address> address;
  std::optional<Mac> mac;
  attributes<ndmsg>(message, [&](std::uint16_t type, const nlattr* attribute) {
    if (type == NDA_DST) address = address_in(attribute, header->ndm_family);
    if (type == NDA_LLADDR && mnl_attr_get_payload_len(attribute) == sizeof(Mac)) {
      std::memcpy(&mac.emplace(), mnl_attr_get_payload(attribute), sizeof(Mac));
    }
  });
  if (!address) return std::nullopt;
  found.address = *address;
  found.gone = message->nlmsg_type == RTM_DELNEIGH;
  found.failed = (header->ndm_state & NUD_FAILED) != 0;
  found.stale = (header->ndm_state & NUD_STALE) != 0;
  constexpr unsigned kUsable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
  if (!found.gone && (header->ndm_state & kUsable) != 0) found.mac = mac;
  return found;
}

}  // namespace fulcrum::netlink
