#include "dataplane/explain/made_packet.h"

#include <cstring>

#include "dataplane/base/checksum.h"

namespace fulcrum {
namespace {

// Locally administered, and no port's: nothing depends on it.
constexpr Mac kSender{{0x02, 0xFC, 0, 0, 0, 1}};
constexpr std::uint16_t kWindow = 65535;

template <class Header>
void put(std::byte* at, const Header& header) noexcept {
  std::memcpy(at, &header, sizeof header);
}

Be16 checksum(std::uint64_t sum) noexcept { return Be16::from_wire(static_cast<std::uint16_t>(~fold(sum))); }

std::size_t put_network(std::byte* at, const ExplainQuestion& question, std::size_t transport_bytes) noexcept {
  if (question.source.is_v4()) {
    Ipv4Header header{};
    header.version_and_length = 0x45;
    header.total_length = Be16{static_cast<std::uint16_t>(sizeof header + transport_bytes)};
    header.fragment = Be16{Ipv4Header::kDoNotFragment};
    header.ttl = question.ttl;
    header.protocol = static_cast<std::uint8_t>(question.protocol);
    header.source = question.source.v4();
    header.destination = question.destination.v4();
    header.checksum = checksum(ones_sum(std::as_bytes(std::span{&header, 1})));
    put(at, header);
    return sizeof header;
  }
  Ipv6Header header{};
  header.version_class_flow = Be32{6U << 28U};
  header.payload_length = Be16{static_cast<std::uint16_t>(transport_bytes)};
  header.next_header = static_cast<std::uint8_t>(question.protocol);
  header.hop_limit = question.ttl;
  header.source = question.source.bytes();
  header.destination = question.destination.bytes();
  put(at, header);
  return sizeof header;
}

// The transport header with its checksum over the pseudo-header (RFC 9293 3.1, RFC 768, RFC 8200 8.1).
void put_transport(std::span<std::byte> transport, const ExplainQuestion& question) noexcept {
  const std::uint64_t pseudo = ones_sum(question.source) + ones_sum(question.destination) +
                               Be16{static_cast<std::uint16_t>(question.protocol)}.wire() +
                               Be16{static_cast<std::uint16_t>(transport.size())}.wire();
  if (question.protocol == Protocol::tcp) {
    TcpHeader header{};
    header.source_port = question.source_port;
    header.destination_port = question.destination_port;
    header.data_offset = sizeof header / 4 << 4U;
    header.flags = question.tcp_flags;
    header.window = Be16{kWindow};
    header.checksum = checksum(pseudo + ones_sum(std::as_bytes(std::span{&header, 1})));
    put(transport.data(), header);
    return;
  }
  UdpHeader header{};
  header.source_port = question.source_port;
  header.destination_port = question.destination_port;
  header.length = Be16{static_cast<std::uint16_t>(transport.size())};
  header.checksum = checksum(pseudo + ones_sum(std::as_bytes(std::span{&header, 1})));
  if (header.checksum.wire() == 0) header.checksum = Be16{0xFFFF};
  put(transport.data(), header);
}

}  // namespace

std::span<std::byte> make_packet(const ExplainQuestion& question, const Mac& own, MadePacket& into) noexcept {
  const bool v4 = question.source.is_v4();
  const std::size_t header = question.protocol == Protocol::tcp ? sizeof(TcpHeader) : sizeof(UdpHeader);
  const std::size_t transport = header + question.payload;
  into.fill(std::byte{0});
  put(into.data(),
      EthernetHeader{.destination = own, .source = kSender, .type = v4 ? ether_type::ipv4 : ether_type::ipv6});
  const std::size_t network = put_network(into.data() + sizeof(EthernetHeader), question, transport);
  const std::size_t offset = sizeof(EthernetHeader) + network;
  put_transport(std::span{into}.subspan(offset, transport), question);
  return std::span{into}.first(offset + transport);
}

}  // namespace fulcrum
