// For what a dataplane that was killed still holds: Linux takes it away only when it has cleared the process's memory,
// which takes a moment. Its successor tries again for that long before it says that somebody else has it.
#pragma once

#include <unistd.h>

namespace fulcrum {

// Calls `attempt` until it returns true, for about two seconds. Blocks; main thread at start. Whether it succeeded.
template <class Attempt>
[[nodiscard]] bool try_for_a_moment(Attempt attempt) {
  constexpr int kTries = 100;
  constexpr useconds_t kPause = 20'000;
  for (int tries = 1; !attempt(); ++tries) {
    if (tries == kTries) return false;
    usleep(kPause);
  }
  return true;
}

}  // namespace fulcrum
