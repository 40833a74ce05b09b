// What a scheduler's choice costs: the choice itself and the count of the connection that it opens, for clients that
// come from everywhere, in a box of two workers of which one does the choosing. No packet is involved.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "dataplane/contract/region.h"
#include "dataplane/schedule/sequence.h"
#include "tests/bench/measure.h"

namespace fulcrum::bench {

class Decisions {
 public:
  // Servers of weights 10 and 20 in turn.
  Decisions(SchedulerKind kind, std::uint16_t servers);
  // One sample. `packets` are the choices that led to a server, `lost` those that did not.
  Sample measure(std::chrono::milliseconds span);

 private:
  Region region_;
  Snapshot& snapshot_;
  ServiceId service_;
  std::unique_ptr<ScheduleCursors> cursors_;
  std::uint32_t client_ = 0;
};

// By the name that the configuration has for it; false: none is called so.
bool find_scheduler(const std::string& name, SchedulerKind& kind);

}  // namespace fulcrum::bench
