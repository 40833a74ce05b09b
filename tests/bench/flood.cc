#include "tests/bench/flood.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>

#include "dataplane/base/owned_fd.h"
#include "tests/bench/flows.h"
#include "tests/bench/measure.h"

namespace fulcrum::bench {

std::uint64_t flood(const std::string& interface, std::size_t flows, std::chrono::milliseconds span) {
  constexpr std::size_t kAtOnce = 64;
  const OwnedFd socket{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
  const int bypass = 1;
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_IP);
  to.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  if (socket.get() < 0 || to.sll_ifindex == 0) return 0;
  setsockopt(socket.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof bypass);
  const FrameWriter writer{Way::to_server, tcp_flag::ack};
  std::array<std::array<std::byte, kFrameRoom>, kAtOnce> frames;
  std::array<iovec, kAtOnce> parts;
  std::array<mmsghdr, kAtOnce> messages{};
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    parts[i] = {.iov_base = frames[i].data(), .iov_len = kFrameBytes};
    messages[i].msg_hdr.msg_name = &to;
    messages[i].msg_hdr.msg_namelen = sizeof to;
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  Random random{11};
  std::uint64_t sent = 0;
  run_for(span, [&](std::chrono::nanoseconds) {
    for (auto& frame : frames) writer.write(frame.data(), random.below(flows));
    const int taken = sendmmsg(socket.get(), messages.data(), kAtOnce, 0);
    if (taken > 0) sent += static_cast<std::uint64_t>(taken);
  });
  return sent;
}

}  // namespace fulcrum::bench
