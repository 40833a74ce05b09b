// What a snapshot is to hold, before its rows are filled: the services and servers that the model asks for, and the
// servers that left it and still have connections. Private to compile.cc.
#pragma once

#include <cstdint>
#include <optional>

#include "control/compile/keys.h"
#include "control/model/model.h"
#include "control/roster/standby.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

// A service and a server row to be, with the place in the model that asks for it.
struct PlannedService {
  const model::Farm* farm = nullptr;
  std::uint32_t farm_index = 0;
  const model::ServicePort* port = nullptr;
  std::uint16_t port_index = 0;  // in the farm's
  ServiceKey key;
  std::optional<std::uint16_t> row;
};

struct PlannedServer {
  std::uint32_t service = 0;  // index into the planned services
  std::uint32_t server_index = 0;
  const model::Server* server = nullptr;
  Address address{};
  Be16 port{0};
  std::optional<std::uint16_t> row{};
  bool is_kept = false;                  // the row was this server's before
  ServerState health = ServerState::up;  // of its own port
  roster::Standing standing{};           // what counts, with the ports that it is bound to
  std::uint32_t next_bound = 0;          // a ring of these; index into the planned servers
  roster::Duty duty{};
  MemberId member{};
  bool is_full = false;
};

// As roster::duties() would bring the server in; 0: it would not.
[[nodiscard]] inline std::uint8_t reserve_rank(const PlannedServer& planned) {
  if (planned.duty.why != roster::Why::waits && planned.duty.why != roster::Why::not_needed) return 0;
  return planned.server->role == model::ServerRole::last_resort ? 2 : 1;
}

// A row of a server that is no longer in the farm.
struct LeavingServer {
  std::uint16_t row = 0;
  std::uint32_t left_at = 0;  // seconds since 1970
};

// What becomes of the connections of what leaves this farm.
[[nodiscard]] inline Flows removed_flows(const model::Farm& farm) {
  switch (farm.removed_flows) {
    case model::RemovedFlows::keep:
      return Flows::go_on;
    case model::RemovedFlows::drain:
      return Flows::go_on_for_a_time;
    case model::RemovedFlows::reset:
      break;
  }
  return Flows::reset;
}

// What becomes of the connections of a server that left the farm, or went into maintenance, at `left_at`.
[[nodiscard]] inline Flows flows_of(const FarmRow& farm, std::uint32_t left_at, std::uint32_t now_s) {
  const bool is_late = farm.removed_flows == Flows::go_on_for_a_time && now_s - left_at >= farm.drain_time_s;
  return is_late ? Flows::reset : farm.removed_flows;
}

}  // namespace fulcrum
