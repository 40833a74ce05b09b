// Which of a farm's servers may take new connections. A pure function of what the administrator wrote, what the health
// checks say and what was in force before; control asks it for each service (an address and port of a farm) whenever
// one of these changes.
//
// Places. The active and favorite servers are the farm's places. One that cannot take connections (failed, drained,
// full, in maintenance, not tested yet) is missing, and standbys come in for the missing by the farm's rule: `come_in`
// for every `failures`; one at least when no place is left. They come in the order of the model, those that already
// serve first, so that a second failure moves nobody. Servers of last resort take part only while nobody else can, all
// of them; as soon as somebody can, even the clients that are bound to them move (a page that says sorry is nothing to
// come back to). Those of an ordinary standby stay with it, since their sessions are there.
//
// The way back. A favorite takes its place back at once: its standby goes back to the reserve, which leaves it the
// connections and the clients bound to it and gives it no others. An ordinary active server that comes back after a
// failure waits in the reserve as long as a standby that can serve stands in for it: one change of hands instead of
// two, and none at the moment at which a server that is failing again and again looks well. It serves again when a
// standby is missing, when another place is, or when the administrator says so: he enables it (`is_called_back`).
// (This is what "favorite" means in the products whose users we serve; everywhere else all actives are favorites.) Who
// comes back from drain or maintenance, was full, or was added, serves at once: that is what the administrator asked
// for.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "control/model/model.h"
#include "control/roster/bound_ports.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum::roster {

struct Member {
  model::ServerRole role = model::ServerRole::active;
  model::AdminState wanted = model::AdminState::enabled;
  std::uint16_t weight = 1;                  // 0: as drain
  ServerState health = ServerState::up;      // up, down or untested
  ServerState before = ServerState::unused;  // in force until now; unused: the server is new
  std::uint16_t because_of = kOwnPort;       // whose check says `health`; see bound_ports.h
  bool is_full = false;                      // has as many connections as it may have
  bool is_called_back = false;               // an operator ends its waiting for a standby
  friend bool operator==(const Member&, const Member&) = default;
};

enum class Why : std::uint8_t {
  serves,
  stands_in,   // a standby for a missing server, or the last resort
  waits,       // came back; a standby keeps its place
  not_needed,  // a standby or the last resort while others serve
  drained,
  no_weight,
  maintenance,
  failed,
  untested,
  port_failed,  // another port that this one is bound to
  port_untested,
  full,  // as it was, up or reserve: workers know by themselves whom to step over
};

struct Duty {
  ServerState state = ServerState::up;
  Why why = Why::serves;
  std::uint16_t port = kOwnPort;  // port_failed and port_untested: its place in Farm::ports
  friend bool operator==(const Duty&, const Duty&) = default;
};

// One duty for each member, in their order.
[[nodiscard]] std::vector<Duty> duties(std::span<const Member> members, const model::Standbys& rule);

// What people see: "draining", "standby"; and a sentence, empty where the state says it all.
[[nodiscard]] std::string_view word(const Duty& duty);
[[nodiscard]] std::string sentence(const Duty& duty, const model::Farm& farm);

}  // namespace fulcrum::roster
