// What the machine has for a dataplane of this configuration: cores, devices, memory. Asked before anything is taken or
// changed, and all that is missing is said at once, each with the line that asks for it: whoever stands before a box
// that does not start should not have to find its faults one start after the other.
#pragma once

#include <vector>

#include "dataplane/app/config.h"
#include "dataplane/app/memory_plan.h"
#include "dataplane/base/settings.h"
#include "dataplane/contract/region.h"
#include "drivers/port/packet_pool.h"

namespace fulcrum {

struct MachineAnswer {
  MemoryPlan memory;
  std::vector<settings::Problem> problems;  // empty: it may start
};

// Of a configuration without problems. Main thread, as root. Waits, up to two seconds, for an earlier dataplane of the
// same region that is ending. `cold`: the region of an earlier start is forgotten.
MachineAnswer ask_machine(const ConfigReading& reading, bool cold);

// What all ports and threads may hold at once.
PacketPool::Shape buffers_needed(const ConfigReading& reading);

RegionShape region_shape_of(const DataplaneConfig& config);

}  // namespace fulcrum
