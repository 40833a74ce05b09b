#include "dataplane/packet/answer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/base/checksum.h"
#include "dataplane/packet/headers.h"

namespace fulcrum {
namespace {

constexpr std::uint8_t kTtl = 64;
// The shortest frame of Ethernet without its check sum: what came padded to it leaves padded too.
constexpr std::uint32_t kFrameMin = 60;

struct IcmpError {  // RFC 792, RFC 4443 3.1
  std::uint8_t type, code;
  Be16 checksum;
  Be32 unused;
};
static_assert(sizeof(IcmpError) == 8 && alignof(IcmpError) == 1);
constexpr std::size_t kQuoteMax = kFrameRoom - 18 - sizeof(Ipv6Header) - sizeof(IcmpError);

template <class Header>
Header load(const std::byte* at) noexcept {
  Header header;
  std::memcpy(&header, at, sizeof header);
  return header;
}

template <class Header>
void put(std::byte* at, const Header& header) noexcept {
  std::memcpy(at, &header, sizeof header);
}

Be16 checksum(std::uint64_t sum) noexcept { return Be16::from_wire(static_cast<std::uint16_t>(~fold(sum))); }

std::uint64_t pseudo_header(const Facts& facts, Protocol protocol, std::size_t bytes) noexcept {
  return ones_sum(facts.source) + ones_sum(facts.destination) + Be16{static_cast<std::uint16_t>(protocol)}.wire() +
         Be16{static_cast<std::uint16_t>(bytes)}.wire();
}

// From the destination of the packet to its source. Returns the header's length.
std::size_t put_network(std::byte* at, const Facts& facts, Protocol protocol, std::size_t bytes) noexcept {
  if (facts.source.is_v4()) {
    Ipv4Header header{};
    header.version_and_length = 0x45;
    header.total_length = Be16{static_cast<std::uint16_t>(sizeof header + bytes)};
    header.fragment = Be16{Ipv4Header::kDoNotFragment};
    header.ttl = kTtl;
    header.protocol = static_cast<std::uint8_t>(protocol);
    header.source = facts.destination.v4();
    header.destination = facts.source.v4();
    header.checksum = checksum(ones_sum(std::as_bytes(std::span{&header, 1})));
    put(at, header);
    return sizeof header;
  }
  Ipv6Header header{};
  header.version_class_flow = Be32{6U << 28U};
  header.payload_length = Be16{static_cast<std::uint16_t>(bytes)};
  header.next_header = static_cast<std::uint8_t>(protocol);
  header.hop_limit = kTtl;
  header.source = facts.destination.bytes();
  header.destination = facts.source.bytes();
  put(at, header);
  return sizeof header;
}

std::size_t network_bytes(const Facts& facts) noexcept {
  return facts.source.is_v4() ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
}

void turn_around(Frame& frame, std::size_t length) noexcept {
  auto ethernet = load<EthernetHeader>(frame.data);
  std::swap(ethernet.destination, ethernet.source);
  put(frame.data, ethernet);
  const std::size_t padded = std::max<std::size_t>(length, std::min(frame.length, kFrameMin));
  std::memset(frame.data + length, 0, padded - length);
  frame.length = static_cast<std::uint32_t>(padded);
}

}  // namespace

void make_reset(Frame& frame, const Facts& facts) noexcept {
  const auto asked = load<TcpHeader>(frame.data + facts.l4_offset);
  const std::size_t headers = facts.l4_offset - facts.l3_offset + (asked.data_offset >> 4U) * 4U;
  TcpHeader reset{};
  reset.source_port = asked.destination_port;
  reset.destination_port = asked.source_port;
  reset.data_offset = sizeof reset / 4 << 4U;
  reset.flags = tcp_flag::rst;
  if ((asked.flags & tcp_flag::ack) != 0) {
    reset.sequence = asked.acknowledgment;
  } else {
    const auto payload = static_cast<std::uint32_t>(facts.ip_length - headers);
    const std::uint32_t flags =
        ((asked.flags & tcp_flag::syn) != 0 ? 1U : 0U) + ((asked.flags & tcp_flag::fin) != 0 ? 1U : 0U);
    reset.acknowledgment = Be32{asked.sequence.host() + payload + flags};
    reset.flags |= tcp_flag::ack;
  }
  reset.checksum =
      checksum(pseudo_header(facts, Protocol::tcp, sizeof reset) + ones_sum(std::as_bytes(std::span{&reset, 1})));
  const std::size_t at =
      facts.l3_offset + put_network(frame.data + facts.l3_offset, facts, Protocol::tcp, sizeof reset);
  put(frame.data + at, reset);
  turn_around(frame, at + sizeof reset);
}

void make_unreachable(Frame& frame, const Facts& facts) noexcept {
  const bool v4 = facts.source.is_v4();
  const std::size_t wanted = static_cast<std::size_t>(facts.l4_offset - facts.l3_offset) + 8;
  const std::size_t quoted = std::min({wanted, static_cast<std::size_t>(facts.ip_length), kQuoteMax});
  std::array<std::byte, sizeof(IcmpError) + kQuoteMax> message;
  std::memcpy(message.data() + sizeof(IcmpError), frame.data + facts.l3_offset, quoted);
  const std::size_t bytes = sizeof(IcmpError) + quoted;
  const Protocol protocol = v4 ? Protocol::icmp : Protocol::icmpv6;
  IcmpError error{};
  error.type = v4 ? 3 : 1;
  error.code = v4 ? 3 : 4;
  put(message.data(), error);
  error.checksum =
      checksum((v4 ? 0 : pseudo_header(facts, protocol, bytes)) + ones_sum(std::span{message}.first(bytes)));
  put(message.data(), error);
  const std::size_t at = facts.l3_offset + network_bytes(facts);
  put_network(frame.data + facts.l3_offset, facts, protocol, bytes);
  std::memcpy(frame.data + at, message.data(), bytes);
  turn_around(frame, at + bytes);
}

}  // namespace fulcrum
