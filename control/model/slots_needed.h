// How many slots the table of the schedulers source_hash and maglev has for a set of servers. Here because validation
// counts them and compile makes them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace fulcrum {

inline constexpr std::size_t kSlotsMax = 65537;

// A prime with at least 100 slots for a server of the smallest weight, so that nobody is off by more than one percent;
// beyond about 650 equal servers kSlotsMax, and somewhat more imbalance. `weights` is the sum over the servers,
// `smallest` the smallest of them that is not 0.
constexpr std::size_t slots_needed(std::size_t servers, std::uint64_t weights, std::uint64_t smallest) noexcept {
  // The largest primes below powers of two, then the one of the Maglev paper.
  constexpr std::array<std::size_t, 8> kSizes{251, 509, 1021, 2039, 4093, 8191, 16381, 32749};
  constexpr std::uint64_t kSlotsOfTheSmallest = 100;
  const auto* fits = std::find_if(kSizes.begin(), kSizes.end(), [&](std::size_t size) {
    return size * smallest >= kSlotsOfTheSmallest * weights && size > servers;
  });
  return fits == kSizes.end() ? kSlotsMax : *fits;
}

}  // namespace fulcrum
