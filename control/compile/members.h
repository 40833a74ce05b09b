// Which server of its farm a server is to persistent clients (MemberId): the rule at the head of compile.h. A server
// that kept a row keeps that row's member, so that its persistent clients stay where its connections are; one that kept
// none (its ports changed, or its address) goes on with the member of its address, else of its name, in the farm that
// it is in. No member is ever given again. Private to compile.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "control/compile/plan.h"

namespace fulcrum {

// Fills `member` of each server, and `into.newest_member`. `farm_ids`: the rows of the model's farms.
void give_members(const model::Model& model, const Snapshot* previous, std::span<const PlannedService> services,
                  const std::vector<std::uint16_t>& farm_ids, std::span<PlannedServer> servers, Snapshot& into);

}  // namespace fulcrum
