// What control tells a worker, and what a worker reports. Every message is 64 bytes, carries absolute state rather
// than a change, and may be taken twice (see base/spsc_ring.h). Messages of one ring arrive in the order sent.
#pragma once

#include <cstdint>
#include <type_traits>

#include "dataplane/base/address.h"
#include "dataplane/base/ids.h"
#include "dataplane/base/spsc_ring.h"
#include "dataplane/contract/filter.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

// From control to a worker.
struct alignas(64) Command {
  enum class Kind : std::uint32_t {
    none = 0,
    adopt_snapshot = 1,    // generation, slot
    set_server_state = 2,  // server, state; valid for the snapshot `generation` and until a newer one is adopted
    // table, filter; `generation` is the request's own number, never 0. The worker forgets what matches in its share of
    // the table, a little each turn, and then says so in its TableStatus. A newer request replaces one under way.
    clear = 3,
  };
  Kind kind = Kind::none;
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  ServerId server;
  ServerState state{};
  Table table{};
  EntryFilter filter;
};
static_assert(sizeof(Command) == 64 && std::is_trivially_copyable_v<Command>);

// From a worker to control.
struct alignas(64) Event {
  enum class Kind : std::uint32_t {
    none = 0,
    neighbour_wanted = 1,  // port, address: a packet was waiting for this next hop
    table_full = 2,        // the connection table refused a new connection to `address`
    bindings_full = 3,     // the persistence table refused to bind a client of `address`
  };
  Kind kind = Kind::none;
  PortId port{};
  Address address;
};
static_assert(sizeof(Event) == 64 && std::is_trivially_copyable_v<Event>);

using CommandRing = SpscRing<Command, 1024>;
using EventRing = SpscRing<Event, 1024>;

}  // namespace fulcrum
