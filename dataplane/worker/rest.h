// How long a worker that may sleep (`idle = "sleep"`) sleeps after a turn that found nothing. The sleep is a share of
// the time since the worker was last busy, so it grows with the quiet, from 50 us to half a millisecond; for the first
// moment it goes on polling. Busy is a rate: a few packets at once, or many in a short time. A trickle (health checks,
// a neighbour's ARP) does not wake the worker up for good, it is handled when it is found: nobody notices a fraction of
// a millisecond there, and an idle box should cost little.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace fulcrum {

class Rest {
 public:
  // More packets than this within the window: busy.
  static constexpr std::size_t trickle_max = 16;
  static constexpr std::chrono::nanoseconds window = std::chrono::milliseconds{2};
  static constexpr std::chrono::nanoseconds polls_for = std::chrono::microseconds{100};  // after it was last busy
  static constexpr std::chrono::nanoseconds sleep_min = std::chrono::microseconds{50};
  // What control tells a worker shall be done within a millisecond.
  static constexpr std::chrono::nanoseconds sleep_max = std::chrono::microseconds{500};
  static constexpr int share = 8;

  // After a turn at `now` that handled so many packets. Zero: turn again at once.
  [[nodiscard]] std::chrono::nanoseconds after(std::size_t handled, std::chrono::nanoseconds now) noexcept {
    if (now - window_began_ > window) {
      window_began_ = now;
      packets_ = 0;
    }
    packets_ += handled;
    if (handled != 0 && packets_ > trickle_max) busy_at_ = now;
    const std::chrono::nanoseconds quiet = now - busy_at_;
    if (handled != 0 || quiet < polls_for) return std::chrono::nanoseconds{0};
    return std::clamp(quiet / share, sleep_min, sleep_max);
  }

 private:
  std::chrono::nanoseconds window_began_{0}, busy_at_{0};
  std::size_t packets_ = 0;
};

}  // namespace fulcrum
