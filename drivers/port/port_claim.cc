#include "drivers/port/port_claim.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include "dataplane/base/patience.h"
#include "drivers/port/interface_request.h"

namespace fulcrum {
namespace {

using InterfaceIndices = std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)>;
using InterfaceAddresses = std::unique_ptr<ifaddrs, decltype(&freeifaddrs)>;

std::string interfaces_here() {
  const InterfaceIndices all{::if_nameindex(), &if_freenameindex};
  std::string names;
  for (const auto* one = all.get(); one != nullptr && one->if_index != 0; ++one) {
    if (std::strcmp(one->if_name, "lo") == 0) continue;
    names += names.empty() ? "" : ", ";
    names += one->if_name;
  }
  return names.empty() ? "none but lo" : names;
}

Result<void> refuse_addresses(const std::string& interface) {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return fail(Error::Code::io, interface, errno_words(errno));
  const InterfaceAddresses all{first, &freeifaddrs};
  for (const auto* one = all.get(); one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET || interface != one->ifa_name) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    sockaddr_in address{};
    std::memcpy(&address, one->ifa_addr, sizeof address);
    inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    return fail(Error::Code::conflict, interface,
                fmt::format("carries the IPv4 address {0}, so Linux would answer beside the box: remove it with "
                            "`ip address flush dev {1}` and give it to the port in fulcrum.cfg",
                            text.data(), interface));
  }
  return {};
}

// Removes the link-local address too. Where the kernel has no IPv6 the file is missing and there is nothing to do.
Result<void> disable_ipv6(const std::string& interface) {
  const std::string path = "/proc/sys/net/ipv6/conf/" + interface + "/disable_ipv6";
  const OwnedFd file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!file.valid() && errno == ENOENT) return {};
  if (!file.valid() || write(file.get(), "1", 1) != 1) {
    return fail(Error::Code::io, path, fmt::format("cannot turn IPv6 off: {}", errno_words(errno)));
  }
  return {};
}

Result<void> bring_up(int socket, const std::string& interface, std::uint16_t mtu) {
  ifreq request = request_for(interface);
  request.ifr_mtu = mtu;
  if (ioctl(socket, SIOCSIFMTU, &request) != 0) {
    return fail(Error::Code::io, interface, fmt::format("does not take an MTU of {}: {}", mtu, errno_words(errno)));
  }
  request = request_for(interface);
  if (ioctl(socket, SIOCGIFFLAGS, &request) != 0) return fail(Error::Code::io, interface, errno_words(errno));
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (ioctl(socket, SIOCSIFFLAGS, &request) != 0) {
    return fail(Error::Code::io, interface, fmt::format("cannot be put up: {}", errno_words(errno)));
  }
  return {};
}

Result<OwnedFd> hold_promiscuous(const std::string& interface) {
  OwnedFd holder{socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};  // protocol 0: it receives nothing
  packet_mreq membership{};
  membership.mr_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  membership.mr_type = PACKET_MR_PROMISC;
  if (!holder.valid() ||
      setsockopt(holder.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership) != 0) {
    return fail(Error::Code::io, interface, fmt::format("cannot be made promiscuous: {}", errno_words(errno)));
  }
  return holder;
}

}  // namespace

Result<PortClaim> PortClaim::of_device(const std::string& device) {
  PortClaim claim;
  claim.mark_ = OwnedFd{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!claim.mark_.valid()) return fail(Error::Code::io, device, errno_words(errno));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "fulcrum/port/" + device;
  if (name.size() > sizeof address.sun_path - 1)
    return fail(Error::Code::invalid, device, "name too long for a device");
  std::copy(name.begin(), name.end(), &address.sun_path[1]);  // the leading zero makes it abstract
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  int reason = 0;
  const bool settled = try_for_a_moment([&] {
    reason = bind(claim.mark_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0 ? 0 : errno;
    return reason != EADDRINUSE;
  });
  if (!settled) {
    return fail(Error::Code::conflict, device,
                "port already in use by another fulcrum-dataplane: stop that one, or give this one another device");
  }
  if (reason != 0) return fail(Error::Code::io, device, errno_words(reason));
  return claim;
}

Result<void> PortClaim::check_interface(const std::string& interface) {
  if (interface.size() >= IFNAMSIZ || if_nametoindex(interface.c_str()) == 0) {
    return fail(Error::Code::not_found, interface,
                fmt::format("no such network interface here; there are: {}", interfaces_here()));
  }
  return refuse_addresses(interface);
}

Result<PortClaim> PortClaim::of_interface(const std::string& interface, std::uint16_t mtu) {
  if (auto good = check_interface(interface); !good) return tl::unexpected<Error>{good.error()};
  auto claim = of_device(interface);
  if (!claim) return claim;
  if (auto quiet = disable_ipv6(interface); !quiet) return tl::unexpected<Error>{quiet.error()};
  auto holder = hold_promiscuous(interface);
  if (!holder) return tl::unexpected<Error>{holder.error()};
  if (auto up = bring_up(holder->get(), interface, mtu); !up) return tl::unexpected<Error>{up.error()};
  claim->promiscuous_ = std::move(*holder);
  return claim;
}

}  // namespace fulcrum
