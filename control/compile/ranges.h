// Services with ranges of ports in a snapshot: how the packets of clients find them, and the replies of their servers.
// Private to compile.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "control/compile/plan.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

// A service that goes on with no row yet, because no earlier one began with its port, goes on with that of one whose
// ports it shares, so that a port's connections outlive that it becomes part of a range. Where a range takes in several
// only the first can be it; the others leave, and what is no connection of theirs is the range's (find_heir).
void keep_overlapping(const Snapshot* previous, std::span<PlannedService> services, std::vector<bool>& kept);

// Enters `ranges`, rows of services that are filled, into the snapshot's ranges and their index.
void fill_ranges(std::vector<std::uint16_t> ranges, Snapshot& into);

// Enters `rows`, of servers of wide services, into the snapshot's index of those: in this order, but services without
// connections behind those that have them, and servers that left behind those that serve.
void fill_wide(std::vector<std::uint16_t> rows, Snapshot& into);

}  // namespace fulcrum
