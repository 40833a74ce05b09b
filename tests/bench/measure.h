// One sample: run something for a while and say how much processor time each packet took. Processor time, not wall
// time: what other programs steal from this thread is not in the figure (that they wear out the shared cache is).
#pragma once

#include <sched.h>

#include <chrono>
#include <cstdint>
#include <ctime>

#include "dataplane/base/clock.h"

namespace fulcrum::bench {

inline double processor_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// Keeps the calling thread on one core.
inline void stay_on(std::uint32_t core) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  sched_setaffinity(0, sizeof set, &set);
}

struct Sample {
  std::uint64_t packets = 0;  // that came through as they should
  std::uint64_t lost = 0;     // taken in and dropped
  double ns = 0;              // processor time
};

// Calls `step(now)` again and again for `span` of wall time, once at least. The clock is read once a step, as a worker
// does it.
template <class Step>
double run_for(std::chrono::milliseconds span, Step step) {
  const auto end = monotonic_now() + span;
  const double begin_ns = processor_ns();
  auto now = monotonic_now();
  do {
    step(now);
    now = monotonic_now();
  } while (now < end);
  return processor_ns() - begin_ns;
}

}  // namespace fulcrum::bench
