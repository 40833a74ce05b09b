// The order in which a cycle of weighted round robin visits its servers. Every server has `weight / gcd` turns in the
// cycle, evenly spread over it: of w turns, turn k is due at (k + phase) / w of the cycle. The phase is one half, so a
// turn is due in the middle of its share; servers of equal weight would then all be due at once and leave the heavier
// ones in a row elsewhere, so the j-th of m such servers has phase (j + 1/2) / m. The turns, sorted by when they are
// due, are the sequence. That is as even as the well-known "smooth" weighted round robin on small farms, and costs
// O(n log n) of the sequence's length where that one costs servers times length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fulcrum {

// Positions in `weights`, each as often as its weight divided by the greatest common divisor of all. Weights are at
// least 1; at most 65535 of them.
std::vector<std::uint16_t> weighted_sequence(std::span<const std::uint16_t> weights);

// The length of that sequence.
std::size_t weighted_length(std::span<const std::uint16_t> weights);

}  // namespace fulcrum
