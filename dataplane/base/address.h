// IP addresses, prefixes and MAC addresses. An Address holds both families in 16 bytes, network byte order; an IPv4
// address is kept IPv4-mapped (RFC 4291 2.5.5.2), so one key layout serves both and they can never collide.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "dataplane/base/big_endian.h"
#include "dataplane/base/result.h"

namespace fulcrum {

enum class Family : std::uint8_t { ipv4 = 4, ipv6 = 6 };

class Address {
 public:
  Address() = default;  // ::, which no packet on the wire may carry as a destination
  static constexpr Address v4(Be32 address) noexcept {
    Address result;
    result.words_[0] = 0;
    result.words_[1] = v4_word(address.wire());
    return result;
  }
  static Address v6(const std::uint8_t* sixteen_bytes) noexcept {
    Address result;
    std::memcpy(result.words_.data(), sixteen_bytes, sizeof result.words_);
    return result;
  }
  static Result<Address> parse(std::string_view text);  // "192.0.2.1" or "2001:db8::1"

  [[nodiscard]] constexpr bool is_v4() const noexcept { return words_[0] == 0 && (words_[1] & kMarkMask) == kMark; }
  [[nodiscard]] constexpr Family family() const noexcept { return is_v4() ? Family::ipv4 : Family::ipv6; }
  // Only for an IPv4 address.
  [[nodiscard]] constexpr Be32 v4() const noexcept {
    return Be32::from_wire(
        static_cast<std::uint32_t>(words_[1] >> (std::endian::native == std::endian::little ? 32 : 0)));
  }
  [[nodiscard]] std::array<std::uint8_t, 16> bytes() const noexcept {
    return std::bit_cast<std::array<std::uint8_t, 16>>(words_);
  }
  // The 16 bytes as two native words, for hashing and comparing; not for arithmetic.
  [[nodiscard]] constexpr const std::array<std::uint64_t, 2>& words() const noexcept { return words_; }
  [[nodiscard]] bool is_multicast() const noexcept;
  [[nodiscard]] bool is_loopback() const noexcept;
  [[nodiscard]] bool is_unspecified() const noexcept;  // 0.0.0.0/8 or ::
  [[nodiscard]] bool is_link_local() const noexcept;   // 169.254.0.0/16 or fe80::/10
  [[nodiscard]] std::string text() const;

  friend constexpr bool operator==(const Address& a, const Address& b) noexcept {
    return ((a.words_[0] ^ b.words_[0]) | (a.words_[1] ^ b.words_[1])) == 0;
  }
  // Numeric order (as network byte order), so that a prefix is a range.
  friend constexpr bool operator<(const Address& a, const Address& b) noexcept {
    const auto high_a = BigEndian<std::uint64_t>::from_wire(a.words_[0]).host();
    const auto high_b = BigEndian<std::uint64_t>::from_wire(b.words_[0]).host();
    if (high_a != high_b) return high_a < high_b;
    return BigEndian<std::uint64_t>::from_wire(a.words_[1]).host() <
           BigEndian<std::uint64_t>::from_wire(b.words_[1]).host();
  }

 private:
  static constexpr std::uint64_t kMark =
      std::endian::native == std::endian::little ? 0x00000000FFFF0000U : 0x0000FFFF00000000U;
  static constexpr std::uint64_t kMarkMask =
      std::endian::native == std::endian::little ? 0x00000000FFFFFFFFU : 0xFFFFFFFF00000000U;
  static constexpr std::uint64_t v4_word(std::uint32_t wire) noexcept {
    return std::endian::native == std::endian::little ? (static_cast<std::uint64_t>(wire) << 32U) | kMark
                                                      : kMark | wire;
  }
  std::array<std::uint64_t, 2> words_{};
};
static_assert(sizeof(Address) == 16);

// An address with the length of its network part. IPv4 lengths are 0 to 32, as people write them.
struct Prefix {
  Address address;
  std::uint8_t length = 0;

  static Result<Prefix> parse(std::string_view text);  // "192.0.2.1/24"; the host part is kept
  [[nodiscard]] bool contains(const Address& other) const noexcept;
  [[nodiscard]] Address first() const noexcept;  // host part all zeros
  [[nodiscard]] Address last() const noexcept;   // host part all ones
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Prefix&, const Prefix&) = default;
};

struct Mac {
  std::array<std::uint8_t, 6> bytes{};

  static Result<Mac> parse(std::string_view text);  // "02:00:00:00:00:01"
  // The six bytes in the low 48 bits of a native word, the first one lowest, and back. A word stays in a register,
  // where six bytes that are written in pieces and read in others wait for the store buffer.
  [[nodiscard]] std::uint64_t word() const noexcept {
    std::uint32_t low = 0;
    std::uint16_t high = 0;
    std::memcpy(&low, bytes.data(), sizeof low);
    std::memcpy(&high, bytes.data() + sizeof low, sizeof high);
    return low | static_cast<std::uint64_t>(high) << 32U;
  }
  static Mac from_word(std::uint64_t word) noexcept {
    static_assert(std::endian::native == std::endian::little);
    Mac mac;
    std::memcpy(mac.bytes.data(), &word, sizeof mac);
    return mac;
  }
  [[nodiscard]] bool is_group() const noexcept { return (bytes[0] & 1U) != 0; }  // multicast or broadcast
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Mac& a, const Mac& b) noexcept {
    return std::memcmp(a.bytes.data(), b.bytes.data(), 6) == 0;
  }
};
static_assert(sizeof(Mac) == 6 && alignof(Mac) == 1);

}  // namespace fulcrum
