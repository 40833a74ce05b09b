#include "dataplane/lookup/tables.h"

namespace fulcrum {

RegionShape region_shape(std::uint32_t workers, std::uint32_t connections, std::uint32_t persistence) {
  return {.workers = workers,
          .connections = connections,
          .persistence = persistence,
          .connection_index_bytes = ConnectionTable::index_bytes(connections),
          .persistence_index_bytes = ConnectionTable::index_bytes(persistence)};
}

Tables::Tables(Region& region, ConnectionTable::Start start)
    : connections{{.entries = region.entries(), .index = region.index(), .hash_key = region.header().hash_key},
                  region.workers(),
                  start},
      bindings{{.entries = region.persistence_entries(),
                .index = region.persistence_index(),
                .hash_key = region.header().hash_key},
               region.workers(),
               start} {}

void Tables::quiescent(WorkerId worker) noexcept {
  connections.quiescent(worker);
  bindings.table().quiescent(worker);
}

void Tables::set_online(WorkerId worker, bool online) noexcept {
  connections.set_online(worker, online);
  bindings.table().set_online(worker, online);
}

}  // namespace fulcrum
