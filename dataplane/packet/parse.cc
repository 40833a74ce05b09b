#include "dataplane/packet/parse.h"

#include <bit>
#include <cstddef>
#include <cstring>

#include "dataplane/base/checksum.h"
#include "dataplane/packet/headers.h"
#include "dataplane/packet/plain.h"
#include "dataplane/packet/reader.h"

namespace fulcrum {
namespace {

bool transport_sum_is_right(const Facts& facts, std::span<const std::byte> segment) noexcept {
  // The pseudo-headers of IPv4 and IPv6 differ in layout, not in sum.
  const std::uint64_t pseudo = ones_sum(facts.source) + ones_sum(facts.destination) +
                               Be16{static_cast<std::uint16_t>(segment.size())}.wire() +
                               Be16{static_cast<std::uint16_t>(facts.protocol)}.wire();
  return is_all_ones(ones_sum(segment, pseudo));
}

bool checksum_is_wrong(ChecksumFact checksum, const Facts& facts, std::span<const std::byte> segment) noexcept {
  if (checksum == ChecksumFact::bad) return true;
  return checksum == ChecksumFact::verify && !transport_sum_is_right(facts, segment);
}

Drop take_ports(Be16 source, Be16 destination, Facts& facts) noexcept {
  facts.source_port = source;
  facts.destination_port = destination;
  return source.wire() == 0 || destination.wire() == 0 ? Drop::l4_port_zero : Drop::none;
}

Drop parse_tcp(std::span<const std::byte> payload, ChecksumFact checksum, Facts& facts) noexcept {
  const auto* const tcp = Reader{payload}.take<TcpHeader>();
  if (!tcp) return Drop::tcp_truncated;
  const std::size_t header_bytes = (tcp->data_offset >> 4U) * std::size_t{4};
  if (header_bytes < sizeof(TcpHeader) || header_bytes > payload.size()) return Drop::tcp_header_length;
  facts.kind = PacketKind::tcp;
  facts.tcp_flags = tcp->flags;
  if (flags_are_absurd(tcp->flags)) return Drop::tcp_flags;
  const Drop ports = take_ports(tcp->source_port, tcp->destination_port, facts);
  if (ports != Drop::none) return ports;
  return checksum_is_wrong(checksum, facts, payload) ? Drop::l4_checksum : Drop::none;
}

Drop parse_udp(std::span<const std::byte> payload, ChecksumFact checksum, Facts& facts) noexcept {
  const auto* const udp = Reader{payload}.take<UdpHeader>();
  if (!udp) return Drop::udp_truncated;
  const std::size_t length = udp->length.host();
  if (length < sizeof(UdpHeader) || length > payload.size()) return Drop::udp_length;
  facts.kind = PacketKind::udp;
  const Drop ports = take_ports(udp->source_port, udp->destination_port, facts);
  if (ports != Drop::none) return ports;
  if (udp->checksum.wire() == 0) {
    // RFC 768: the sender made none; some NICs call it bad all the same. RFC 8200 8.1: illegal over IPv6.
    return facts.source.is_v4() ? Drop::none : Drop::l4_checksum;
  }
  return checksum_is_wrong(checksum, facts, payload.first(length)) ? Drop::l4_checksum : Drop::none;
}

Drop parse_icmp(std::span<const std::byte> payload, std::size_t bytes_min, Facts& facts) noexcept {
  if (payload.size() < bytes_min) return Drop::icmp_truncated;
  facts.kind = PacketKind::icmp;
  return Drop::none;
}

Drop parse_transport(std::span<const std::byte> payload, ChecksumFact checksum, Facts& facts) noexcept {
  switch (facts.protocol) {
    case Protocol::tcp:
      return parse_tcp(payload, checksum, facts);
    case Protocol::udp:
      return parse_udp(payload, checksum, facts);
    case Protocol::icmp:
      if (facts.source.is_v4()) return parse_icmp(payload, kIcmpBytes, facts);
      break;
    case Protocol::icmpv6:
      if (!facts.source.is_v4()) return parse_icmp(payload, kIcmpv6Bytes, facts);
      break;
  }
  facts.kind = PacketKind::other_ip;
  return Drop::none;
}

// A packet whose source is unspecified and which is right otherwise.
Drop admit_without_address(Facts& facts) noexcept {
  constexpr Be16 kDhcpClient{68}, kDhcpServer{67};
  if (facts.kind == PacketKind::icmp && !facts.source.is_v4()) return Drop::none;
  const bool dhcp = facts.kind == PacketKind::udp && facts.source.is_v4() && facts.source_port == kDhcpClient &&
                    facts.destination_port == kDhcpServer;
  if (!dhcp) return Drop::bad_source;
  facts.kind = PacketKind::other_ip;
  return Drop::none;
}

// RFC 1122 3.2.1.3, RFC 6890 2.2.2: addresses that nobody may send from, whatever the configuration.
bool is_bad_v4_source(Be32 source) noexcept {
  const std::uint32_t network = source.host() >> 24U;
  return network >= 224 || network == 127 || (network == 0 && source.wire() != 0);
}

// RFC 4291 2.5.3, 2.5.5.2, 2.7. The unspecified address is not among them.
bool is_bad_v6_source(const Address& source) noexcept {
  constexpr std::uint8_t kMulticast = 0xFF;
  constexpr auto kLoopback = BigEndian<std::uint64_t>{1}.wire();
  if (std::bit_cast<std::array<std::uint8_t, 16>>(source)[0] == kMulticast) return true;
  return source.words()[0] == 0 && (source.words()[1] == kLoopback || source.is_v4());
}

// RFC 7126 4.3, 4.4: source routes are dropped; other options are Linux's and the server's business if they are whole.
Drop check_options(std::span<const std::byte> options) noexcept {
  while (!options.empty()) {
    const auto type = std::to_integer<std::uint8_t>(options[0]);
    if (type == ipv4_option::end) return Drop::none;
    std::size_t length = 1;
    if (type != ipv4_option::no_operation) {
      if (options.size() < 2) return Drop::ipv4_header_length;
      length = std::to_integer<std::size_t>(options[1]);
      if (length < 2 || length > options.size()) return Drop::ipv4_header_length;
      if (type == ipv4_option::loose_source_route || type == ipv4_option::strict_source_route) {
        return Drop::ipv4_source_route;
      }
    }
    options = options.subspan(length);
  }
  return Drop::none;
}

bool header_sum_is_right(const Ipv4Header& header, std::span<const std::byte> options) noexcept {
  const std::uint64_t sum = ones_sum(std::as_bytes(std::span{&header, 1}));
  return is_all_ones(ones_sum(options, sum));
}

// What RFC 791 demands of the header, up to and without its addresses. Moves `reader` behind the header's options and
// in front of the padding.
Drop check_ipv4_header(Reader& reader, const Ipv4Header& header) noexcept {
  if (header.version_and_length >> 4U != 4) return Drop::ipv4_version;
  const std::size_t header_bytes = (header.version_and_length & 0x0FU) * std::size_t{4};
  if (header_bytes < sizeof header) return Drop::ipv4_header_length;
  const auto options = reader.take_bytes(header_bytes - sizeof header);
  if (!options) return Drop::ipv4_truncated;
  const std::size_t total = header.total_length.host();
  if (total < header_bytes || !reader.limit(total - header_bytes)) return Drop::ipv4_total_length;
  if (!header_sum_is_right(header, *options)) return Drop::ipv4_checksum;
  return options->empty() ? Drop::none : check_options(*options);
}

Drop parse_ipv4(Reader reader, ChecksumFact checksum, Facts& facts) noexcept {
  const auto* const header = reader.take<Ipv4Header>();
  if (!header) return Drop::ipv4_truncated;
  const Drop wrong = check_ipv4_header(reader, *header);
  if (wrong != Drop::none) return wrong;
  if (is_bad_v4_source(header->source) || header->source == header->destination) return Drop::bad_source;

  facts.source = Address::v4(header->source);
  facts.destination = Address::v4(header->destination);
  facts.protocol = static_cast<Protocol>(header->protocol);
  facts.ttl = header->ttl;
  facts.ip_length = header->total_length.host();
  facts.l4_offset = static_cast<std::uint16_t>(facts.l3_offset + (header->version_and_length & 0x0FU) * 4U);
  const std::uint16_t fragment = header->fragment.host();
  facts.do_not_fragment = (fragment & Ipv4Header::kDoNotFragment) != 0;
  const bool is_fragment = (fragment & (Ipv4Header::kMoreFragments | Ipv4Header::kOffsetMask)) != 0;
  facts.kind = PacketKind::fragment;
  const Drop reason = is_fragment ? Drop::none : parse_transport(reader.rest(), checksum, facts);
  if (reason == Drop::none && header->source.wire() == 0) return admit_without_address(facts);
  return reason;
}

struct Walk {
  Drop reason = Drop::none;
  std::uint8_t number = 0;  // of the header that the walk ended at
  bool fragment = false;
};

// RFC 8200 4: walks the extension headers, each once taken entirely inside the packet. Leaves `reader` at the
// transport.
Walk walk_extensions(Reader& reader, std::uint8_t number) noexcept {
  bool atomic_fragment_seen = false;
  for (unsigned walked = 0;; ++walked) {
    const bool options = number == next_header::hop_by_hop || number == next_header::destination_options;
    if (!options && number != next_header::routing && number != next_header::fragment) return {.number = number};
    if (walked == kExtensionHeadersMax) return {.reason = Drop::ipv6_extension};
    // RFC 8200 4.1: hop-by-hop options come first or not at all.
    if (number == next_header::hop_by_hop && walked != 0) return {.reason = Drop::ipv6_extension};
    if (number == next_header::fragment) {
      const auto* const fragment = reader.take<Ipv6Fragment>();
      if (!fragment) return {.reason = Drop::ipv6_truncated};
      if (atomic_fragment_seen) return {.reason = Drop::ipv6_extension};
      number = fragment->next_header;
      if ((fragment->offset.host() & Ipv6Fragment::kOffsetAndMoreMask) != 0)
        return {.number = number, .fragment = true};
      atomic_fragment_seen = true;
      continue;
    }
    const auto* const extension = reader.take<Ipv6Extension>();
    if (!extension || !reader.take_bytes(extension->length * std::size_t{8})) return {.reason = Drop::ipv6_truncated};
    if (number == next_header::routing && (extension->routing_type == 0 || extension->segments_left != 0)) {
      return {.reason = Drop::ipv6_routing_header};
    }
    number = extension->next_header;
  }
}

Drop parse_ipv6(Reader reader, ChecksumFact checksum, Facts& facts) noexcept {
  const auto* const header = reader.take<Ipv6Header>();
  if (!header) return Drop::ipv6_truncated;
  if (header->version_class_flow.host() >> 28U != 6) return Drop::ipv6_version;
  const std::size_t length = header->payload_length.host();
  // RFC 2675: a jumbogram says 0 and has hop-by-hop options, which an empty packet cannot have.
  const bool jumbogram = length == 0 && header->next_header == next_header::hop_by_hop;
  if (jumbogram || sizeof *header + length > UINT16_MAX || !reader.limit(length)) return Drop::ipv6_payload_length;

  facts.source = Address::v6(header->source.data());
  facts.destination = Address::v6(header->destination.data());
  if (is_bad_v6_source(facts.source) || facts.source == facts.destination) return Drop::bad_source;
  if (facts.destination.is_v4()) return Drop::not_ours;
  facts.ttl = header->hop_limit;
  facts.do_not_fragment = true;
  facts.ip_length = static_cast<std::uint16_t>(sizeof *header + length);
  const Walk walk = walk_extensions(reader, header->next_header);
  if (walk.reason != Drop::none) return walk.reason;
  facts.protocol = static_cast<Protocol>(walk.number);
  facts.l4_offset = static_cast<std::uint16_t>(facts.l3_offset + facts.ip_length - reader.rest().size());
  facts.kind = PacketKind::fragment;
  const Drop reason = walk.fragment ? Drop::none : parse_transport(reader.rest(), checksum, facts);
  if (reason == Drop::none && facts.source == Address{}) return admit_without_address(facts);
  return reason;
}

// IEEE 802.1Q table 8-1, 8-2: addresses that no bridge forwards.
bool is_link_local_control(const Mac& destination) noexcept {
  const auto& b = destination.bytes;
  return b[0] == 0x01 && b[1] == 0x80 && b[2] == 0xC2 && b[3] == 0 && b[4] == 0 && b[5] < 0x10;
}

// One by one: a whole Facts at once would be put together on the stack and copied.
void fill_plain(const PlainFrame& frame, std::uint32_t ip_length, Facts& facts) noexcept {
  facts.source = Address::v4(frame.ip.source);
  facts.destination = Address::v4(frame.ip.destination);
  static_assert(offsetof(Facts, destination_port) == offsetof(Facts, source_port) + sizeof(Be16));
  std::memcpy(&facts.source_port, &frame.tcp.source_port, 2 * sizeof(Be16));
  facts.kind = PacketKind::tcp;
  facts.protocol = Protocol::tcp;
  facts.ttl = frame.ip.ttl;
  facts.tcp_flags = frame.tcp.flags;
  facts.l3_offset = offsetof(PlainFrame, ip);
  facts.l4_offset = offsetof(PlainFrame, tcp);
  facts.ip_length = static_cast<std::uint16_t>(ip_length);
  facts.do_not_fragment = (frame.ip.fragment.wire() & Be16{Ipv4Header::kDoNotFragment}.wire()) != 0;
}

// The general way. Not inline: its registers would be saved and restored around the short way too.
[[gnu::noinline]] Drop parse_any(std::span<const std::byte> frame, ChecksumFact checksum, Facts& facts) noexcept {
  facts = Facts{};
  Reader reader{frame};
  const auto* const ethernet = reader.take<EthernetHeader>();
  if (!ethernet) return Drop::too_short;
  if (is_link_local_control(ethernet->destination)) {
    facts.kind = PacketKind::link_local;
    return Drop::none;
  }
  Be16 type = ethernet->type;
  for (unsigned tags = 0; type == ether_type::customer_tag || type == ether_type::service_tag; ++tags) {
    const auto* const tag = reader.take<VlanTag>();
    if (!tag) return Drop::too_short;
    if (tags == kVlanTagsMax || (tag->control.host() & VlanTag::kVidMask) != 0) return Drop::vlan;
    type = tag->type;
  }
  facts.l3_offset = static_cast<std::uint16_t>(frame.size() - reader.rest().size());
  if (type == ether_type::ipv4) return parse_ipv4(reader, checksum, facts);
  if (type == ether_type::ipv6) return parse_ipv6(reader, checksum, facts);
  if (type != ether_type::arp) return Drop::unknown_ethertype;
  facts.kind = PacketKind::arp;
  return reader.rest().size() < kArpBytes ? Drop::too_short : Drop::none;
}

}  // namespace

Drop parse(std::span<const std::byte> bytes, ChecksumFact checksum, Facts& facts) noexcept {
  if (!is_plain(bytes, checksum)) return parse_any(bytes, checksum, facts);
  fill_plain(*reinterpret_cast<const PlainFrame*>(bytes.data()), plain_ip_length(bytes.data()), facts);
  return Drop::none;
}

}  // namespace fulcrum
