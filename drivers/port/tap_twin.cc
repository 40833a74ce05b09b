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

#include "drivers/port/interface_request.h"

namespace fulcrum {
namespace {

constexpr const char* kTunDevice = "/dev/net/tun";
constexpr std::size_t kSegmentsMax = 16;

Result<void> give_identity(const TwinOptions& options) {
  const OwnedFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request = request_for(options.interface);
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::copy(options.mac.bytes.begin(), options.mac.bytes.end(),
            reinterpret_cast<std::uint8_t*>(request.ifr_hwaddr.sa_data));
  if (ioctl(socket.get(), SIOCSIFHWADDR, &request) != 0) {
    return fail(Error::Code::io, options.interface,
                fmt::format("the kernel twin does not take the MAC {}: {}", options.mac.text(), errno_words(errno)));
  }
  request = request_for(options.interface);
  request.ifr_mtu = options.mtu;
  if (ioctl(socket.get(), SIOCSIFMTU, &request) != 0) {
    return fail(Error::Code::io, options.interface,
                fmt::format("the kernel twin does not take an MTU of {}: {}", options.mtu, errno_words(errno)));
  }
  return {};
}

// Runs inside the namespace.
Result<OwnedFd> make_tap(const TwinOptions& options, const std::string& where) {
  if (options.interface.empty() || options.interface.size() >= IFNAMSIZ) {
    return fail(Error::Code::invalid, options.interface,
                "a port's name, which its kernel twin carries, has 1 to 15 letters");
  }
  // TUNSETIFF on a name that exists attaches to it if it can, so ask before.
  if (if_nametoindex(options.interface.c_str()) != 0) {
    return fail(Error::Code::conflict, options.interface,
                fmt::format("the kernel twin cannot be made: {} has an interface of this name already; remove it or "
                            "rename the port",
                            where));
  }
  OwnedFd tap{open(kTunDevice, O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (!tap.valid()) {
    const int reason = errno;
    return fail(Error::Code::io, kTunDevice,
                fmt::format("{}; kernel twins need it: `modprobe tun`, or start as root", errno_words(reason)));
  }
  ifreq request = request_for(options.interface);
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI);
  if (ioctl(tap.get(), TUNSETIFF, &request) != 0) {
    return fail(Error::Code::io, options.interface,
                fmt::format("the kernel twin cannot be made: {}", errno_words(errno)));
  }
  if (auto done = give_identity(options); !done) return tl::unexpected<Error>{done.error()};
  return tap;
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
    into[count++] = frame_of(buffer, port_, ChecksumFact::unknown);
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
