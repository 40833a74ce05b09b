// Facts and a decision back to bytes: readdressing with incremental checksums (RFC 1624), TTL, MAC addresses. All
// functions require facts that parse() filled from the same bytes. Any thread; they touch only their arguments. Inline,
// because each is a few instructions for every packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "dataplane/base/address.h"
#include "dataplane/base/checksum.h"
#include "dataplane/packet/facts.h"
#include "dataplane/packet/headers.h"
#include "dataplane/packet/plain.h"

namespace fulcrum {

// How addresses and checksums change when a packet is readdressed.
struct Readdress {
  Address address;  // the new destination (to_server) or source (to_client)
  Be16 port{0};
  std::uint16_t address_delta = 0;       // of the IPv4 header checksum
  std::uint16_t address_port_delta = 0;  // of the TCP or UDP checksum
};

namespace rewriting {

enum class End : std::uint8_t { source, destination };

template <class T>
T load(const std::byte* at) noexcept {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) == 1);
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T>
void store(std::byte* at, const T& value) noexcept {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) == 1);
  std::memcpy(at, &value, sizeof value);
}

// RFC 768: 0 says that there is no checksum, so it stays; a checksum which comes out as 0 is sent as its other form.
inline void change_udp_sum(std::byte* at, std::uint16_t delta) noexcept {
  const auto before = load<Be16>(at);
  if (before.wire() == 0) return;
  const Be16 after = apply_delta(before, delta);
  store(at, after.wire() == 0 ? Be16{0xFFFF} : after);
}

// TTL is the upper half of its 16-bit word: the sum shrinks by 0x0100 whatever stands beside it.
inline constexpr std::uint16_t kTtlDelta = checksum_delta(Be16{0x0100}.wire(), 0);

inline void decrement(std::byte* at) noexcept { *at = static_cast<std::byte>(std::to_integer<unsigned>(*at) - 1U); }

// All that is read is read first: for all that the compiler knows, a store into the frame changes everything else.
// Inline whatever the compiler thinks: `change` would be put together in memory first.
template <End kEnd, bool kForward>
[[gnu::always_inline]] inline void readdress(std::span<std::byte> frame, const Facts& facts,
                                             const Readdress& change) noexcept {
  constexpr bool kSource = kEnd == End::source;
  std::byte* const network = frame.data() + facts.l3_offset;
  std::byte* const transport = frame.data() + facts.l4_offset;
  const PacketKind kind = facts.kind;
  const Be16 port = change.port;
  const std::uint16_t delta = change.address_delta;
  const std::uint16_t port_delta = change.address_port_delta;
  if (change.address.is_v4()) {
    store(network + (kSource ? offsetof(Ipv4Header, source) : offsetof(Ipv4Header, destination)), change.address.v4());
    std::byte* const sum = network + offsetof(Ipv4Header, checksum);
    const Be16 readdressed = apply_delta(load<Be16>(sum), delta);
    store(sum, kForward ? apply_delta(readdressed, kTtlDelta) : readdressed);
    if (kForward) decrement(network + offsetof(Ipv4Header, ttl));
  } else {
    store(network + (kSource ? offsetof(Ipv6Header, source) : offsetof(Ipv6Header, destination)),
          change.address.bytes());
    if (kForward) decrement(network + offsetof(Ipv6Header, hop_limit));
  }
  if (kind == PacketKind::tcp) {
    store(transport + (kSource ? offsetof(TcpHeader, source_port) : offsetof(TcpHeader, destination_port)), port);
    std::byte* const sum = transport + offsetof(TcpHeader, checksum);
    store(sum, apply_delta(load<Be16>(sum), port_delta));
  } else if (kind == PacketKind::udp) {
    store(transport + (kSource ? offsetof(UdpHeader, source_port) : offsetof(UdpHeader, destination_port)), port);
    change_udp_sum(transport + offsetof(UdpHeader, checksum), port_delta);
  }
}

template <End kEnd>
[[gnu::always_inline]] inline void readdress_plain(std::byte* frame, const Readdress& change) noexcept {
  constexpr bool kSource = kEnd == End::source;
  std::byte* const ip_sum = frame + offsetof(PlainFrame, ip.checksum);
  std::byte* const tcp_sum = frame + offsetof(PlainFrame, tcp.checksum);
  const Be32 address = change.address.v4();
  const Be16 port = change.port;
  const Be16 new_ip_sum = apply_delta(apply_delta(load<Be16>(ip_sum), change.address_delta), kTtlDelta);
  const Be16 new_tcp_sum = apply_delta(load<Be16>(tcp_sum), change.address_port_delta);
  decrement(frame + offsetof(PlainFrame, ip.ttl));
  store(ip_sum, new_ip_sum);
  store(frame + (kSource ? offsetof(PlainFrame, ip.source) : offsetof(PlainFrame, ip.destination)), address);
  store(frame + (kSource ? offsetof(PlainFrame, tcp.source_port) : offsetof(PlainFrame, tcp.destination_port)), port);
  store(tcp_sum, new_tcp_sum);
}

}  // namespace rewriting

// Client to server: replaces destination address and port.
inline void readdress_destination(std::span<std::byte> frame, const Facts& facts, const Readdress& change) noexcept {
  rewriting::readdress<rewriting::End::destination, false>(frame, facts, change);
}

// Server to client: replaces source address and port.
inline void readdress_source(std::span<std::byte> frame, const Facts& facts, const Readdress& change) noexcept {
  rewriting::readdress<rewriting::End::source, false>(frame, facts, change);
}

// The same for a packet that is forwarded: TTL or hop limit are decremented, too. The caller has seen that it is above
// 1 (RFC 1812 5.3.1).
inline void forward_to_server(std::span<std::byte> frame, const Facts& facts, const Readdress& change) noexcept {
  rewriting::readdress<rewriting::End::destination, true>(frame, facts, change);
}
inline void forward_to_client(std::span<std::byte> frame, const Facts& facts, const Readdress& change) noexcept {
  rewriting::readdress<rewriting::End::source, true>(frame, facts, change);
}

// The same for a plain frame (packet/plain.h), readdressed to another IPv4 address.
inline void forward_plain_to_server(std::byte* frame, const Readdress& change) noexcept {
  rewriting::readdress_plain<rewriting::End::destination>(frame, change);
}
inline void forward_plain_to_client(std::byte* frame, const Readdress& change) noexcept {
  rewriting::readdress_plain<rewriting::End::source>(frame, change);
}

// Sets both MAC addresses, given as Mac::word().
inline void set_macs(std::span<std::byte> frame, std::uint64_t destination, std::uint64_t source) noexcept {
  const std::uint64_t first = destination | source << 48U;
  const auto rest = static_cast<std::uint32_t>(source >> 16U);
  std::memcpy(frame.data(), &first, sizeof first);
  std::memcpy(frame.data() + sizeof first, &rest, sizeof rest);
}

}  // namespace fulcrum
