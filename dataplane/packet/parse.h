// Bytes to facts. Distrusts every length: a header is taken only from bytes that are there, a length field is believed
// only after it was compared with the bytes. No allocation, no exception, bounded by the frame's length.
//
// One pass from the outside in: Ethernet, priority tags, IP and its extension headers, transport. What is wrong is
// named by the innermost header that could still be read. What is right but not for us to look into (fragments, other
// protocols, ARP) is a kind of its own, and whether that is forwarded, punted or dropped is classify's business.
#pragma once

#include <cstddef>
#include <span>

#include "dataplane/packet/facts.h"
#include "dataplane/packet/frame.h"

namespace fulcrum {

// Headers (IPv6 extensions) walked before a packet is given up as Drop::ipv6_extension.
inline constexpr unsigned kExtensionHeadersMax = 8;
// VLAN tags walked before a frame is given up as Drop::vlan.
inline constexpr unsigned kVlanTagsMax = 2;

// Parses one Ethernet frame. Returns Drop::none and fills `facts`, or the reason why the frame is not forwarded;
// `facts` then has no meaning. IPv4 header checksums are verified here; transport checksums as `checksum` asks, where a
// UDP checksum of 0 over IPv4 means none and is right whatever the port says of it. Any thread; touches only its
// arguments.
//
// Where standards leave a choice:
// - A priority tag (VLAN identifier 0) is looked through and stays on the frame.
// - An unspecified source passes where hosts without an address need it: as `icmp` for ICMPv6 (duplicate address
//   detection, RFC 4862 5.4.2) and as `other_ip` for DHCP (UDP from 68 to 67, RFC 2131 4.1), so no service gets it.
// - The same address as source and destination is Drop::bad_source (the "land" attack, CERT CA-1997-28).
// - An IPv4-mapped address in an IPv6 header never belongs on a wire and would look like the IPv4 address itself (RFC
//   4942 2.2): Drop::bad_source or, as a destination, Drop::not_ours.
// - A routing header with segments left is dropped whatever its type: the final destination and so the transport's
//   checksum are not what the IPv6 header says.
// - An atomic fragment is a whole packet (RFC 6946).
// RFC 791, 8200, 9293, 768, 1122 3.2.1, 5095, 7112.
[[nodiscard]] Drop parse(std::span<const std::byte> frame, ChecksumFact checksum, Facts& facts) noexcept;

}  // namespace fulcrum
