// The tables that the workers share, over the memory that the region holds for them.
#pragma once

#include <cstdint>

#include "dataplane/contract/region.h"
#include "dataplane/lookup/connection_table.h"
#include "dataplane/lookup/persistence_table.h"

namespace fulcrum {

// The shape of a region for tables of these capacities.
[[nodiscard]] RegionShape region_shape(std::uint32_t workers, std::uint32_t connections, std::uint32_t persistence);

struct Tables {
  // Before any worker runs; see ConnectionTable.
  Tables(Region& region, ConnectionTable::Start start);

  // The worker, once per turn, when it uses nothing from before; and when it goes to sleep or comes back.
  void quiescent(WorkerId worker) noexcept;
  void set_online(WorkerId worker, bool online) noexcept;

  ConnectionTable connections;
  PersistenceTable bindings;
};

}  // namespace fulcrum
