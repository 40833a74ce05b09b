// From the model to the snapshot that workers read. A pure function: the same input gives the same snapshot; what
// changes by itself (routes, health, neighbours, ids in use) comes in as facts.
//
// Ids are stable, so that a rename or a move disturbs nobody. A service that the previous snapshot already has, by
// (address, protocol, port), keeps its ServiceId, and so does one that shares ports with one that is no more
// (ranges.h); a server, by (service, address, port), keeps index and generation, and with them its connections. A farm
// keeps its FarmId by a service that it kept, under its own name or, renamed, under another; else by its name; else,
// when name and ports are new, by an address. Which server of its farm a server is to persistent clients (MemberId)
// goes by the rows it kept, else by its address, else by its name. A row that falls free remembers when; new services
// and servers take rows that were never used, then those free for longest, and a server's row goes on with the next
// generation. So an id that a connection still holds is not soon somebody else's, and never silently.
//
// A server that left its farm while it may have connections keeps its row, as `leaving`, until none is left; what
// becomes of them in that time, and of those of a server in maintenance, is the farm's choice (model, removed_flows).
// So does an address and port that no farm has any more, with its servers, and a farm that is gone: its choice stands
// in its row.
//
// A server's limit of connections has the place of its lowest row, so it is found again as long as that is kept.
//
// Schedules hold one full cycle: round robin the usable servers in the order of the model, weighted round robin the
// smooth weighted sequence of their weights divided by the greatest common divisor, the others as schedules.h says.
// Servers of mode dsr are not in endpoint_index: they do not answer from their own address. Who takes new connections
// is roster/standby.h's to say, for each service by itself, from what the checks say of its servers' endpoints and of
// those they are bound to (roster/bound_ports.h).
//
// Routes are flattened to disjoint ranges (longest prefix wins; among equal prefixes a farm's address, then the box's
// own, then the lower metric, then the first given).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "control/model/model.h"
#include "control/roster/standby.h"
#include "dataplane/base/address.h"
#include "dataplane/base/ids.h"
#include "dataplane/base/result.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

// One route as Linux (or the model) has it.
struct RouteInput {
  Prefix to;                            // a host part does not matter
  RouteKind kind = RouteKind::on_link;  // on_link, gateway, or local: an address of the box
  PortId port{};
  Address gateway;  // kind gateway only
  std::uint32_t metric = 0;
};

// What health is asked about: one row to be.
struct ServerEndpoint {
  const model::Farm& farm;
  const model::Server& server;
  Address address;
  Be16 port{0};
  Protocol protocol{};
  const model::ServicePort& service_port;
};

struct CompileInput {
  const model::Model& model;
  std::span<const RouteInput> routes;  // all there are, connected networks included; see routes_of()
  std::uint64_t generation = 1;
  std::uint64_t model_hash = 0;
  Tick now = 0;                        // when servers come up that were not up before; 0: as if long ago
  std::uint32_t now_s = 0;             // since 1970
  const Snapshot* previous = nullptr;  // the newest published; null for the first. Never the one that is filled
  // What the check says: up, down or untested; empty: all are up.
  std::function<ServerState(const ServerEndpoint&)> state;
  // Whether a row of `previous` has connections; empty: none has.
  std::function<bool(ServerId)> has_connections{};
  // Whether that limit of `previous` is full; empty: none is.
  std::function<bool(std::uint16_t)> is_full{};
  // Whether an operator has ended the server's waiting (roster/standby.h); empty: of none.
  std::function<bool(const model::Farm&, const model::Server&)> is_called_back{};
  // The neighbour entry of a next hop, made when missing; empty or nothing: the worker looks it up by address.
  std::function<std::optional<NeighbourId>(PortId, const Address&)> neighbour;
};

// Where a server of the model ended up: one per row in use, in the order farms, addresses, ports, servers.
struct CompiledServer {
  ServerId id;
  ServiceId service;
  std::uint32_t farm = 0;    // index into Model::farms
  std::uint32_t server = 0;  // index into Farm::servers
  roster::Duty duty;
  std::uint32_t port = 0;  // index into Farm::ports
  // By the check of its own port. Where ports are bound, the rows of one server (and address) are a ring: the index of
  // the next among all compiled servers, its own when it stands alone.
  ServerState health = ServerState::up;
  std::uint32_t next_bound = 0;
  bool is_full = false;  // as the duty was decided
};

// What counts for the server at `place` in `compiled`, by the health of those it is bound to.
[[nodiscard]] roster::Standing standing_of(std::span<const CompiledServer> compiled, std::size_t place);

// Fills `into`, all of it; what was there does not matter, and it is not to be published after an error. Takes a
// validated model. Errors: a capacity of the snapshot is exceeded (the path names it).
Result<std::vector<CompiledServer>> compile(const CompileInput& input, Snapshot& into);

// The routes that the model itself implies: connected networks, the box's own addresses, static routes. `ports` holds
// the dataplane's id of each model port; one without an id contributes nothing. For tests, for checking a file without
// a box, and for the time before Linux was asked.
std::vector<RouteInput> routes_of(const model::Model& model, std::span<const std::optional<PortId>> ports);

}  // namespace fulcrum
