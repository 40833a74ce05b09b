// How many ICMP errors a worker may send: a token bucket, as RFC 1812 4.3.2.8 and RFC 4443 2.4 (f) ask for. Resets need
// none: one is never larger than the segment it answers, and a TCP sends one for each too.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dataplane/base/clock.h"

namespace fulcrum {

class AnswerBudget {
 public:
  static constexpr std::uint32_t per_second = 1024;  // a multiple of kTicksPerSecond
  static constexpr std::uint32_t at_once = 256;

  // Whether one more may be sent at `now`. Calling worker only.
  [[nodiscard]] bool take(Tick now) noexcept {
    const Tick since = std::min<Tick>(elapsed(filled_at_, now), kTicksPerSecond);
    filled_at_ = now;
    left_ = std::min(left_ + since * (per_second / kTicksPerSecond), at_once);
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  std::uint32_t left_ = at_once;
  Tick filled_at_ = 0;
};
static_assert(AnswerBudget::per_second % kTicksPerSecond == 0);

}  // namespace fulcrum
