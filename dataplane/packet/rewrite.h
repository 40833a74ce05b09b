// Facts and a decision back to bytes: readdressing with incremental checksums (RFC 1624), TTL, MAC addresses. All
// functions require facts that parse() filled from the same bytes. Any thread; they touch only their arguments.
#pragma once

#include <cstddef>
#include <span>

#include "dataplane/base/address.h"
#include "dataplane/packet/facts.h"

namespace fulcrum {

// How addresses and checksums change when a packet is readdressed.
struct Readdress {
  Address address;  // the new destination (to_server) or source (to_client)
  Be16 port{0};
  std::uint16_t address_delta = 0;       // of the IPv4 header checksum
  std::uint16_t address_port_delta = 0;  // of the TCP or UDP checksum
};

// Client to server: replaces destination address and port.
void readdress_destination(std::span<std::byte> frame, const Facts& facts, const Readdress& change) noexcept;
// Server to client: replaces source address and port.
void readdress_source(std::span<std::byte> frame, const Facts& facts, const Readdress& change) noexcept;
// Decrements TTL or hop limit. The caller has seen that it is above 1 (RFC 1812 5.3.1).
void decrement_ttl(std::span<std::byte> frame, const Facts& facts) noexcept;
// Sets both MAC addresses.
void set_macs(std::span<std::byte> frame, const Mac& destination, const Mac& source) noexcept;

}  // namespace fulcrum
