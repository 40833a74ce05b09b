#include "tests/support/packet_builder.h"

#include <span>

#include "dataplane/base/checksum.h"
#include "dataplane/base/invariant.h"
#include "dataplane/packet/headers.h"

namespace fulcrum::test {
namespace {

constexpr std::uint8_t kNoNextHeader = 59;

template <class T>
T must(Result<T> result) {
  FULCRUM_ASSERT(result.has_value());  // a literal in a test
  return *result;
}

Address address_of(const std::string& text) { return must(Address::parse(text)); }

template <class Header>
Bytes bytes_of(const Header& header) {
  const auto bytes = std::as_bytes(std::span{&header, 1});
  return {bytes.begin(), bytes.end()};
}

void append(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

std::uint16_t narrow(std::size_t value) { return static_cast<std::uint16_t>(value); }

// The checksum that makes `bytes`, in which its field is zero, right.
Be16 checksum_of(const Bytes& bytes, std::uint64_t pseudo = 0) {
  return Be16::from_wire(static_cast<std::uint16_t>(~fold(ones_sum(bytes, pseudo))));
}

std::uint64_t pseudo_sum(std::uint64_t addresses, std::size_t length, Protocol protocol) {
  return addresses + Be16{narrow(length)}.wire() + Be16{static_cast<std::uint16_t>(protocol)}.wire();
}

Bytes joined(Bytes head, const Bytes& inner) {
  append(head, inner);
  return head;
}

std::uint8_t version_and_length(unsigned version, std::size_t words) {
  return static_cast<std::uint8_t>((version << 4U) | (words & 0x0FU));
}

}  // namespace

PacketBuilder& PacketBuilder::eth(const Eth& fields) {
  layers_.push_back({.head = [fields](const Around& around, const Bytes&) {
    return bytes_of(EthernetHeader{.destination = must(Mac::parse(fields.destination)),
                                   .source = must(Mac::parse(fields.source)),
                                   .type = Be16{fields.type.value_or(around.next)}});
  }});
  return *this;
}

PacketBuilder& PacketBuilder::vlan(const Vlan& fields) {
  layers_.push_back({.number = fields.tag, .head = [fields](const Around& around, const Bytes&) {
                       return bytes_of(
                           VlanTag{.control = Be16{narrow((std::size_t{fields.priority} << 13U) | fields.vid)},
                                   .type = Be16{fields.type.value_or(around.next)}});
                     }});
  return *this;
}

PacketBuilder& PacketBuilder::ipv4(const Ipv4& fields) {
  const Address source = address_of(fields.source);
  const Address destination = address_of(fields.destination);
  const auto head = [fields, source, destination](const Around& around, const Bytes& inner) {
    const std::size_t length = sizeof(Ipv4Header) + fields.options.size();
    Ipv4Header header{
        .version_and_length = version_and_length(fields.version, fields.header_words.value_or(length / 4)),
        .service = 0,
        .total_length = Be16{fields.total_length.value_or(narrow(length + inner.size()))},
        .identification = Be16{fields.identification},
        .fragment = Be16{fields.fragment},
        .ttl = fields.ttl,
        .protocol = fields.protocol.value_or(static_cast<std::uint8_t>(around.next)),
        .checksum = Be16{0},
        .source = source.v4(),
        .destination = destination.v4()};
    const Be16 right = checksum_of(joined(bytes_of(header), fields.options));
    header.checksum = fields.checksum ? Be16{*fields.checksum} : right;
    return joined(bytes_of(header), fields.options);
  };
  layers_.push_back({.number = ether_type::ipv4.host(),
                     .address_sum = ones_sum(source) + ones_sum(destination),
                     .is_ip = true,
                     .head = head});
  return *this;
}

PacketBuilder& PacketBuilder::ipv6(const Ipv6& fields) {
  const Address source = address_of(fields.source);
  const Address destination = address_of(fields.destination);
  const auto head = [fields, source, destination](const Around& around, const Bytes& inner) {
    return bytes_of(Ipv6Header{.version_class_flow = Be32{static_cast<std::uint32_t>(fields.version) << 28U},
                               .payload_length = Be16{fields.payload_length.value_or(narrow(inner.size()))},
                               .next_header = fields.next_header.value_or(static_cast<std::uint8_t>(around.next)),
                               .hop_limit = fields.hop_limit,
                               .source = source.bytes(),
                               .destination = destination.bytes()});
  };
  layers_.push_back({.number = ether_type::ipv6.host(),
                     .address_sum = ones_sum(source) + ones_sum(destination),
                     .is_ip = true,
                     .is_ipv6 = true,
                     .head = head});
  return *this;
}

PacketBuilder& PacketBuilder::extension(const Extension& fields) {
  layers_.push_back({.number = fields.number, .head = [fields](const Around& around, const Bytes&) {
                       const Ipv6Extension first{
                           .next_header = fields.next_header.value_or(static_cast<std::uint8_t>(around.next)),
                           .length = fields.length.value_or(static_cast<std::uint8_t>(fields.more_units)),
                           .routing_type = fields.routing_type,
                           .segments_left = fields.segments_left,
                           .rest = Be32{0}};
                       return joined(bytes_of(first), Bytes(fields.more_units * 8));
                     }});
  return *this;
}

PacketBuilder& PacketBuilder::fragment(const Fragment& fields) {
  layers_.push_back({.number = next_header::fragment, .head = [fields](const Around& around, const Bytes&) {
                       return bytes_of(Ipv6Fragment{
                           .next_header = fields.next_header.value_or(static_cast<std::uint8_t>(around.next)),
                           .reserved = 0,
                           .offset = Be16{narrow((std::size_t{fields.offset} << 3U) | (fields.more ? 1U : 0U))},
                           .identification = Be32{0x01020304}});
                     }});
  return *this;
}

PacketBuilder& PacketBuilder::tcp(const Tcp& fields) {
  const auto head = [fields](const Around& around, const Bytes& inner) {
    const std::size_t length = sizeof(TcpHeader) + fields.options.size();
    TcpHeader header{.source_port = Be16{fields.source_port},
                     .destination_port = Be16{fields.destination_port},
                     .sequence = Be32{0x11223344},
                     .acknowledgment = Be32{0x55667788},
                     .data_offset = version_and_length(fields.header_words.value_or(length / 4), 0),
                     .flags = fields.flags,
                     .window = Be16{0xFAF0},
                     .checksum = Be16{0},
                     .urgent = Be16{0}};
    const Bytes segment = joined(joined(bytes_of(header), fields.options), inner);
    const Be16 right = checksum_of(segment, pseudo_sum(around.pseudo_sum, segment.size(), Protocol::tcp));
    header.checksum = fields.checksum ? Be16{*fields.checksum} : right;
    return joined(bytes_of(header), fields.options);
  };
  layers_.push_back({.number = static_cast<std::uint16_t>(Protocol::tcp), .head = head});
  return *this;
}

PacketBuilder& PacketBuilder::udp(const Udp& fields) {
  const auto head = [fields](const Around& around, const Bytes& inner) {
    const std::size_t length = sizeof(UdpHeader) + inner.size();
    UdpHeader header{.source_port = Be16{fields.source_port},
                     .destination_port = Be16{fields.destination_port},
                     .length = Be16{fields.length.value_or(narrow(length))},
                     .checksum = Be16{0}};
    const Be16 right =
        checksum_of(joined(bytes_of(header), inner), pseudo_sum(around.pseudo_sum, length, Protocol::udp));
    // RFC 768: 0 means "none", so a sum of 0 is sent as its other form.
    header.checksum = fields.checksum ? Be16{*fields.checksum} : right.wire() == 0 ? Be16{0xFFFF} : right;
    return bytes_of(header);
  };
  layers_.push_back({.number = static_cast<std::uint16_t>(Protocol::udp), .head = head});
  return *this;
}

PacketBuilder& PacketBuilder::icmp(const Icmp& fields) {
  struct Header {
    std::uint8_t type, code;
    Be16 checksum;
    Be16 identifier, sequence;
  };
  const bool v6 = around(layers_.size()).over_ipv6;
  const auto head = [fields, v6](const Around& around, const Bytes& inner) {
    constexpr std::uint8_t kEcho = 8, kEchoV6 = 128;
    Header header{.type = fields.type.value_or(v6 ? kEchoV6 : kEcho),
                  .code = fields.code,
                  .checksum = Be16{0},
                  .identifier = Be16{7},
                  .sequence = Be16{1}};
    const std::size_t length = sizeof header + inner.size();
    const std::uint64_t pseudo = v6 ? pseudo_sum(around.pseudo_sum, length, Protocol::icmpv6) : 0;
    const Be16 right = checksum_of(joined(bytes_of(header), inner), pseudo);
    header.checksum = fields.checksum ? Be16{*fields.checksum} : right;
    return bytes_of(header);
  };
  layers_.push_back({.number = static_cast<std::uint16_t>(v6 ? Protocol::icmpv6 : Protocol::icmp), .head = head});
  return *this;
}

PacketBuilder& PacketBuilder::arp(const Arp& fields) {
  layers_.push_back({.number = ether_type::arp.host(), .head = [fields](const Around&, const Bytes&) {
                       struct Header {
                         Be16 hardware, protocol;
                         std::uint8_t hardware_bytes, protocol_bytes;
                         Be16 operation;
                         Mac sender_mac;
                         Be32 sender;
                         Mac target_mac;
                         Be32 target;
                       };
                       static_assert(sizeof(Header) == kArpBytes);
                       return bytes_of(Header{.hardware = Be16{1},
                                              .protocol = ether_type::ipv4,
                                              .hardware_bytes = 6,
                                              .protocol_bytes = 4,
                                              .operation = Be16{1},
                                              .sender_mac = Mac{{2, 0, 0, 0, 0, 2}},
                                              .sender = address_of(fields.sender).v4(),
                                              .target_mac = Mac{},
                                              .target = address_of(fields.target).v4()});
                     }});
  return *this;
}

PacketBuilder& PacketBuilder::payload(std::string_view text) {
  payload_ = text;
  return *this;
}

PacketBuilder& PacketBuilder::padding(std::size_t bytes) {
  padding_ = bytes;
  return *this;
}

PacketBuilder::Around PacketBuilder::around(std::size_t layer) const {
  Around result{.next = layer + 1 < layers_.size() ? layers_[layer + 1].number : std::uint16_t{kNoNextHeader}};
  for (std::size_t outer = 0; outer < layer && outer < layers_.size(); ++outer) {
    if (!layers_[outer].is_ip) continue;
    result.pseudo_sum = layers_[outer].address_sum;
    result.over_ipv6 = layers_[outer].is_ipv6;
  }
  return result;
}

Bytes PacketBuilder::build() const {
  const auto payload = std::as_bytes(std::span{payload_});
  Bytes frame(payload.begin(), payload.end());
  for (std::size_t layer = layers_.size(); layer-- > 0;) {
    frame = joined(layers_[layer].head(around(layer), frame), frame);
  }
  frame.resize(frame.size() + padding_);
  return frame;
}

}  // namespace fulcrum::test
