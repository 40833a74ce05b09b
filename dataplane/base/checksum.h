// The Internet checksum (RFC 1071) and its incremental update (RFC 1624). All sums are over 16-bit words
// as they lie in memory, so no byte swap is needed: one's-complement addition does not care about byte order.
#pragma once

#include <array>
#include <bit>
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

// Adds eight bytes with end-around carry, which is an addition and an add-with-carry.
inline std::uint64_t add_word(std::uint64_t sum, const std::byte* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  sum += word;
  return sum + (sum < word ? 1U : 0U);
}

// A one's-complement sum of `bytes`, of any length, added to `sum`. It may be any 64-bit number. Inline what is no
// longer than headers; the rest is a function of its own.
std::uint64_t ones_sum_long(std::span<const std::byte> bytes, std::uint64_t sum) noexcept;
inline std::uint64_t ones_sum_wide(std::span<const std::byte> bytes, std::uint64_t sum) noexcept {
  static_assert(std::endian::native == std::endian::little);
  if (bytes.size() < 8 || bytes.size() >= 64) return ones_sum_long(bytes, sum);
  for (std::size_t i = 0; i < bytes.size() / 8; ++i) sum = add_word(sum, bytes.data() + i * 8);
  // The last eight bytes again, those that were added shifted out: of eight in two steps, as a shift by 64 is none.
  std::uint64_t tail;
  std::memcpy(&tail, bytes.data() + bytes.size() - 8, sizeof tail);
  tail = tail >> (~bytes.size() % 8 * 8) >> 8U;
  sum += tail;
  return sum + (sum < tail ? 1U : 0U);
}

// The same, small enough that many of them can be added up without overflow.
inline std::uint64_t ones_sum(std::span<const std::byte> bytes, std::uint64_t sum = 0) noexcept {
  const std::uint64_t wide = ones_sum_wide(bytes, sum);
  return (wide & 0xFFFFFFFFU) + (wide >> 32U);
}

// RFC 1071 1: a sum that includes its right checksum is all ones, that is, a multiple of them other than 0. Multiples
// of an odd number are those whose product with its inverse is small (Granlund and Montgomery, PLDI 1994): three
// instructions, where folding takes ten and a division would take as long as the rest of parsing.
constexpr bool is_all_ones(std::uint64_t sum) noexcept {
  constexpr std::uint64_t kInverse = 0xFFFE'FFFE'FFFE'FFFF;
  static_assert(kInverse * 0xFFFFU == 1);
  return sum * kInverse - 1 < UINT64_MAX / 0xFFFFU;
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

// RFC 1624, equation 4: HC' = HC - ~m - m', which is always the same as equation 3, in two instructions.
constexpr Be16 apply_delta(Be16 checksum, std::uint16_t delta) noexcept {
  std::uint16_t difference = 0;
  const bool borrow = __builtin_sub_overflow(checksum.wire(), delta, &difference);
  return Be16::from_wire(static_cast<std::uint16_t>(difference - std::uint16_t{borrow}));
}

}  // namespace fulcrum
