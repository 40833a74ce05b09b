// Time as the dataplane keeps it: ticks of 1/16 s of CLOCK_MONOTONIC, in 32 bits (they wrap after 8.5 years of
// uptime). Both processes and both lives of a restarted process read the same clock, so a tick in the shared region
// means the same to all. Time comes in from outside: code takes a `Tick now`, tests pass what they like.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace fulcrum {

using Tick = std::uint32_t;
inline constexpr std::uint32_t kTicksPerSecond = 16;

inline std::chrono::nanoseconds monotonic_now() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

constexpr Tick to_tick(std::chrono::nanoseconds monotonic) noexcept {
  return static_cast<Tick>(static_cast<std::uint64_t>(monotonic.count()) / (1'000'000'000U / kTicksPerSecond));
}

constexpr Tick ticks(std::chrono::seconds span) noexcept { return static_cast<Tick>(span.count()) * kTicksPerSecond; }

// Ticks from `then` to `now`; right across a wrap of the counter. A `then` in the future counts as zero: two workers
// read the clock at different moments.
constexpr Tick elapsed(Tick then, Tick now) noexcept {
  const Tick span = now - then;
  return span > UINT32_MAX / 2 ? 0 : span;
}

static_assert(elapsed(UINT32_MAX, 3) == 4 && elapsed(5, 4) == 0);

}  // namespace fulcrum
