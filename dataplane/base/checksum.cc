#include "dataplane/base/checksum.h"

namespace fulcrum {

std::uint64_t ones_sum_of_blocks(std::span<const std::byte> blocks) noexcept {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < blocks.size(); at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, blocks.data() + at, 4);
    sum += word;
  }
  return sum;
}

}  // namespace fulcrum
