// Bound ports (roster/bound_ports.h) among the rows to be. Private to compile.cc.
#pragma once

#include <span>
#include <vector>

#include "control/compile/compile.h"
#include "control/compile/plan.h"

namespace fulcrum {

// Makes rings of the rows that leave and come back together, where farms say so, and finds out what counts for each of
// `servers`: all there are, in the order of `services`.
void bind_ports(std::span<const PlannedService> services, std::vector<PlannedServer>& servers);

}  // namespace fulcrum
