// Bytes to facts. Distrusts every length: a header is taken only from bytes that are there, a length field is believed
// only after it was compared with the bytes. No allocation, no exception, bounded by the frame's length.
#pragma once

#include <cstddef>
#include <span>

#include "dataplane/packet/facts.h"
#include "dataplane/packet/frame.h"

namespace fulcrum {

// Headers (IPv6 extensions) walked before a packet is given up as Drop::ipv6_extension.
inline constexpr unsigned kExtensionHeadersMax = 8;

// Parses one Ethernet frame. Returns Drop::none and fills `facts`, or the reason why the frame is not forwarded.
// IPv4 header checksums are verified here; transport checksums as `checksum` asks. Any thread; touches only its
// arguments. RFC 791, 8200, 9293, 768, 1122 3.2.1, 5095, 7112.
[[nodiscard]] Drop parse(std::span<const std::byte> frame, ChecksumFact checksum, Facts& facts) noexcept;

}  // namespace fulcrum
