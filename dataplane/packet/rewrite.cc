#include "dataplane/packet/rewrite.h"

#include <cstring>
#include <type_traits>

#include "dataplane/base/checksum.h"
#include "dataplane/packet/headers.h"

namespace fulcrum {
namespace {

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

void change_sum(std::byte* at, std::uint16_t delta) noexcept { store(at, apply_delta(load<Be16>(at), delta)); }

// RFC 768: 0 says that there is no checksum, so it stays; a checksum which comes out as 0 is sent as its other form.
void change_udp_sum(std::byte* at, std::uint16_t delta) noexcept {
  const auto before = load<Be16>(at);
  if (before.wire() == 0) return;
  const Be16 after = apply_delta(before, delta);
  store(at, after.wire() == 0 ? Be16{0xFFFF} : after);
}

template <End kEnd>
void readdress(std::span<std::byte> frame, const Facts& facts, const Readdress& change) noexcept {
  constexpr bool kSource = kEnd == End::source;
  std::byte* const network = frame.data() + facts.l3_offset;
  if (change.address.is_v4()) {
    store(network + (kSource ? offsetof(Ipv4Header, source) : offsetof(Ipv4Header, destination)), change.address.v4());
    change_sum(network + offsetof(Ipv4Header, checksum), change.address_delta);
  } else {
    store(network + (kSource ? offsetof(Ipv6Header, source) : offsetof(Ipv6Header, destination)),
          change.address.bytes());
  }
  std::byte* const transport = frame.data() + facts.l4_offset;
  if (facts.kind == PacketKind::tcp) {
    store(transport + (kSource ? offsetof(TcpHeader, source_port) : offsetof(TcpHeader, destination_port)),
          change.port);
    change_sum(transport + offsetof(TcpHeader, checksum), change.address_port_delta);
  } else if (facts.kind == PacketKind::udp) {
    store(transport + (kSource ? offsetof(UdpHeader, source_port) : offsetof(UdpHeader, destination_port)),
          change.port);
    change_udp_sum(transport + offsetof(UdpHeader, checksum), change.address_port_delta);
  }
}

}  // namespace

void readdress_destination(std::span<std::byte> frame, const Facts& facts, const Readdress& change) noexcept {
  readdress<End::destination>(frame, facts, change);
}

void readdress_source(std::span<std::byte> frame, const Facts& facts, const Readdress& change) noexcept {
  readdress<End::source>(frame, facts, change);
}

void decrement_ttl(std::span<std::byte> frame, const Facts& facts) noexcept {
  std::byte* const network = frame.data() + facts.l3_offset;
  const bool v4 = facts.source.is_v4();
  std::byte* const ttl = network + (v4 ? offsetof(Ipv4Header, ttl) : offsetof(Ipv6Header, hop_limit));
  *ttl = static_cast<std::byte>(std::to_integer<unsigned>(*ttl) - 1U);
  // TTL is the upper half of its 16-bit word: the sum shrinks by 0x0100 whatever stands beside it.
  constexpr std::uint16_t kDelta = checksum_delta(Be16{0x0100}.wire(), 0);
  if (v4) change_sum(network + offsetof(Ipv4Header, checksum), kDelta);
}

void set_macs(std::span<std::byte> frame, const Mac& destination, const Mac& source) noexcept {
  store(frame.data() + offsetof(EthernetHeader, destination), destination);
  store(frame.data() + offsetof(EthernetHeader, source), source);
}

}  // namespace fulcrum
