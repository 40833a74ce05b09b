// What became of a packet. Every packet that a port or a kernel twin hands in ends in exactly one of: sent, punted to
// Linux, or dropped for one of the reasons below. The table is the one place where reasons are named: counters,
// `fulcrum show drops`, the manual and the golden tests all come from it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fulcrum {

// Stored in counters by value: append, never reorder.
enum class Drop : std::uint8_t {
  none = 0,
  // parse
  too_short,
  unknown_ethertype,
  vlan,
  multi_segment,
  ipv4_truncated,
  ipv4_version,
  ipv4_header_length,
  ipv4_total_length,
  ipv4_checksum,
  ipv4_source_route,
  ipv6_truncated,
  ipv6_version,
  ipv6_payload_length,
  ipv6_extension,
  ipv6_routing_header,
  fragment,
  unknown_protocol,
  tcp_truncated,
  tcp_header_length,
  tcp_flags,
  udp_truncated,
  udp_length,
  icmp_truncated,
  l4_port_zero,
  l4_checksum,
  bad_source,
  // classify
  not_our_mac,
  not_ours,
  no_service,
  no_configuration,
  // lookup and schedule
  no_connection,
  no_server,
  table_full,
  server_gone,
  // rewrite
  ttl,
  mtu,
  no_route,
  no_neighbour,
  // input and output
  tx_full,
  punt_full,
  twin_refused,
  lost_in_restart,
  connection_reset,  // schedule
  servers_full,
  farm_full,
  port_taken,
};
inline constexpr std::size_t kDropReasons = static_cast<std::size_t>(Drop::port_taken) + 1;
inline constexpr std::size_t kDropReasonsMax = 64;  // room in the counters' layout
static_assert(kDropReasons <= kDropReasonsMax);

struct DropReason {
  Drop drop;
  std::string_view name;   // as in the enum
  std::string_view means;  // one sentence for the person who reads the counter
};

inline constexpr std::array<DropReason, kDropReasons> kDropReasonTable{{
    {Drop::none, "none", "not dropped"},
    {Drop::too_short, "too_short", "shorter than its Ethernet header, or an ARP packet cut short"},
    {Drop::unknown_ethertype, "unknown_ethertype", "neither IPv4, IPv6, ARP nor a VLAN tag"},
    {Drop::vlan, "vlan", "tagged for a VLAN that no port is configured for"},
    {Drop::multi_segment, "multi_segment", "larger than one buffer: check the port's MTU"},
    {Drop::ipv4_truncated, "ipv4_truncated", "frame ends inside the IPv4 header"},
    {Drop::ipv4_version, "ipv4_version", "IPv4 EtherType with another IP version"},
    {Drop::ipv4_header_length, "ipv4_header_length", "IPv4 header length below 20 or beyond the packet"},
    {Drop::ipv4_total_length, "ipv4_total_length", "IPv4 total length below the header or beyond the frame"},
    {Drop::ipv4_checksum, "ipv4_checksum", "wrong IPv4 header checksum"},
    {Drop::ipv4_source_route, "ipv4_source_route", "IPv4 source-route option (RFC 7126)"},
    {Drop::ipv6_truncated, "ipv6_truncated", "frame ends inside the IPv6 header or an extension header"},
    {Drop::ipv6_version, "ipv6_version", "IPv6 EtherType with another IP version"},
    {Drop::ipv6_payload_length, "ipv6_payload_length", "IPv6 payload length beyond the frame, or a jumbogram"},
    {Drop::ipv6_extension, "ipv6_extension", "too many IPv6 extension headers, or one out of place"},
    {Drop::ipv6_routing_header, "ipv6_routing_header",
     "IPv6 routing header of type 0 (RFC 5095) or with segments left"},
    {Drop::fragment, "fragment", "IP fragment for a service (reassembly comes later)"},
    {Drop::unknown_protocol, "unknown_protocol", "neither TCP, UDP nor ICMP, and not for the box itself"},
    {Drop::tcp_truncated, "tcp_truncated", "packet ends inside the TCP header"},
    {Drop::tcp_header_length, "tcp_header_length", "TCP data offset below 20 or beyond the packet"},
    {Drop::tcp_flags, "tcp_flags", "TCP flags that no stack sends (none, SYN+FIN, SYN+RST)"},
    {Drop::udp_truncated, "udp_truncated", "packet ends inside the UDP header"},
    {Drop::udp_length, "udp_length", "UDP length below 8 or beyond the packet"},
    {Drop::icmp_truncated, "icmp_truncated", "packet ends inside the ICMP header"},
    {Drop::l4_port_zero, "l4_port_zero", "TCP or UDP port 0"},
    {Drop::l4_checksum, "l4_checksum",
     "wrong TCP or UDP checksum; on veth: turn transmit checksum offload off at the sender"},
    {Drop::bad_source, "bad_source", "source address is multicast, loopback, unspecified or our own"},
    {Drop::not_our_mac, "not_our_mac", "addressed to another station"},
    {Drop::not_ours, "not_ours", "destination is neither a service nor an address of the box"},
    {Drop::no_service, "no_service", "TCP or UDP to a farm's address on a port that no farm serves"},
    {Drop::no_configuration, "no_configuration", "arrived before the control plane published a configuration"},
    {Drop::no_connection, "no_connection", "middle of a TCP connection that is not in the table"},
    {Drop::no_server, "no_server", "no server of the farm can take a connection"},
    {Drop::table_full, "table_full", "connection table full"},
    {Drop::server_gone, "server_gone", "the connection's server was removed from the farm"},
    {Drop::ttl, "ttl", "TTL or hop limit used up"},
    {Drop::mtu, "mtu", "larger than the MTU of the port it leaves by"},
    {Drop::no_route, "no_route", "no route to the destination"},
    {Drop::no_neighbour, "no_neighbour", "MAC address of the next hop not known yet"},
    {Drop::tx_full, "tx_full", "transmit queue full"},
    {Drop::punt_full, "punt_full", "queue to Linux full"},
    {Drop::twin_refused, "twin_refused", "Linux did not take the packet from the kernel twin"},
    {Drop::lost_in_restart, "lost_in_restart", "was in the dataplane's hands when the process died"},
    {Drop::connection_reset, "connection_reset",
     "its server left the farm or is in maintenance and the farm resets such connections, or the farm's mode changed"},
    {Drop::servers_full, "servers_full", "every server of the farm that takes connections has as many as it may have"},
    {Drop::farm_full, "farm_full", "the farm has as many connections as it may have"},
    {Drop::port_taken, "port_taken",
     "at every server, this port of the client has a connection through another address or port of ours already"},
}};

// What a packet that is dropped is answered with, in its place. Not among the packets of the identity: the packet was
// dropped, for a reason that is counted, and the answer is one of our own. Stored in counters by value.
enum class Answer : std::uint8_t { none = 0, tcp_reset = 1, unreachable = 2 };
inline constexpr std::size_t kAnswers = 3;
struct AnswerKind {
  Answer answer;
  std::string_view name, means;
};
inline constexpr std::array<AnswerKind, kAnswers> kAnswerTable{{
    {Answer::none, "none", "no answer"},
    {Answer::tcp_reset, "tcp_reset", "TCP reset"},
    {Answer::unreachable, "unreachable", "ICMP destination unreachable, port unreachable"},
}};

constexpr bool drop_table_in_order() {
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    if (static_cast<std::size_t>(kDropReasonTable[i].drop) != i) return false;
  }
  return true;
}
static_assert(drop_table_in_order());

constexpr std::string_view name(Drop drop) { return kDropReasonTable[static_cast<std::size_t>(drop)].name; }

}  // namespace fulcrum
