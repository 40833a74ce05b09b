// The routes of a snapshot: addresses of services, the box's own, and the ways that Linux or the model knows, flattened
// by the rule at the head of compile.h. Private to compile.cc.
#pragma once

#include <cstdint>
#include <span>

#include "control/compile/compile.h"
#include "control/compile/plan.h"
#include "dataplane/base/result.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

// Fills all of `table`. `leaving` are rows of services in the snapshot before. Errors: more ranges or next hops than it
// has room for (path "routes").
Result<void> fill_routes(const CompileInput& input, std::span<const PlannedService> services,
                         std::span<const std::uint16_t> leaving, RouteTable& table);

// The neighbour entry of a next hop; kNoNeighbour when there is none, and the worker looks it up by address.
std::uint32_t neighbour_of(const CompileInput& input, PortId port, const Address& address);

}  // namespace fulcrum
