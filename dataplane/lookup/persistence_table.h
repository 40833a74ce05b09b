// Which server of a farm a client is bound to: (farm, the client's network under the farm's mask) -> member of the
// farm. The member stands for the server on all of the farm's services, so a client stays with it on another address or
// port.
//
// It is a second connection table whose "connections" are bindings (contract/filter.h says what lies where in an
// entry): so insertion by racing workers, reclamation, sweeping, the warm start and reading from outside are the same
// code, and packets of connections that exist never come here. `last_seen` is when the binding was last used for a new
// connection, `packets_in` how many it was used for.
#pragma once

#include <optional>

#include "dataplane/contract/filter.h"
#include "dataplane/lookup/connection_table.h"

namespace fulcrum {

class PersistenceTable {
 public:
  PersistenceTable(const ConnectionTable::Memory& memory, std::size_t workers, ConnectionTable::Start start)
      : table_{memory, workers, start} {}

  struct Found {
    ConnectionId id;
    MemberId member;
    Tick last_used = 0;
  };
  // Workers. The binding of the key (binding_key), used or not for how long.
  [[nodiscard]] std::optional<Found> find(const FlowKey& key) const noexcept;
  // The worker. Binds the key, or finds what another worker has bound it to just now. Nothing: the table is full.
  std::optional<Found> bind(WorkerId worker, const FlowKey& key, MemberId member, Tick now) noexcept;
  // Workers. A new connection went to the binding's server.
  void use(ConnectionId id, Tick now) noexcept;
  // Workers. The client goes to another server from now on.
  void rebind(ConnectionId id, MemberId member) noexcept;

  // The worker, once per turn: see ConnectionTable::sweep.
  std::size_t sweep(WorkerId worker, std::size_t budget, const Snapshot& snapshot, Tick now) noexcept;
  [[nodiscard]] ConnectionTable& table() noexcept { return table_; }
  [[nodiscard]] const ConnectionTable& table() const noexcept { return table_; }

 private:
  ConnectionTable table_;
};

// True when the sweep shall forget the binding: not used for the farm's time, or the farm binds nobody any more.
[[nodiscard]] bool is_binding_over(const Snapshot& snapshot, const ConnectionEntry& entry, Tick now) noexcept;

}  // namespace fulcrum
