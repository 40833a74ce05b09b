// The Internet checksum (RFC 1071) and its incremental update (RFC 1624, equation 3). All sums are over 16-bit words
// as they lie in memory, so no byte swap is needed: one's-complement addition does not care about byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/base/address.h"
#include "dataplane/base/big_endian.h"

namespace fulcrum {

// Folds a sum of 16-bit words into one word with end-around carry.
constexpr std::uint16_t fold(std::uint64_t sum) noexcept {
  sum = (sum & 0xFFFFFFFFU) + (sum >> 32U);
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  return static_cast<std::uint16_t>(sum);
}

// The unfolded one's-complement sum of `bytes`, of any length.
inline std::uint64_t ones_sum(std::span<const std::byte> bytes, std::uint64_t sum = 0) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 4; left -= 4, at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, at, 4);
    sum += word;
  }
  // By hand: a memcpy of unknown length is a call, and most packets are short.
  std::uint16_t word = 0;
  if (left >= 2) {
    std::memcpy(&word, at, 2);
    sum += word;
    at += 2;
  }
  std::uint16_t tail = 0;
  if ((left & 1U) != 0) std::memcpy(&tail, at, 1);
  return sum + tail;
}

constexpr std::uint64_t ones_sum(const Address& address) noexcept {
  // The mapping prefix of an IPv4 address (0xFFFF) is zero in one's complement, so both families sum alike.
  std::uint64_t sum = 0;
  for (const std::uint64_t word : address.words()) sum += (word & 0xFFFFFFFFU) + (word >> 32U);
  return sum;
}

// The change that replacing `from` by `to` makes to a one's-complement sum. Keep it per connection, apply it per
// packet with apply_delta.
constexpr std::uint16_t checksum_delta(std::uint64_t from_sum, std::uint64_t to_sum) noexcept {
  return fold(static_cast<std::uint64_t>(static_cast<std::uint16_t>(~fold(from_sum))) + fold(to_sum));
}

// The delta of the way back.
constexpr std::uint16_t inverse_delta(std::uint16_t delta) noexcept { return static_cast<std::uint16_t>(~delta); }

// RFC 1624: HC' = ~(~HC + ~m + m').
constexpr Be16 apply_delta(Be16 checksum, std::uint16_t delta) noexcept {
  const auto complement = static_cast<std::uint16_t>(~checksum.wire());
  return Be16::from_wire(static_cast<std::uint16_t>(~fold(static_cast<std::uint64_t>(complement) + delta)));
}

}  // namespace fulcrum
