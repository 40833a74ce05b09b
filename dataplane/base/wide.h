// 128-bit products, which both compilers have and ISO C++ has not.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fulcrum {

__extension__ using Uint128 = unsigned __int128;

// Maps a hash that is spread over all 64 bits to [0, size), any size, without a division (Lemire's multiply-shift).
constexpr std::size_t reduce(std::uint64_t hash, std::size_t size) noexcept {
  return static_cast<std::size_t>((static_cast<Uint128>(hash) * size) >> 64U);
}

}  // namespace fulcrum
