// Bound ports: a server whose check fails on one port of its farm leaves them all, where the farm says so
// (model::PortHealth). What counts for a port is then the worst of the server's ports: down when one is down, untested
// when one has not answered yet. Standbys, drain and the rest (standby.h) go by what counts, so a server leaves and
// comes back on all its ports in the same moment, and its standby with it.
//
// Bound are the ports of one address of a server: those of its IPv4 address say nothing about its IPv6 address.
#pragma once

#include <cstdint>

#include "dataplane/contract/snapshot.h"

namespace fulcrum::roster {

inline constexpr std::uint16_t kOwnPort = UINT16_MAX;

// What counts for one port of a server.
struct Standing {
  ServerState health = ServerState::up;  // up, down or untested
  std::uint16_t because_of = kOwnPort;   // the place in Farm::ports of the port that says so, where that is another
  friend bool operator==(const Standing&, const Standing&) = default;
};

// Collects the ports that are bound together, then tells what counts for each. A port that stands alone is added alone.
class BoundPorts {
 public:
  // `health`: by the port's own check.
  void add(ServerState health, std::uint16_t port) {
    if (badness(health) > badness(worst_.health)) worst_ = {health, port};
  }
  // A port that is as bad as the worst speaks for itself.
  [[nodiscard]] Standing standing(ServerState own) const {
    return badness(own) >= badness(worst_.health) ? Standing{own} : worst_;
  }

 private:
  static int badness(ServerState health) { return health == ServerState::up ? 0 : health == ServerState::down ? 2 : 1; }
  Standing worst_;
};

}  // namespace fulcrum::roster
