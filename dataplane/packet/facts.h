// What the parse stage learnt about a frame. Later stages read it instead of the bytes.
#pragma once

#include <cstdint>

#include "dataplane/base/address.h"
#include "dataplane/base/big_endian.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/contract/verdict.h"

namespace fulcrum {

enum class PacketKind : std::uint8_t {
  tcp,
  udp,
  icmp,      // ICMP or ICMPv6
  other_ip,  // an IP packet whose payload we do not look into (other protocols)
  fragment,  // an IP fragment, first or later; addresses are known, ports are not
  arp,
  link_local,  // Ethernet control (LLDP, LACP and the like, 01:80:c2:00:00:0x): Linux's business
};

namespace tcp_flag {
inline constexpr std::uint8_t fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10, urg = 0x20;
}

struct Facts {
  Address source, destination;               // IP kinds
  Be16 source_port{0}, destination_port{0};  // tcp, udp
  PacketKind kind = PacketKind::other_ip;
  Protocol protocol{};   // the transport's number as on the wire
  std::uint8_t ttl = 0;  // or hop limit
  std::uint8_t tcp_flags = 0;
  std::uint16_t l3_offset = 0;   // of the IP header in the frame
  std::uint16_t l4_offset = 0;   // of the transport header in the frame
  std::uint16_t ip_length = 0;   // IP header and payload, without link-layer padding
  bool do_not_fragment = false;  // DF, or IPv6
  [[nodiscard]] bool is_ip() const noexcept { return kind != PacketKind::arp && kind != PacketKind::link_local; }
  [[nodiscard]] bool has_ports() const noexcept { return kind == PacketKind::tcp || kind == PacketKind::udp; }
};

}  // namespace fulcrum
