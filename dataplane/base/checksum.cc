#include "dataplane/base/checksum.h"

#include <algorithm>

namespace fulcrum {
namespace {

// Of whole blocks of 64 bytes: a loop that compilers make vectors of.
std::uint64_t sum_of_blocks(std::span<const std::byte> blocks) noexcept {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < blocks.size(); at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, blocks.data() + at, 4);
    sum += word;
  }
  return sum;
}

}  // namespace

std::uint64_t ones_sum_long(std::span<const std::byte> bytes, std::uint64_t sum) noexcept {
  const std::size_t left = bytes.size() % 64;
  const std::uint64_t blocks = sum_of_blocks(bytes.first(bytes.size() - left));
  sum += blocks;
  sum += sum < blocks ? 1U : 0U;
  if (left >= 8) return ones_sum_wide(bytes.last(left), sum);
  std::uint64_t few = 0;
  if (left != 0) std::memcpy(&few, bytes.last(left).data(), left);
  sum += few;
  return sum + (sum < few ? 1U : 0U);
}

}  // namespace fulcrum
