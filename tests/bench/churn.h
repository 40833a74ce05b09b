// How long a worker's turn takes while something large happens beside it. Wall time of single turns, because what a
// packet waits for is the turn's end, whatever held it up.
#pragma once

#include <chrono>
#include <string>

#include "tests/bench/bench_box.h"

namespace fulcrum::bench {

enum class Churn : std::uint8_t {
  none,
  age,    // all connections but a thousand are idle for too long and swept
  adopt,  // control writes a configuration of a thousand farms and has it adopted, again and again
  show,   // control reads the whole table, again and again
};

struct TurnTimes {  // microseconds
  double p50 = 0, p99 = 0, p999 = 0, max = 0;
  std::uint64_t turns = 0;
  std::uint64_t changes = 0;  // connections swept, configurations adopted, entries read meanwhile
};

TurnTimes measure_churn(BenchBox& box, Churn churn, std::chrono::milliseconds span);

}  // namespace fulcrum::bench
