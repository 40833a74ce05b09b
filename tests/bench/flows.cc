#include "tests/bench/flows.h"

#include <fmt/format.h>

#include <bit>

#include "dataplane/base/invariant.h"
#include "tests/support/packet_builder.h"

namespace fulcrum::bench {
namespace {

constexpr std::size_t kIp = sizeof(EthernetHeader);
constexpr std::size_t kTcp = kIp + sizeof(Ipv4Header);

template <class T>
void store(std::byte* at, const T& value) noexcept {
  std::memcpy(at, &value, sizeof value);
}

Be16 checksum_of(std::uint64_t sum) noexcept { return Be16::from_wire(static_cast<std::uint16_t>(~fold(sum))); }

}  // namespace

FlowKey key_of(std::uint64_t flow, ServiceId service) noexcept {
  const Client client = client_of(flow);
  FlowKey key;
  key.client = Address::v4(client.address);
  key.client_port = client.port;
  key.service = service;
  key.service_port = Be16{kServicePort};
  return key;
}

Address server_address(std::size_t server) {
  return Address::v4(Be32{static_cast<std::uint32_t>(0x0A010100U + 10U + server)});  // 10.1.1.10 and on
}

const char* server_mac() { return "02:00:00:00:01:99"; }

FrameWriter::FrameWriter(Way way, std::uint8_t tcp_flags) : way_{way} {
  const bool to_server = way == Way::to_server;
  templates_.resize(to_server ? 1 : kServers);
  for (std::size_t server = 0; server < templates_.size(); ++server) {
    const std::string server_text = server_address(server).text();
    const auto built = test::PacketBuilder{}
                           .eth({.destination = kBoxMacs[to_server ? 0 : 1], .source = kRouterMac})
                           .ipv4({.source = to_server ? "0.0.0.0" : server_text,
                                  .destination = to_server ? kServiceAddress : "0.0.0.0",
                                  .checksum = 0})
                           .tcp({.source_port = static_cast<std::uint16_t>(to_server ? 0 : kServerPort),
                                 .destination_port = static_cast<std::uint16_t>(to_server ? kServicePort : 0),
                                 .flags = tcp_flags,
                                 .checksum = 0})
                           .padding(kFrameBytes - kTcp - sizeof(TcpHeader))
                           .build();
    FULCRUM_ASSERT(built.size() == kFrameBytes);
    Template& made = templates_[server];
    std::memcpy(made.bytes.data(), built.data(), built.size());
    const std::span<const std::byte> bytes{made.bytes};
    made.ip_sum = ones_sum(bytes.subspan(kIp, sizeof(Ipv4Header)));
    // The pseudo-header (RFC 9293 3.1): both addresses, the protocol, the length.
    made.tcp_sum = ones_sum(bytes.subspan(kTcp, sizeof(TcpHeader))) +
                   ones_sum(bytes.subspan(kIp + offsetof(Ipv4Header, source), 8)) + Be16{6}.wire() +
                   Be16{sizeof(TcpHeader)}.wire();
  }
}

void FrameWriter::write(std::byte* at, std::uint64_t flow, std::size_t server) const noexcept {
  const bool to_server = way_ == Way::to_server;
  const Template& from = templates_[to_server ? 0 : server];
  const Client client = client_of(flow);
  std::memcpy(at, from.bytes.data(), kFrameRoom);
  store(at + kIp + (to_server ? offsetof(Ipv4Header, source) : offsetof(Ipv4Header, destination)), client.address);
  store(at + kTcp + (to_server ? offsetof(TcpHeader, source_port) : offsetof(TcpHeader, destination_port)),
        client.port);
  store(at + kIp + offsetof(Ipv4Header, checksum), checksum_of(from.ip_sum + client.address.wire()));
  store(at + kTcp + offsetof(TcpHeader, checksum),
        checksum_of(from.tcp_sum + client.address.wire() + client.port.wire()));
}

}  // namespace fulcrum::bench
