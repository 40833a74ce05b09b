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

// Due at numerator / denominator of the cycle. Both stay below 2^27 (65535 servers, weight 1000), so the products in
// the comparison fit.
struct Turn {
  std::uint64_t numerator;
  std::uint64_t denominator;
  std::uint16_t server;
};

bool is_earlier(const Turn& a, const Turn& b) {
  const std::uint64_t left = a.numerator * b.denominator;
  const std::uint64_t right = b.numerator * a.denominator;
  return left != right ? left < right : a.server < b.server;
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
  std::vector<Turn> turns;
  turns.reserve(weighted_length(weights));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::uint64_t same = peers[weights[i]];
    const std::uint64_t place = seen[weights[i]]++;
    const std::uint64_t count = weights[i] / divisor;
    for (std::uint64_t k = 0; k < count; ++k) {
      turns.push_back({k * 2 * same + 2 * place + 1, 2 * same * count, static_cast<std::uint16_t>(i)});
    }
  }
  std::sort(turns.begin(), turns.end(), is_earlier);
  std::vector<std::uint16_t> sequence;
  sequence.reserve(turns.size());
  for (const Turn& turn : turns) sequence.push_back(turn.server);
  return sequence;
}

}  // namespace fulcrum
