#include "drivers/port/tap_twin.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if_arp.h>
#include <rte_mbuf.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "dataplane/base/log.h"
#include "dataplane/base/patience.h"
#include "drivers/port/interface_request.h"
#include "drivers/port/twin_links.h"

namespace fulcrum {
namespace {

constexpr const char* kTunDevice = "/dev/net/tun";
constexpr std::size_t kSegmentsMax = 16;

Result<void> give_mac(int socket, const TwinOptions& options) {
  ifreq request = request_for(options.interface);
  auto* const bytes = reinterpret_cast<std::uint8_t*>(request.ifr_hwaddr.sa_data);
  // Setting the MAC it has would make Linux forget its neighbours.
  if (ioctl(socket, SIOCGIFHWADDR, &request) == 0 &&
      std::equal(options.mac.bytes.begin(), options.mac.bytes.end(), bytes)) {
    return {};
  }
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::copy(options.mac.bytes.begin(), options.mac.bytes.end(), bytes);
  if (ioctl(socket, SIOCSIFHWADDR, &request) == 0) return {};
  return fail(Error::Code::io, options.interface,
              fmt::format("the kernel twin does not take the MAC {}: {}", options.mac.text(), errno_words(errno)));
}

Result<void> give_mtu(int socket, const TwinOptions& options) {
  ifreq request = request_for(options.interface);
  if (ioctl(socket, SIOCGIFMTU, &request) == 0 && request.ifr_mtu == options.mtu) return {};
  request.ifr_mtu = options.mtu;
  if (ioctl(socket, SIOCSIFMTU, &request) == 0) return {};
  return fail(Error::Code::io, options.interface,
              fmt::format("the kernel twin does not take an MTU of {}: {}", options.mtu, errno_words(errno)));
}

Result<OwnedFd> open_tun() {
  OwnedFd tun{open(kTunDevice, O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (tun.valid()) return tun;
  const int reason = errno;
  return fail(Error::Code::io, kTunDevice,
              fmt::format("{}; kernel twins need it: `modprobe tun`, or start as root", errno_words(reason)));
}

// Makes the interface the other end of `tun`, a new one if there is none of that name. Returns 0 or the error's number.
int connect(int tun, const std::string& interface) {
  ifreq request = request_for(interface);
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI);
  int reason = 0;
  const bool settled = try_for_a_moment([&] {
    reason = ioctl(tun, TUNSETIFF, &request) == 0 ? 0 : errno;
    return reason != EBUSY;
  });
  return settled ? reason : EBUSY;
}

// TUNSETIFF attaches to whatever TAP device has the name, so ask before.
Result<void> refuse_foreign(const std::string& interface, const std::string& where) {
  const auto links = standing_links();
  if (!links) return tl::unexpected<Error>{links.error()};
  const auto there = std::find_if(links->begin(), links->end(), [&](const auto& l) { return l.name == interface; });
  if (there == links->end() || is_twin(*there)) return {};
  return fail(Error::Code::conflict, interface,
              fmt::format("the kernel twin cannot be made: {} has an interface of this name already; remove it or "
                          "rename the port",
                          where));
}

// Runs inside the namespace.
Result<OwnedFd> make_tap(const TwinOptions& options, const std::string& where) {
  if (options.interface.empty() || options.interface.size() >= IFNAMSIZ) {
    return fail(Error::Code::invalid, options.interface,
                "a port's name, which its kernel twin carries, has 1 to 15 letters");
  }
  if (auto free = refuse_foreign(options.interface, where); !free) return tl::unexpected<Error>{free.error()};
  auto tap = open_tun();
  if (!tap) return tap;
  if (const int reason = connect(tap->get(), options.interface); reason == EBUSY) {
    return fail(Error::Code::conflict, options.interface,
                fmt::format("its kernel twin in {} is in use by another fulcrum-dataplane: stop that one, or rename "
                            "the port, or give this one another `twin_namespace`",
                            where));
  } else if (reason != 0) {
    return fail(Error::Code::io, options.interface,
                fmt::format("the kernel twin cannot be made: {}", errno_words(reason)));
  }
  const OwnedFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  auto done = set_alias(options.interface, twin_alias(options.runtime_dir))
                  .and_then([&] { return give_mac(socket.get(), options); })
                  .and_then([&] { return give_mtu(socket.get(), options); });
  if (!done) return tl::unexpected<Error>{done.error()};
  // Last: what is half made vanishes with us.
  if (ioctl(tap->get(), TUNSETPERSIST, 1UL) != 0) {
    return fail(Error::Code::io, options.interface,
                fmt::format("the kernel twin cannot be made to stay: {}", errno_words(errno)));
  }
  return tap;
}

// Runs inside the namespace.
Result<void> remove_tap(const std::string& interface) {
  const auto tap = open_tun();
  if (!tap) return tl::unexpected<Error>{tap.error()};
  int reason = connect(tap->get(), interface);
  if (reason == 0 && ioctl(tap->get(), TUNSETPERSIST, 0UL) != 0) reason = errno;
  if (reason == 0) return {};
  return fail(Error::Code::io, interface,
              fmt::format("the kernel twin of a port that is no more cannot be removed: {}; `ip link del {}` does",
                          errno_words(reason), interface));
}

}  // namespace

Result<std::unique_ptr<TapTwin>> TapTwin::make(const TwinOptions& options, const NetworkNamespace& where,
                                               const PacketPool& pool) {
  OwnedFd tap;
  auto made = where.run([&]() -> Result<void> {
    auto result = make_tap(options, where.words());
    if (!result) return tl::unexpected<Error>{result.error()};
    tap = std::move(*result);
    return {};
  });
  if (!made) return tl::unexpected<Error>{made.error()};
  return std::unique_ptr<TapTwin>{new TapTwin{std::move(tap), options.port, pool.handle()}};
}

Result<void> TapTwin::remove_others(const NetworkNamespace& where, const std::string& runtime_dir,
                                    const std::vector<std::string>& names) {
  return where.run([&]() -> Result<void> {
    const auto links = standing_links();
    if (!links) return tl::unexpected<Error>{links.error()};
    for (const StandingLink& link : *links) {
      if (link.alias != twin_alias(runtime_dir)) continue;
      if (std::find(names.begin(), names.end(), link.name) != names.end()) continue;
      if (auto removed = remove_tap(link.name); !removed) return removed;
      log(Level::notice, "removed the kernel twin {}: there is no port of this name any more", link.name);
    }
    return {};
  });
}

TapTwin::~TapTwin() { rte_pktmbuf_free(spare_); }

std::size_t TapTwin::receive(std::span<Frame> into) noexcept {
  std::size_t count = 0;
  while (count < into.size()) {
    if (spare_ == nullptr) spare_ = rte_pktmbuf_alloc(pool_);
    if (spare_ == nullptr) break;  // the frame waits in Linux's queue until buffers come back
    const ssize_t length = read(tap_.get(), rte_pktmbuf_mtod(spare_, void*), rte_pktmbuf_tailroom(spare_));
    if (length <= 0) break;
    rte_mbuf* buffer = std::exchange(spare_, nullptr);
    buffer->data_len = static_cast<std::uint16_t>(length);
    buffer->pkt_len = buffer->data_len;
    set_frame(into[count++], buffer, port_, ChecksumFact::unknown);
  }
  return count;
}

std::size_t TapTwin::deliver(std::span<const Frame> frames) noexcept {
  std::size_t taken = 0;
  for (const Frame& frame : frames) {
    std::array<iovec, kSegmentsMax> parts{};
    std::size_t count = 0;
    for (auto* part = static_cast<rte_mbuf*>(frame.handle); part != nullptr && count < parts.size();
         part = part->next) {
      parts[count++] = {.iov_base = rte_pktmbuf_mtod(part, void*), .iov_len = part->data_len};
    }
    // A frame longer than that is no frame of ours: Linux sees it cut and drops it.
    if (writev(tap_.get(), parts.data(), static_cast<int>(count)) > 0) ++taken;
  }
  free_frames(frames);
  return taken;
}

}  // namespace fulcrum
