// Several workers at once over one table, each on a core of its own and with flows of its own drawing, against one.
// Rates are per processor time, so a core that other programs share counts as what it gave.
#pragma once

#include <chrono>
#include <string>

#include "tests/bench/bench_box.h"

namespace fulcrum::bench {

// `what` is nat (worker and port in memory) or memory (the memory floor). Packets per nanosecond, added up over
// `workers` threads.
double measure_scale(BenchBox& box, const std::string& what, unsigned workers, std::chrono::milliseconds span);

}  // namespace fulcrum::bench
