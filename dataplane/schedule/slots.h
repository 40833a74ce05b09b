// Source hash and Maglev: the client decides. Both look into a table of slots that control builds with Maglev's
// algorithm (control/compile/maglev.h), source hash by the client's address, maglev by its address and port. The hash
// has no secret, so every box with the same configuration sends a client to the same server.
//
// The table names servers by their position in the service's schedule, so services with the same servers share one, and
// it knows nothing of health: when a server is down, each of its clients goes on to the slot of its next hash and so
// spreads over the others, nobody else is moved, and all come back with the server. Where so many are down that some
// hashes in a row find nobody, the client's hash chooses among those that control found usable, which stand behind the
// schedule: an outage must not cost more per decision the more servers are out.
#pragma once

#include <cstdint>

#include "dataplane/base/address.h"
#include "dataplane/base/ids.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/schedule/sequence.h"
#include "dataplane/schedule/server_rows.h"

namespace fulcrum {

// Who opens a connection.
struct Client {
  Address address;
  Be16 port{0};
};

// The client's server in a service whose scheduler is_by_client(); kNoIndex when none is usable. Calling worker only.
[[nodiscard]] std::uint16_t server_of_client(const Snapshot& snapshot, ServiceId service, const Client& client,
                                             const ServerRows& servers) noexcept;

}  // namespace fulcrum
