// A frame as the packet of an ExplainQuestion would look on the wire: Ethernet to the port's own MAC, IPv4 or IPv6
// without options, TCP or UDP with right checksums, a payload of zeros.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "dataplane/base/address.h"
#include "dataplane/contract/explain.h"
#include "dataplane/packet/headers.h"

namespace fulcrum {

using MadePacket =
    std::array<std::byte, sizeof(EthernetHeader) + sizeof(Ipv6Header) + sizeof(TcpHeader) + kExplainPayloadMax>;

// Writes the frame to the front of `into` and returns that part. The question's protocol is TCP or UDP, its payload
// within bounds, its addresses of one family.
std::span<std::byte> make_packet(const ExplainQuestion& question, const Mac& own, MadePacket& into) noexcept;

}  // namespace fulcrum
