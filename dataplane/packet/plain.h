// Frames as nearly all are: no tag, IPv4 without options, not a fragment, TCP, and nothing wrong with them. What is
// looked at is looked at in words of eight bytes, several fields at a time, which takes a quarter of the instructions
// of going from header to header. Says yes or no; parse() knows what to call everything else.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/base/checksum.h"
#include "dataplane/packet/facts.h"
#include "dataplane/packet/frame.h"
#include "dataplane/packet/headers.h"

namespace fulcrum {

struct PlainFrame {
  EthernetHeader ethernet;
  Ipv4Header ip;
  TcpHeader tcp;
};
static_assert(sizeof(PlainFrame) == 54 && alignof(PlainFrame) == 1);

constexpr bool flags_are_absurd(std::uint8_t flags) noexcept {
  using namespace tcp_flag;
  if ((flags & (fin | syn | rst | psh | ack | urg)) == 0) return true;
  return (flags & syn) != 0 && (flags & (fin | rst)) != 0;
}

namespace plain {

inline constexpr std::size_t kIp = offsetof(PlainFrame, ip), kTcp = offsetof(PlainFrame, tcp);
inline constexpr std::size_t kSource = offsetof(PlainFrame, ip.source);
static_assert(offsetof(PlainFrame, ip.destination) == kSource + 4 && kTcp == kSource + 8);

template <std::unsigned_integral Word>
Word load(const std::byte* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// By the lowest six flags, whether they make sense together.
inline constexpr std::uint64_t kSoundFlags = [] {
  std::uint64_t sound = 0;
  for (std::uint8_t flags = 0; flags < 64; ++flags) sound |= std::uint64_t{!flags_are_absurd(flags)} << flags;
  return sound;
}();

// The one's-complement sum of words: an addition, additions with carry, and the last carry.
inline std::uint64_t sum_of(std::uint64_t a, std::uint64_t b, std::uint64_t c) noexcept {
#if defined(__x86_64__)
  asm("add %1, %0\n\tadc %2, %0\n\tadc $0, %0" : "+&r"(a) : "rm"(b), "rm"(c) : "cc");
  return a;
#else
  a += b;
  a += a < b ? 1U : 0U;
  a += c;
  return a + (a < c ? 1U : 0U);
#endif
}

// How a frame must begin: of its first 32 bytes those that matter, and which those are.
class Beginning {
 public:
  // To any one host.
  constexpr Beginning() noexcept {
    const auto put = [this](std::size_t at, std::uint8_t value, std::uint8_t mask) {
      bytes_[at] = std::byte{value};
      mask_[at] = std::byte{mask};
    };
    put(0, 0, 0x01);  // no group address
    put(12, 0x08, 0xFF);
    put(13, 0x00, 0xFF);
    put(kIp, 0x45, 0xFF);  // IPv4 without options
    static_assert(offsetof(PlainFrame, ip.fragment) == 20 && offsetof(PlainFrame, ip.protocol) == 23);
    put(20, 0, 0x3F);  // whole, whether it may be fragmented or not
    put(21, 0, 0xFF);
    put(23, static_cast<std::uint8_t>(Protocol::tcp), 0xFF);
  }
  // To this one.
  explicit Beginning(const Mac& host) noexcept : Beginning{} {
    std::memcpy(bytes_.data(), &host, sizeof host);
    std::fill_n(mask_.begin(), sizeof host, std::byte{0xFF});
  }
  [[nodiscard]] bool is_for(const Mac& host) const noexcept {
    return mask_[0] == std::byte{0xFF} && std::memcmp(bytes_.data(), &host, sizeof host) == 0;
  }
  // The frame has as many bytes.
  [[nodiscard]] bool is_of(const std::byte* frame) const noexcept {
#if defined(__AVX2__)
    const auto vector = [](const std::byte* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); };
    return _mm256_testz_si256(_mm256_xor_si256(vector(frame), vector(bytes_.data())), vector(mask_.data())) != 0;
#else
    std::uint64_t difference = 0;
    for (std::size_t at = 0; at < bytes_.size(); at += 8)
      difference |=
          (load<std::uint64_t>(frame + at) ^ load<std::uint64_t>(&bytes_[at])) & load<std::uint64_t>(&mask_[at]);
    return difference == 0;
#endif
  }

 private:
  alignas(32) std::array<std::byte, 32> bytes_{};
  alignas(32) std::array<std::byte, 32> mask_{};
};

// RFC 791, without options.
inline bool header_sum_is_right(const std::byte* frame) noexcept {
  return is_all_ones(sum_of(load<std::uint64_t>(frame + kIp), load<std::uint64_t>(frame + kIp + 8),
                            std::uint64_t{load<std::uint32_t>(frame + kIp + 16)}));
}

// RFC 1122 3.2.1.3, RFC 6890 2.2.2: see parse().
inline bool is_from_somewhere(const std::byte* frame) noexcept {
  const auto network = std::to_integer<std::uint32_t>(frame[kSource]);
  return network - 1U < 223 && network != 127;
}

inline bool has_two_ends(const std::byte* frame) noexcept {
  return load<std::uint32_t>(frame + kSource) != load<std::uint32_t>(frame + kSource + 4);
}

inline bool has_ports(const std::byte* frame) noexcept {
  const auto both = load<std::uint32_t>(frame + kTcp);
  return (both & 0xFFFFU) != 0 && both > 0xFFFFU;
}

// Addresses and segment lie side by side, so that one sum takes both; the rest of the pseudo-header is two numbers. The
// segment has more than 20 bytes.
[[gnu::noinline]] inline bool long_sum_is_right(const std::byte* frame, std::uint32_t segment_bytes) noexcept {
  const std::uint64_t rest = std::uint64_t{Be16{static_cast<std::uint16_t>(segment_bytes)}.wire()} +
                             Be16{static_cast<std::uint16_t>(Protocol::tcp)}.wire();
  return is_all_ones(ones_sum_wide({frame + kSource, 8 + segment_bytes}, rest));
}

// The same; of an acknowledgement without data or options, as there are many, inline.
inline bool segment_sum_is_right(const std::byte* frame, std::uint32_t segment_bytes) noexcept {
  if (segment_bytes != sizeof(TcpHeader)) return long_sum_is_right(frame, segment_bytes);
  constexpr std::uint64_t kRest =
      std::uint64_t{Be16{sizeof(TcpHeader)}.wire()} + Be16{static_cast<std::uint16_t>(Protocol::tcp)}.wire();
  const std::byte* const at = frame + kSource;
  const std::uint64_t ends =
      sum_of(kRest + load<std::uint32_t>(at + 24), load<std::uint64_t>(at), load<std::uint64_t>(at + 8));
  return is_all_ones(sum_of(ends, load<std::uint64_t>(at + 16), 0));
}

}  // namespace plain

// IP header and payload in bytes. Of a plain frame.
inline std::uint32_t plain_ip_length(const std::byte* frame) noexcept {
  const auto word = plain::load<std::uint64_t>(frame + offsetof(PlainFrame, ip.total_length));
  return static_cast<std::uint32_t>(BigEndian<std::uint64_t>::from_wire(word).host() >> 48U);
}

// The lowest six of its TCP flags.
inline std::uint8_t plain_flags(const std::byte* frame) noexcept {
  return std::to_integer<std::uint8_t>(frame[offsetof(PlainFrame, tcp.flags)]) & 63U;
}

// Whether a frame that begins as one is one, but for its TCP flags and for addresses and ports that nobody has.
[[gnu::always_inline]] inline bool goes_on_plainly(std::span<const std::byte> bytes, ChecksumFact checksum) noexcept {
  using namespace plain;
  const std::byte* const frame = bytes.data();
  const std::uint32_t ip_length = plain_ip_length(frame);
  const std::uint32_t tcp_bytes =
      std::to_integer<std::uint32_t>(frame[offsetof(PlainFrame, tcp.data_offset)]) >> 2U & 0x3CU;
  return tcp_bytes >= sizeof(TcpHeader) && sizeof(Ipv4Header) + tcp_bytes <= ip_length &&
         kIp + ip_length <= bytes.size() && has_two_ends(frame) && header_sum_is_right(frame) &&
         (checksum == ChecksumFact::verify ? segment_sum_is_right(frame, ip_length - std::uint32_t{sizeof(Ipv4Header)})
                                           : checksum != ChecksumFact::bad);
}

// Whether the frame is one, and to one host. Any thread; reads its arguments only.
[[nodiscard]] inline bool is_plain(std::span<const std::byte> bytes, ChecksumFact checksum) noexcept {
  static constexpr plain::Beginning kBeginning;
  const std::byte* const frame = bytes.data();
  return bytes.size() >= sizeof(PlainFrame) && kBeginning.is_of(frame) && goes_on_plainly(bytes, checksum) &&
         plain::is_from_somewhere(frame) && plain::has_ports(frame) &&
         (plain::kSoundFlags >> plain_flags(frame) & 1U) != 0;
}

}  // namespace fulcrum
