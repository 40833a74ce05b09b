// When does a server count as up? One failed probe may be a lost packet, one good one may be a server that is just
// falling over; so the judgement changes only after `fall` failures or `rise` successes in a row. The first
// observation ever decides alone: a box that has just started must not wait for confirmation to serve anybody.
//
// Pure: no clock, no socket. checker.h feeds it.
#pragma once

#include <cstdint>

namespace fulcrum {

enum class Health : std::uint8_t { unknown, up, down };

struct Thresholds {
  std::uint8_t rise = 2;  // successes in a row that bring a server up; 1 at least
  std::uint8_t fall = 3;  // failures in a row that take it down; 1 at least
};

struct RiseFall {
  Health health = Health::unknown;
  std::uint8_t streak = 0;  // observations in a row that contradict `health`
  friend constexpr bool operator==(RiseFall, RiseFall) = default;
};

// The judgement after one more observation.
constexpr RiseFall observe(RiseFall now, bool answered, Thresholds thresholds) noexcept {
  const Health seen = answered ? Health::up : Health::down;
  if (now.health == Health::unknown) return {.health = seen};
  if (now.health == seen) return {.health = seen};
  const std::uint8_t needed = answered ? thresholds.rise : thresholds.fall;
  const auto streak = static_cast<std::uint8_t>(now.streak + 1);
  // Not `==`: a reload may lower the threshold below a streak that has begun.
  if (streak >= needed) return {.health = seen};
  return {.health = now.health, .streak = streak};
}

static_assert(observe({}, true, {}).health == Health::up);

}  // namespace fulcrum
