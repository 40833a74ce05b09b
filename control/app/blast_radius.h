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

// A server that takes fewer new connections than before, by its names afterwards. Who takes none by its state or role
// counts as of weight 0; a standby takes some when it comes in, which this does not foresee.
struct LostWeight {
  std::string farm, server, why;  // "weight", "drain", "maintenance", "standby", "last_resort" or "removed"
  std::uint16_t from = 0, to = 0;
};

// Connections, and apart from them those of which one end at least has said that it is over (is_closing), most of which
// only wait out their time in the table.
struct BlastRadius {
  std::uint64_t kept = 0;       // connections that go on until they end
  std::uint64_t drained = 0;    // go on, at a server that gets no new ones any more or that leaves after drain_time_s
  std::uint64_t reset = 0;      // by the farm's choice
  std::uint64_t lost = 0;       // nobody forwards them and nobody tells the ends
  std::uint64_t closing = 0;    // about to be over, whatever becomes of their server
  std::set<std::string> farms;  // that a change touches
  std::vector<LostWeight> losing_weight;
};

// That the server has now, closing ones too, over all workers.
[[nodiscard]] std::uint64_t connections_of(const Region& region, ServerId server);

// Whether that limit (contract/snapshot.h) was reached, and not enough connections have ended since.
[[nodiscard]] inline bool is_full(const Region& region, std::uint16_t limit) {
  return limit < kLimitsMax && region.shared_loads().full[limit].load(std::memory_order_relaxed) != 0;
}

// Connections only: `running` is in force, `planned` was compiled after it.
BlastRadius radius_of(const Region& region, const Snapshot& running, const Snapshot& planned);
// Farms and weights.
void add_changes(BlastRadius& radius, const model::Model& from, const model::Model& to,
                 const std::vector<document::Change>& changes);

}  // namespace fulcrum
