#include "drivers/port/packet_sockets.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>

namespace fulcrum {
namespace {

bool is_packet_socket(int file) noexcept {
  int domain = 0;
  socklen_t size = sizeof domain;
  return getsockopt(file, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_PACKET;
}

}  // namespace

std::set<int> packet_sockets() {
  std::set<int> found;
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd", unreadable}) {
    const std::string name = entry.path().filename().string();
    int file = -1;
    std::from_chars(name.data(), name.data() + name.size(), file);
    if (is_packet_socket(file)) found.insert(file);
  }
  return found;
}

std::uint64_t take_overflows(int packet_socket) noexcept {
  tpacket_stats counts{};
  socklen_t size = sizeof counts;
  return getsockopt(packet_socket, SOL_PACKET, PACKET_STATISTICS, &counts, &size) == 0 ? counts.tp_drops : 0;
}

}  // namespace fulcrum
