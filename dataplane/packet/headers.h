// Protocol headers as they lie on the wire. All members have alignment 1, so the structs have no padding and may be
// copied from any address; bit fields are spelt as masks, because the order of C++ bit fields is the compiler's affair.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/base/address.h"
#include "dataplane/base/big_endian.h"

namespace fulcrum {

namespace ether_type {
inline constexpr Be16 ipv4{0x0800}, arp{0x0806}, ipv6{0x86DD};
inline constexpr Be16 customer_tag{0x8100};  // IEEE 802.1Q
inline constexpr Be16 service_tag{0x88A8};   // IEEE 802.1ad
}  // namespace ether_type

struct EthernetHeader {
  Mac destination, source;
  Be16 type;
};
static_assert(sizeof(EthernetHeader) == 14 && alignof(EthernetHeader) == 1);

struct VlanTag {  // follows an Ethernet type of customer_tag or service_tag
  Be16 control;   // priority, drop eligible, VLAN identifier
  Be16 type;      // of what follows
  static constexpr std::uint16_t kVidMask = 0x0FFF;
};
static_assert(sizeof(VlanTag) == 4 && alignof(VlanTag) == 1);

inline constexpr std::size_t kArpBytes = 28;  // RFC 826, for Ethernet and IPv4

struct Ipv4Header {  // RFC 791 3.1
  std::uint8_t version_and_length;
  std::uint8_t service;
  Be16 total_length;
  Be16 identification;
  Be16 fragment;
  std::uint8_t ttl;
  std::uint8_t protocol;
  Be16 checksum;
  Be32 source, destination;
  static constexpr std::uint16_t kDoNotFragment = 0x4000, kMoreFragments = 0x2000, kOffsetMask = 0x1FFF;
};
static_assert(sizeof(Ipv4Header) == 20 && alignof(Ipv4Header) == 1);

namespace ipv4_option {
inline constexpr std::uint8_t end = 0, no_operation = 1, loose_source_route = 131, strict_source_route = 137;
}

struct Ipv6Header {  // RFC 8200 3
  Be32 version_class_flow;
  Be16 payload_length;
  std::uint8_t next_header;
  std::uint8_t hop_limit;
  std::array<std::uint8_t, 16> source, destination;
};
static_assert(sizeof(Ipv6Header) == 40 && alignof(Ipv6Header) == 1);

// Next-header numbers that are not transports (RFC 8200 4.1).
namespace next_header {
inline constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, destination_options = 60;
}

struct Ipv6Extension {  // the first 8 bytes of hop-by-hop options, destination options and routing headers
  std::uint8_t next_header;
  std::uint8_t length;         // in units of 8 bytes, not counting the first 8
  std::uint8_t routing_type;   // routing headers only
  std::uint8_t segments_left;  // routing headers only
  Be32 rest;
};
static_assert(sizeof(Ipv6Extension) == 8 && alignof(Ipv6Extension) == 1);

struct Ipv6Fragment {  // RFC 8200 4.5
  std::uint8_t next_header;
  std::uint8_t reserved;
  Be16 offset;  // and, in the lowest bit, "more fragments follow"
  Be32 identification;
  static constexpr std::uint16_t kOffsetAndMoreMask = 0xFFF9;
};
static_assert(sizeof(Ipv6Fragment) == 8 && alignof(Ipv6Fragment) == 1);

struct TcpHeader {  // RFC 9293 3.1
  Be16 source_port, destination_port;
  Be32 sequence, acknowledgment;
  std::uint8_t data_offset;  // in the upper four bits, in units of 4 bytes
  std::uint8_t flags;
  Be16 window;
  Be16 checksum;
  Be16 urgent;
};
static_assert(sizeof(TcpHeader) == 20 && alignof(TcpHeader) == 1);

struct UdpHeader {  // RFC 768
  Be16 source_port, destination_port;
  Be16 length;
  Be16 checksum;
};
static_assert(sizeof(UdpHeader) == 8 && alignof(UdpHeader) == 1);

inline constexpr std::size_t kIcmpBytes = 8;    // RFC 792: every message has 8 bytes at least
inline constexpr std::size_t kIcmpv6Bytes = 4;  // RFC 4443 2.1: type, code, checksum

}  // namespace fulcrum
