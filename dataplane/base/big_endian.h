// Integers as they stand on the wire. A BigEndian<T> converts to and from host order only when asked to, has
// alignment 1 (so header structs need no packing attribute), and compiles to a load and a byte swap.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace fulcrum {

template <std::unsigned_integral T>
constexpr T swap_bytes(T value) noexcept {
  if constexpr (sizeof(T) == 1) {
    return value;
  } else if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(value);
  } else {
    return __builtin_bswap64(value);
  }
}

template <std::unsigned_integral T>
class BigEndian {
 public:
  BigEndian() = default;
  explicit constexpr BigEndian(T host) noexcept : bytes_{std::bit_cast<Bytes>(swap_if_little(host))} {}

  // The bytes as they are, read as a native integer: for hashing and one's-complement sums.
  static constexpr BigEndian from_wire(T wire) noexcept {
    BigEndian value;
    value.bytes_ = std::bit_cast<Bytes>(wire);
    return value;
  }
  [[nodiscard]] constexpr T host() const noexcept { return swap_if_little(wire()); }
  [[nodiscard]] constexpr T wire() const noexcept { return std::bit_cast<T>(bytes_); }

  // By hand: a defaulted comparison of the array is a memcmp call in g++ 12.
  friend constexpr bool operator==(BigEndian a, BigEndian b) noexcept { return a.wire() == b.wire(); }
  friend constexpr bool operator<(BigEndian a, BigEndian b) noexcept { return a.host() < b.host(); }

 private:
  using Bytes = std::array<std::uint8_t, sizeof(T)>;
  static constexpr T swap_if_little(T value) noexcept {
    return std::endian::native == std::endian::little ? swap_bytes(value) : value;
  }
  Bytes bytes_;
};

using Be16 = BigEndian<std::uint16_t>;
using Be32 = BigEndian<std::uint32_t>;

static_assert(alignof(Be32) == 1 && sizeof(Be32) == 4 && Be16{443}.host() == 443);

}  // namespace fulcrum
