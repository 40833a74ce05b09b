#include "tests/bench/memory_floor.h"

#include <array>

#include "dataplane/packet/frame.h"

namespace fulcrum::bench {

Sample measure_memory_floor(BenchBox& box, std::chrono::milliseconds span, std::uint64_t seed) {
  struct alignas(64) Line {
    std::array<std::uint64_t, 8> words;
  };
  const std::span<const Line> index{reinterpret_cast<const Line*>(box.region().index().data()),
                                    box.region().index().size() / sizeof(Line)};
  const std::span<ConnectionEntry> entries = box.region().entries();
  Random random{seed};
  Sample sample;
  std::array<std::size_t, kBatchMax> at;
  sample.ns = run_for(span, [&](std::chrono::nanoseconds now) {
    constexpr int kBatches = 16;  // a clock reading for many: this floor stands for memory alone
    for (int batch = 0; batch < kBatches; ++batch) {
      for (std::size_t& place : at) {
        place = random.below(index.size());
        __builtin_prefetch(&index[place]);
      }
      for (std::size_t& place : at) {
        // Any function of the line's content will do, as long as the processor cannot know it earlier.
        const std::uint64_t content = __atomic_load_n(index[place].words.data(), __ATOMIC_RELAXED);
        place = reduce((content + place) * 0x9E3779B97F4A7C15U, entries.size());
        __builtin_prefetch(&entries[place], 1);
      }
      for (const std::size_t place : at) __atomic_store_n(&entries[place].last_seen, to_tick(now), __ATOMIC_RELAXED);
    }
    sample.packets += kBatches * kBatchMax;
  });
  return sample;
}

}  // namespace fulcrum::bench
