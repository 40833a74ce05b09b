// The limits of connections of a snapshot, and which of them each server's row counts against. Private to compile.cc.
#pragma once

#include <span>

#include "control/compile/plan.h"
#include "control/model/model.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

// Fills Snapshot::limits and the rows' `limit`; the rows are filled otherwise. What left counts as well: its
// connections are the farm's, and its member's if that is still there.
void fill_limits(const model::Model& model, std::span<const PlannedService> services,
                 std::span<const PlannedServer> servers, std::span<const LeavingServer> leaving, Snapshot& into);

}  // namespace fulcrum
