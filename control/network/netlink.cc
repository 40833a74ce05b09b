#include "control/network/netlink.h"

#include <fmt/format.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "control/network/netlink_parse.h"

namespace fulcrum::netlink {
namespace {

constexpr std::size_t kRequestRoom = 512;       // our requests are far smaller
constexpr std::size_t kReplyRoom = 64U << 10U;  // the kernel fills at most 32 KiB per message
constexpr int kMonitorBuffer = 4 << 20;
constexpr int kDumpTriesMax = 5;

struct alignas(NLMSG_ALIGNTO) Request {
  std::array<char, kRequestRoom> bytes{};
  nlmsghdr* begin(std::uint16_t type, std::uint16_t flags) {
    nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    return message;
  }
};

template <class Header>
Header& extra_header(nlmsghdr* message) {
  return *static_cast<Header*>(mnl_nlmsg_put_extra_header(message, sizeof(Header)));
}

std::uint8_t family_of(const Address& address) { return address.is_v4() ? AF_INET : AF_INET6; }

void put_address(nlmsghdr* message, std::uint16_t type, const Address& address) {
  if (address.is_v4()) {
    mnl_attr_put_u32(message, type, address.v4().wire());
  } else {
    const auto bytes = address.bytes();
    mnl_attr_put(message, type, bytes.size(), bytes.data());
  }
}

Result<Socket> open_socket(const TwinNamespace& where) {
  return where.inside([]() -> Result<Socket> {
    Socket socket{mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)};
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
      return fail(Error::Code::io, "netlink", errno_words(errno));
    }
    return socket;
  });
}

int visit_message(const nlmsghdr* message, void* visit) {
  (*static_cast<const std::function<void(const nlmsghdr*)>*>(visit))(message);
  return MNL_CB_OK;
}

Error to_error(std::string what, int reason) {
  auto code = Error::Code::io;
  if (reason == EEXIST) code = Error::Code::conflict;
  if (reason == ENOENT || reason == ESRCH || reason == EADDRNOTAVAIL) code = Error::Code::not_found;
  return {code, std::move(what), errno_words(reason)};
}

}  // namespace

Result<Requests> Requests::open(const TwinNamespace& where) {
  return open_socket(where).map([](Socket&& socket) {
    Requests requests;
    requests.socket_ = std::move(socket);
    return requests;
  });
}

Result<void> Requests::ask(nlmsghdr* message, const std::string& what) {
  message->nlmsg_flags |= NLM_F_ACK;
  if (const int reason = exchange(message, [](const nlmsghdr*) {}); reason != 0) {
    return tl::unexpected<Error>{to_error(what, reason)};
  }
  return {};
}

// Sends and reads until the kernel says that it is done (an acknowledgement, or the end of the dump). Returns 0 or the
// error's number.
int Requests::exchange(nlmsghdr* message, const Visit& visit) {
  message->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) return errno;
  alignas(NLMSG_ALIGNTO) std::array<char, kReplyRoom> reply;
  const unsigned port = mnl_socket_get_portid(socket_.get());
  for (;;) {
    const ssize_t length = mnl_socket_recvfrom(socket_.get(), reply.data(), reply.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return errno;
    Visit copy = visit;
    const int outcome =
        mnl_cb_run(reply.data(), static_cast<std::size_t>(length), message->nlmsg_seq, port, visit_message, &copy);
    if (outcome == MNL_CB_STOP) return 0;
    // EPROTO: the rest of an earlier dump that was given up.
    if (outcome < 0 && errno != EPROTO) return errno;
  }
}

Result<void> Requests::dump(std::uint16_t type, std::uint8_t family, const Visit& visit) {
  for (int attempt = 1;; ++attempt) {
    Request request;
    nlmsghdr* message = request.begin(type, NLM_F_DUMP);
    extra_header<rtgenmsg>(message).rtgen_family = family;
    const int reason = exchange(message, visit);
    if (reason == 0) return {};
    // EINTR: the table changed under the dump. What was seen twice does no harm; what was missed must be asked again.
    if (reason != EINTR || attempt == kDumpTriesMax) return tl::unexpected<Error>{to_error("netlink", reason)};
  }
}

Result<std::vector<Link>> Requests::links() {
  std::vector<Link> found;
  return dump(RTM_GETLINK, AF_UNSPEC,
              [&](const nlmsghdr* message) {
                if (auto link = parse_link(message)) found.push_back(std::move(*link));
              })
      .map([&] { return std::move(found); });
}

Result<std::vector<LinkAddress>> Requests::addresses() {
  std::vector<LinkAddress> found;
  return dump(RTM_GETADDR, AF_UNSPEC,
              [&](const nlmsghdr* message) {
                if (auto address = parse_address(message)) found.push_back(*address);
              })
      .map([&] { return std::move(found); });
}

Result<std::vector<Route>> Requests::routes() {
  std::vector<Route> found;
  const Visit visit = [&](const nlmsghdr* message) {
    if (auto route = parse_route(message)) found.push_back(*route);
  };
  return dump(RTM_GETROUTE, AF_INET, visit).and_then([&] { return dump(RTM_GETROUTE, AF_INET6, visit); }).map([&] {
    return std::move(found);
  });
}

