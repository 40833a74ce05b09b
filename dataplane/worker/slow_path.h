// Between a worker and the housekeeping thread: frames for Linux one way, frames from Linux the other. The rings hold
// frame handles of this process, so they are not in the region; what is in them when the process dies is counted as
// lost_in_restart by its successor.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/base/spsc_ring.h"
#include "dataplane/packet/frame.h"

namespace fulcrum {

// A frame and the data port whose twin it goes to (punt) or by which it leaves (inject).
struct SlowFrame {
  Frame frame;
  PortId port;
};

// Wakes the housekeeping thread from its poll(2) when it sleeps. Ringing a thread that is awake costs a worker one
// fence and a load.
class Doorbell {
 public:
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;
  // Any thread.
  void ring() noexcept;
  // Housekeeping: before it looks at the rings for the last time and sleeps; and after.
  void going_to_sleep() noexcept;
  void awake() noexcept;
  [[nodiscard]] int descriptor() const noexcept { return event_; }

 private:
  int event_ = -1;
  std::atomic<bool> sleeping_{false};
};

struct SlowPath {                        // one per worker
  SpscRing<SlowFrame, 1024> to_linux;    // producer: the worker
  SpscRing<SlowFrame, 1024> from_linux;  // producer: housekeeping
};

}  // namespace fulcrum
