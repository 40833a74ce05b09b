#include "tests/bench/life_ports.h"

#include <cstring>

#include "tests/bench/bench_ports.h"

namespace fulcrum::bench {
namespace {

constexpr PortId kToClients{0}, kToServers{1};
constexpr std::size_t kFlagsAt = sizeof(EthernetHeader) + sizeof(Ipv4Header) + offsetof(TcpHeader, flags);
constexpr std::size_t kSourceAt = sizeof(EthernetHeader) + offsetof(Ipv4Header, source);
constexpr std::size_t kDestinationAt = sizeof(EthernetHeader) + offsetof(Ipv4Header, destination);
constexpr std::size_t kPortAt = sizeof(EthernetHeader) + sizeof(Ipv4Header);

template <class T>
T load(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

Lives::Lives(std::uint64_t first, bool both_directions)
    : syn_{Way::to_server, tcp_flag::syn},
      syn_ack_{Way::to_client, tcp_flag::syn | tcp_flag::ack},
      ack_{Way::to_server, tcp_flag::ack},
      fin_{Way::to_server, tcp_flag::fin | tcp_flag::ack},
      fin_ack_{Way::to_client, tcp_flag::fin | tcp_flag::ack},
      clients_{*this},
      servers_{*this},
      first_{first},
      next_{first},
      both_directions_{both_directions},
      server_of_(kAtOnce) {}

void Lives::add(std::span<Frame> into, std::size_t& count, PortId port, const FrameWriter& writer,
                std::uint64_t trips) {
  const std::uint64_t ago = trips * kRoundTrip;
  if (next_ < first_ + ago) return;  // none has come so far yet
  for (std::uint64_t flow = next_ - ago; flow < next_ - ago + kStep; ++flow, ++count) {
    std::byte* const at = rooms_[port.value].bytes.data() + count * kFrameRoom;
    writer.write(at, flow, server_of_[flow % kAtOnce]);
    set_frame(into[count], at, port);
  }
}

std::size_t Lives::from_clients(std::span<Frame> into) noexcept {
  std::size_t count = 0;
  add(into, count, kToClients, ack_, 5);
  if (count != 0) ended_ += kStep;
  add(into, count, kToClients, fin_, 3);
  add(into, count, kToClients, ack_, 2);
  add(into, count, kToClients, syn_, 0);
  // In NAT the servers' turn comes before the next flows begin.
  if (!both_directions_) next_ += kStep;
  return count;
}

std::size_t Lives::from_servers(std::span<Frame> into) noexcept {
  std::size_t count = 0;
  if (!both_directions_) return 0;
  add(into, count, kToServers, fin_ack_, 4);
  add(into, count, kToServers, syn_ack_, 1);
  next_ += kStep;
  return count;
}

std::size_t Lives::learn(std::span<const Frame> frames) noexcept {
  if (!both_directions_) return frames.size();
  for (const Frame& frame : frames) {
    if (load<std::uint8_t>(frame.data + kFlagsAt) != tcp_flag::syn) continue;
    const std::uint64_t flow = flow_of({load<Be32>(frame.data + kSourceAt), load<Be16>(frame.data + kPortAt)});
    const std::uint32_t server = load<Be32>(frame.data + kDestinationAt).host() - server_address(0).v4().host();
    server_of_[flow % kAtOnce] = static_cast<std::uint8_t>(server);
  }
  return frames.size();
}

}  // namespace fulcrum::bench
