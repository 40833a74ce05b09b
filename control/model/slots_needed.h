// How many slots the table of the schedulers source_hash and maglev has for a set of servers. Here because validation
// counts them and compile makes them.
//
// A table of another size sends nearly every client somewhere else, so there are few sizes, and a server that is
// drained by its weight still counts, as much as the others do on average. A farm of equal servers changes its table's
// size only when it grows beyond 10, 40 or 163 of them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace fulcrum {

inline constexpr std::size_t kSlotsMax = 65537;

class SlotsNeeded {
 public:
  constexpr void add(std::uint16_t weight) noexcept {
    ++servers_;
    weights_ += weight;
    if (weight == 0) return;
    ++weighty_;
    smallest_ = std::min<std::uint64_t>(smallest_, weight);
  }
  [[nodiscard]] constexpr bool has_weight() const noexcept { return weighty_ != 0; }
  // A prime with at least 100 slots for a server of the smallest weight, so that nobody is off by more than one
  // percent; beyond about 650 equal servers kSlotsMax, and somewhat more imbalance.
  [[nodiscard]] constexpr std::size_t count() const noexcept {
    // The largest primes below powers of two, then the one of the Maglev paper.
    constexpr std::array<std::size_t, 3> kSizes{1021, 4093, 16381};
    constexpr std::uint64_t kSlotsOfTheSmallest = 100;
    const auto* fits = std::find_if(kSizes.begin(), kSizes.end(), [&](std::size_t size) {
      return size * smallest_ * weighty_ >= kSlotsOfTheSmallest * weights_ * servers_ && size > servers_;
    });
    return fits == kSizes.end() ? kSlotsMax : *fits;
  }

 private:
  std::uint64_t servers_ = 0, weighty_ = 0, weights_ = 0;
  std::uint64_t smallest_ = UINT16_MAX;  // that is not 0
};

}  // namespace fulcrum
