// What a change would do to the connections that are alive: a comparison of the snapshot in force with one compiled
// from the change, row by row, with each row's count of connections. It says what the workers will do, since they go by
// the same rows.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "control/document/compare.h"
#include "control/model/model.h"
#include "dataplane/contract/region.h"

namespace fulcrum {

struct LostWeight {
  std::string farm, server;
  std::uint16_t from = 0, to = 0;  // 0: it is gone
};

struct BlastRadius {
  std::uint64_t kept = 0;       // connections that go on until they end
  std::uint64_t drained = 0;    // go on, at a server that gets no new ones any more or that leaves after drain_time_s
  std::uint64_t reset = 0;      // by the farm's choice; or their service is gone, and they are dropped
  std::set<std::string> farms;  // that a change touches
  std::vector<LostWeight> losing_weight;
};

// That the server has now, over all workers.
[[nodiscard]] std::uint64_t connections_of(const Region& region, ServerId server);

// Connections only: `running` is in force, `planned` was compiled after it.
BlastRadius radius_of(const Region& region, const Snapshot& running, const Snapshot& planned);
// Farms and weights.
void add_changes(BlastRadius& radius, const model::Model& from, const model::Model& to,
                 const std::vector<document::Change>& changes);

}  // namespace fulcrum
