// The least that memory lets a connection table cost: for each packet a line of the index, and a line of the entries
// which depends on what the first one held, the second one written; prefetched in two waves over batches of 32. It
// walks the very memory of the table that is measured, so regions, pages and neighbours are the same, but knows nothing
// of its layout: no key is made, hashed or compared.
#pragma once

#include <chrono>
#include <cstdint>

#include "tests/bench/bench_box.h"
#include "tests/bench/measure.h"

namespace fulcrum::bench {

Sample measure_memory_floor(BenchBox& box, std::chrono::milliseconds span, std::uint64_t seed);

}  // namespace fulcrum::bench
