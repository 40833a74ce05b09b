#include "control/compile/weighted.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace fulcrum {
namespace {

std::uint32_t common_divisor(std::span<const std::uint16_t> weights) {
  std::uint32_t divisor = 0;
  for (const std::uint16_t weight : weights) divisor = std::gcd(divisor, std::uint32_t{weight});
  return std::max(divisor, 1U);
}

// When a turn is due and whose it is, in one number that sorts by the former, then by the latter. The quotient of two
// whole numbers is rounded the same way however the fraction is written, so turns due together stay together; two that
// are not differ by more than 2^-40 of the cycle with the weights and servers that the model allows.
constexpr double kCycle = static_cast<double>(std::uint64_t{1} << 47U);
constexpr std::uint64_t kServerMask = 0xFFFF;

std::uint64_t turn_of(std::uint64_t numerator, std::uint64_t denominator, std::uint64_t server) {
  const double due = static_cast<double>(numerator) / static_cast<double>(denominator);
  return static_cast<std::uint64_t>(due * kCycle) << 16U | server;
}

}  // namespace

std::size_t weighted_length(std::span<const std::uint16_t> weights) {
  std::size_t sum = 0;
  for (const std::uint16_t weight : weights) sum += weight;
  return sum / common_divisor(weights);
}

std::vector<std::uint16_t> weighted_sequence(std::span<const std::uint16_t> weights) {
  const std::uint32_t divisor = common_divisor(weights);
  std::unordered_map<std::uint16_t, std::uint64_t> peers;  // how many servers have that weight
  for (const std::uint16_t weight : weights) ++peers[weight];
  std::unordered_map<std::uint16_t, std::uint64_t> seen;
  std::vector<std::uint64_t> turns;
  turns.reserve(weighted_length(weights));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::uint64_t same = peers[weights[i]];
    const std::uint64_t place = seen[weights[i]]++;
    const std::uint64_t count = weights[i] / divisor;
    for (std::uint64_t k = 0; k < count; ++k) {
      turns.push_back(turn_of(k * 2 * same + 2 * place + 1, 2 * same * count, i));
    }
  }
  std::sort(turns.begin(), turns.end());
  std::vector<std::uint16_t> sequence;
  sequence.reserve(turns.size());
  for (const std::uint64_t turn : turns) sequence.push_back(static_cast<std::uint16_t>(turn & kServerMask));
  return sequence;
}

}  // namespace fulcrum