Result<std::vector<Neighbour>> Requests::neighbours() {
  std::vector<Neighbour> found;
  const Visit visit = [&](const nlmsghdr* message) {
    if (auto neighbour = parse_neighbour(message)) found.push_back(*neighbour);
  };
  return dump(RTM_GETNEIGH, AF_INET, visit).and_then([&] { return dump(RTM_GETNEIGH, AF_INET6, visit); }).map([&] {
    return std::move(found);
  });
}

Result<void> Requests::set_up(int index) {
  Request request;
  nlmsghdr* message = request.begin(RTM_NEWLINK, 0);
  auto& link = extra_header<ifinfomsg>(message);
  link.ifi_index = index;
  link.ifi_flags = IFF_UP;
  link.ifi_change = IFF_UP;
  return ask(message, "link up");
}

Result<void> Requests::change_address(std::uint16_t type, std::uint16_t flags, int index, const Prefix& prefix,
                                      bool deprecated) {
  Request request;
  nlmsghdr* message = request.begin(type, flags);
  auto& header = extra_header<ifaddrmsg>(message);
  header.ifa_family = family_of(prefix.address);
  header.ifa_prefixlen = prefix.length;
  header.ifa_flags = prefix.address.is_v4() ? 0 : IFA_F_NODAD;
  header.ifa_index = static_cast<unsigned>(index);
  put_address(message, IFA_LOCAL, prefix.address);
  put_address(message, IFA_ADDRESS, prefix.address);
  mnl_attr_put_u8(message, IFA_PROTO, kOurProtocol);
  if (deprecated && !prefix.address.is_v4()) {
    const ifa_cacheinfo lifetimes{.ifa_prefered = 0, .ifa_valid = UINT32_MAX, .cstamp = 0, .tstamp = 0};
    mnl_attr_put(message, IFA_CACHEINFO, sizeof lifetimes, &lifetimes);
  }
  return ask(message, "address " + prefix.text());
}

Result<void> Requests::add_address(int index, const Prefix& prefix, bool deprecated) {
  return change_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, prefix, deprecated);
}

Result<void> Requests::remove_address(int index, const Prefix& prefix) {
  return change_address(RTM_DELADDR, 0, index, prefix, false);
}

Result<void> Requests::change_route(std::uint16_t type, std::uint16_t flags, const Route& route) {
  Request request;
  nlmsghdr* message = request.begin(type, flags);
  auto& header = extra_header<rtmsg>(message);
  header.rtm_family = family_of(route.to.address);
  header.rtm_dst_len = route.to.length;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = kOurProtocol;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  if (route.to.length != 0) put_address(message, RTA_DST, route.to.first());
  if (route.via) put_address(message, RTA_GATEWAY, *route.via);
  if (route.index != 0) mnl_attr_put_u32(message, RTA_OIF, static_cast<std::uint32_t>(route.index));
  if (route.metric != 0) mnl_attr_put_u32(message, RTA_PRIORITY, route.metric);
  return ask(message, fmt::format("route {}", route.to.text()));
}

Result<void> Requests::add_route(const Prefix& to, const Address& via) {
  // EXCL: IPv6 would otherwise add a second next hop to somebody else's route.
  return change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
                      {.to = to, .via = via, .index = 0, .metric = 0, .protocol = kOurProtocol});
}

Result<void> Requests::remove_route(const Route& route) { return change_route(RTM_DELROUTE, 0, route); }

Result<void> Requests::solicit(int index, const Address& address) {
  Request request;
  nlmsghdr* message = request.begin(RTM_NEWNEIGH, NLM_F_CREATE);
  auto& header = extra_header<ndmsg>(message);
  header.ndm_family = family_of(address);
  header.ndm_ifindex = index;
  header.ndm_flags = NTF_USE;
  put_address(message, NDA_DST, address);
  return ask(message, "neighbour " + address.text());
}

Result<Monitor> Monitor::open(const TwinNamespace& where) {
  auto socket = open_socket(where);
  if (!socket) return tl::unexpected<Error>{socket.error()};
  Monitor monitor;
  monitor.socket_ = std::move(*socket);
  const int fd = monitor.descriptor();
  // Best effort: without it we resynchronise more often.
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kMonitorBuffer, sizeof kMonitorBuffer);
  for (int group : {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE}) {
    if (mnl_socket_setsockopt(monitor.socket_.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
      return fail(Error::Code::io, "netlink", errno_words(errno));
    }
  }
  return monitor;
}

bool Monitor::read(const std::function<void(const Change&)>& visit, int messages_max) {
  alignas(NLMSG_ALIGNTO) std::array<char, kReplyRoom> bytes;
  for (int i = 0; i < messages_max; ++i) {
    const ssize_t received = recv(descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return errno == EAGAIN || errno == EWOULDBLOCK;  // ENOBUFS: the kernel had to drop
    int left = static_cast<int>(received);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(bytes.data()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      switch (message->nlmsg_type) {
        case RTM_NEWLINK:
        case RTM_DELLINK:
          if (auto link = parse_link(message)) visit(*link);
          break;
        case RTM_NEWNEIGH:
        case RTM_DELNEIGH:
          if (auto neighbour = parse_neighbour(message)) visit(*neighbour);
          break;
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
          visit(RouteChange{});
          break;
        default:
          break;
      }
    }
  }
  return true;
}

}  // namespace fulcrum::netlink
