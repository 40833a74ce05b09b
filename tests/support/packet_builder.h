// Frames by hand, for tests. Layers are stacked from the outside in; what is not said comes out right: lengths,
// checksums, the numbers that name the next layer. Every field can be said, also wrongly:
//
//   const auto frame = PacketBuilder{}.eth().ipv4({.ttl = 1}).tcp({.flags = tcp_flag::syn}).payload("x").build();
//
// Derived fields are optionals: left empty they are computed when build() is called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/packet/facts.h"

namespace fulcrum::test {

using Bytes = std::vector<std::byte>;

class PacketBuilder {
 public:
  struct Eth {
    std::string destination = "02:00:00:00:00:01", source = "02:00:00:00:00:02";
    std::optional<std::uint16_t> type{};
  };
  struct Vlan {
    std::uint16_t vid = 0;
    std::uint16_t priority = 0;
    std::uint16_t tag = 0x8100;
    std::optional<std::uint16_t> type{};
  };
  struct Ipv4 {
    std::string source = "192.0.2.1", destination = "198.51.100.10";
    std::uint8_t ttl = 64;
    std::uint8_t version = 4;
    std::uint16_t identification = 0x1234;
    std::uint16_t fragment = 0x4000;  // flags and offset as on the wire
    Bytes options{};                  // a multiple of 4 bytes
    std::optional<std::uint8_t> protocol{};
    std::optional<std::uint8_t> header_words{};  // IHL
    std::optional<std::uint16_t> total_length{};
    std::optional<std::uint16_t> checksum{};
  };
  struct Ipv6 {
    std::string source = "2001:db8::1", destination = "2001:db8:1::10";
    std::uint8_t hop_limit = 64;
    std::uint8_t version = 6;
    std::optional<std::uint8_t> next_header{};
    std::optional<std::uint16_t> payload_length{};
  };
  struct Extension {  // hop-by-hop options, destination options, routing
    std::uint8_t number = 60;
    std::uint8_t routing_type = 1;  // options: together with segments_left an empty PadN of 4 bytes
    std::uint8_t segments_left = 4;
    std::size_t more_units = 0;            // of 8 bytes
    std::optional<std::uint8_t> length{};  // in units of 8 bytes behind the first 8
    std::optional<std::uint8_t> next_header{};
  };
  struct Fragment {
    std::uint16_t offset = 0;  // in units of 8 bytes
    bool more = false;
    std::optional<std::uint8_t> next_header{};
  };
  struct Tcp {
    std::uint16_t source_port = 40000, destination_port = 80;
    std::uint8_t flags = tcp_flag::ack;
    Bytes options{};  // a multiple of 4 bytes
    std::optional<std::uint8_t> header_words{};
    std::optional<std::uint16_t> checksum{};
  };
  struct Udp {
    std::uint16_t source_port = 40000, destination_port = 53;
    std::optional<std::uint16_t> length{};
    std::optional<std::uint16_t> checksum{};
  };
  struct Icmp {                          // over IPv6: ICMPv6
    std::optional<std::uint8_t> type{};  // echo request
    std::uint8_t code = 0;
    std::optional<std::uint16_t> checksum{};
  };
  struct Arp {
    std::string sender = "192.0.2.1", target = "192.0.2.254";
  };

  PacketBuilder& eth(const Eth& fields);
  PacketBuilder& vlan(const Vlan& fields);
  PacketBuilder& ipv4(const Ipv4& fields);
  PacketBuilder& ipv6(const Ipv6& fields);
  PacketBuilder& extension(const Extension& fields);
  PacketBuilder& fragment(const Fragment& fields);
  PacketBuilder& tcp(const Tcp& fields);
  PacketBuilder& udp(const Udp& fields);
  PacketBuilder& icmp(const Icmp& fields);
  PacketBuilder& arp(const Arp& fields);
  PacketBuilder& eth() { return eth(Eth{}); }
  PacketBuilder& vlan() { return vlan(Vlan{}); }
  PacketBuilder& ipv4() { return ipv4(Ipv4{}); }
  PacketBuilder& ipv6() { return ipv6(Ipv6{}); }
  PacketBuilder& extension() { return extension(Extension{}); }
  PacketBuilder& fragment() { return fragment(Fragment{}); }
  PacketBuilder& tcp() { return tcp(Tcp{}); }
  PacketBuilder& udp() { return udp(Udp{}); }
  PacketBuilder& icmp() { return icmp(Icmp{}); }
  PacketBuilder& arp() { return arp(Arp{}); }
  PacketBuilder& payload(std::string_view text);
  // Link-layer padding, which no length counts.
  PacketBuilder& padding(std::size_t bytes);

  [[nodiscard]] Bytes build() const;

 private:
  // What a layer must know of those around it while the frame grows from the inside out.
  struct Around {
    std::uint16_t next = 0;        // number by which the layer names its inner neighbour
    std::uint64_t pseudo_sum = 0;  // addresses of the innermost IP header outside
    bool over_ipv6 = false;
  };
  struct Layer {
    std::uint16_t number = 0;  // by which the outer neighbour names it
    std::uint64_t address_sum = 0;
    bool is_ip = false;
    bool is_ipv6 = false;
    std::function<Bytes(const Around&, const Bytes& inner)> head;
  };
  [[nodiscard]] Around around(std::size_t layer) const;

  std::vector<Layer> layers_;
  std::string payload_;
  std::size_t padding_ = 0;
};

}  // namespace fulcrum::test
