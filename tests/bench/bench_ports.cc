#include "tests/bench/bench_ports.h"

#include <cstring>

#include "dataplane/packet/parse.h"

namespace fulcrum::bench {

FlowPort::FlowPort(PortId id, Way way, std::size_t flows, std::uint16_t queues)
    : id_{id}, writer_{way, tcp_flag::ack}, flows_{flows}, queues_(queues) {
  for (std::size_t i = 0; i < queues_.size(); ++i) queues_[i].random = Random{i + 1};
}

std::size_t FlowPort::receive(std::uint16_t queue, std::span<Frame> into) noexcept {
  Queue& from = queues_[queue];
  for (std::size_t i = 0; i < into.size(); ++i) {
    std::byte* const at = from.frames.data() + i * kFrameRoom;
    writer_.write(at, from.random.below(flows_));
    set_frame(into[i], at, id_);
  }
  return into.size();
}

bool CheckingPort::is_right(const Frame& frame) const noexcept {
  Facts facts;
  if (parse(frame.bytes(), ChecksumFact::verify, facts) != Drop::none || facts.kind != PacketKind::tcp) return false;
  const bool to_server = way_ == Way::to_server;
  const Address& client = to_server ? facts.source : facts.destination;
  const std::uint64_t flow = flow_of({client.v4(), to_server ? facts.source_port : facts.destination_port});
  const Mac expected_mac = *Mac::parse(to_server ? server_mac() : kRouterMac);
  if (std::memcmp(frame.data, expected_mac.bytes.data(), expected_mac.bytes.size()) != 0) return false;
  const Address service = *Address::parse(kServiceAddress);
  if (!to_server) return facts.source == service && facts.source_port.host() == kServicePort && facts.ttl == 63;
  if (!readdressed_) return facts.destination == service && facts.ttl == 64;
  return facts.destination == server_address(flow % kServers) && facts.destination_port.host() == kServerPort &&
         facts.ttl == 63;
}

std::size_t CheckingPort::send(std::uint16_t, std::span<const Frame> frames) noexcept {
  for (const Frame& frame : frames) ++(is_right(frame) ? right_ : wrong_);
  return frames.size();
}

}  // namespace fulcrum::bench
