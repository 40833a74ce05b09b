// When did the box itself stand still? A probe that got no answer in its time says nothing about the server when the
// dataplane, through which probe and answer go, did not run meanwhile: it was stopped, the machine was overloaded, a
// virtual machine was paused. Its housekeeping notes a heartbeat every few milliseconds; whoever looks at it regularly
// notes here what the newest one is, and a beat that stays away is a stall from that beat until the next.
//
// Pure: times come from the caller (CLOCK_MONOTONIC). One thread.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

namespace fulcrum {

class Stalls {
 public:
  // At `now` the newest heartbeat was that of `beat`.
  void look(std::chrono::nanoseconds now, std::chrono::nanoseconds beat) noexcept {
    if (now - beat < kLate) return;
    if (stalls_[newest_].from != beat) {
      newest_ = (newest_ + 1) % stalls_.size();
      stalls_[newest_].from = beat;
    }
    stalls_[newest_].to = now;
  }

  // How much of the time after `since` the box stood still. Remembers the last stalls only: long enough for a probe.
  [[nodiscard]] std::chrono::nanoseconds after(std::chrono::nanoseconds since) const noexcept {
    std::chrono::nanoseconds sum{0};
    for (const Stall& stall : stalls_) {
      if (stall.to > since) sum += stall.to - std::max(stall.from, since);
    }
    return sum;
  }

 private:
  struct Stall {
    std::chrono::nanoseconds from{0}, to{0};
  };
  // Two missed beats of a sleeping housekeeping and the turn of who looks: less happens on any busy machine.
  static constexpr std::chrono::nanoseconds kLate = std::chrono::milliseconds{30};

  std::array<Stall, 64> stalls_{};
  std::size_t newest_ = 0;
};

}  // namespace fulcrum
