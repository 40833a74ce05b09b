// Between the model, the health checks and the rows of a snapshot: which endpoint is checked how, and what an earlier
// life of the control plane knew about it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/compile/compile.h"
#include "control/health/checker.h"
#include "control/model/model.h"
#include "dataplane/contract/region.h"

namespace fulcrum {

// The check that speaks for `port` of a farm's server at `address` (Farm::probed_port); nothing when the farm does not
// check.
std::optional<CheckTarget> target_of(const model::Farm& farm, const Address& address, const model::ServicePort& port);

// All checks of the model, each with what it begins with: what `running`, the newest snapshot of `region`, has in
// force for that endpoint. Both may be null.
std::map<CheckTarget, Health> targets_of(const model::Model& model, const Region* region, const Snapshot* running);

// The rows that each check decides about.
using RowsByTarget = std::map<CheckTarget, std::vector<ServerId>>;
RowsByTarget rows_by_target(const model::Model& model, const std::vector<CompiledServer>& compiled,
                            const Snapshot& snapshot);

// The servers of one service: a stretch of what was compiled.
struct Crew {
  std::size_t first = 0, count = 0;
  bool has_reserve = false;  // standbys or a last resort: a change of one server may change others
};
using Crews = std::map<std::uint16_t, Crew>;  // by row of the service
Crews crews_of(const model::Model& model, const std::vector<CompiledServer>& compiled);

// The place of a row in `compiled`; nothing when it is not there.
std::optional<std::size_t> place_of(ServerId row, const std::vector<CompiledServer>& compiled, const Crew& crew);

// Whose these rows are: "web1 of farm shop", each once.
std::vector<std::string> names_of(const std::vector<ServerId>& rows, const Snapshot& snapshot);

}  // namespace fulcrum
