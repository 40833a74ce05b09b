// The Internet checksum (RFC 1071) and its incremental update (RFC 1624, equation 3). All sums are over 16-bit words
// as they lie in memory, so no byte swap is needed: one's-complement addition does not care about byte order.
#pragma once

#include <array>
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

// Adds a word of any size with end-around carry, which is an addition and an add-with-carry.
template <class Word>
std::uint64_t add_word(std::uint64_t sum, const std::byte* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof word);
  sum += word;
  return sum + (sum < word ? 1U : 0U);
}

// The same for whole blocks of 64 bytes. A function of its own, because it is a loop that compilers make vectors of.
std::uint64_t ones_sum_of_blocks(std::span<const std::byte> blocks) noexcept;

// A one's-complement sum of `bytes`, of any length, added to `sum`; small enough that many of them can be added up
// without overflow. Without a loop for short packets: on those it costs more to begin and end than to add.
inline std::uint64_t ones_sum(std::span<const std::byte> bytes, std::uint64_t sum = 0) noexcept {
  const std::byte* at = bytes.data();
  const std::size_t left = bytes.size() % 64;
  if (bytes.size() >= 64) {
    sum += ones_sum_of_blocks(bytes.first(bytes.size() - left));
    at += bytes.size() - left;
  }
  if ((left & 32U) != 0) {
    for (std::size_t i = 0; i < 32; i += 8) sum = add_word<std::uint64_t>(sum, at + i);
    at += 32;
  }
  if ((left & 16U) != 0) {
    sum = add_word<std::uint64_t>(add_word<std::uint64_t>(sum, at), at + 8);
    at += 16;
  }
  if ((left & 8U) != 0) {
    sum = add_word<std::uint64_t>(sum, at);
    at += 8;
  }
  if ((left & 4U) != 0) {
    sum = add_word<std::uint32_t>(sum, at);
    at += 4;
  }
  if ((left & 2U) != 0) {
    sum = add_word<std::uint16_t>(sum, at);
    at += 2;
  }
  std::uint16_t tail = 0;
  if ((left & 1U) != 0) std::memcpy(&tail, at, 1);
  return (sum & 0xFFFFFFFFU) + (sum >> 32U) + tail;
}

// RFC 1071 1: a sum that includes its right checksum is all ones, that is, a multiple of them other than 0. Multiples
// of an odd number are those whose product with its inverse is small (Granlund and Montgomery, PLDI 1994): three
// instructions, where folding takes ten and a division would take as long as the rest of parsing.
constexpr bool is_all_ones(std::uint64_t sum) noexcept {
  constexpr std::uint64_t kInverse = 0xFFFE'FFFE'FFFE'FFFF;
  static_assert(kInverse * 0xFFFFU == 1);
  return sum != 0 && sum * kInverse <= UINT64_MAX / 0xFFFFU;
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

// RFC 1624: HC' = ~(~HC + ~m + m'). Also for two changes at once.
constexpr Be16 apply_delta(Be16 checksum, std::uint16_t delta, std::uint16_t and_delta = 0) noexcept {
  std::uint32_t sum = (checksum.wire() ^ 0xFFFFU) + delta;
  // Two words carry once at most, three twice.
  if (and_delta != 0) sum = ((sum + and_delta) & 0xFFFFU) + ((sum + and_delta) >> 16U);
  return Be16::from_wire(static_cast<std::uint16_t>(~((sum & 0xFFFFU) + (sum >> 16U))));
}

}  // namespace fulcrum
