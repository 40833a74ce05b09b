// How a farm stands with new clients, which is what "up" and "down" are about: a farm whose servers are all well and
// all drained serves nobody. What each server does comes from the duties in force (roster/standby.h); while none are,
// from those that the model and the checks lead to. Private to the local surface.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "control/surface/local/view.h"

namespace fulcrum::surface {

// Whatever the check says: its absence counts as up, its not having answered yet as unknown.
struct Standing {
  Health health = Health::up;
  std::string reason = "not checked";
  std::optional<std::chrono::system_clock::time_point> since{};
  bool began_earlier = false;  // than `since`, which is all that is known
};
[[nodiscard]] Standing standing_of(const View& view, const model::Farm& farm, const Address& address,
                                   const model::ServicePort& port);

// Visits the endpoints of a server in its farm, each once: an address of a family that the farm has, and a port.
template <class Visit>
void for_each_endpoint(const model::Farm& farm, const model::Server& server, Visit visit) {
  std::set<std::tuple<bool, std::uint16_t, Protocol>> visited;
  for (const Address& vip : farm.addresses) {
    const Address* address = server.address_of(vip.family());
    if (address == nullptr) continue;
    for (const model::ServicePort& port : farm.ports) {
      const std::uint16_t number = farm.server_port_of(port);
      if (visited.insert({address->is_v4(), number, port.protocol}).second) visit(*address, port);
    }
  }
}

// What each endpoint's server does in its farm: (farm, server, whether IPv4, port at the server, protocol). The
// services of several addresses have the same endpoints, and so the same duties.
using DutyKey = std::tuple<std::uint32_t, std::uint32_t, bool, std::uint16_t, Protocol>;
using Duties = std::map<DutyKey, roster::Duty>;
// Those in force; none while another model is.
[[nodiscard]] Duties duties_in_force(const View& view);
// Those in force; while there are none, what they will be.
[[nodiscard]] Duties duties_to_be(const View& view);

struct FarmStanding {
  std::size_t servers = 0;
  std::size_t serving = 0;  // take new clients on all of their endpoints
  bool somebody = false;    // some server does on one of them at least
  // What nobody serves though some server should: "tcp port 443 over IPv6". All of it when `somebody` is false.
  std::vector<std::string> unserved{};
  // The others by what they do instead: "down", "draining", "standby", ...
  std::map<std::string_view, std::vector<std::string>> others{};

  // "up", "degraded", "full", "down". A standby that is not needed keeps nobody from "up".
  [[nodiscard]] std::string_view state() const;
  // "1 of 3 servers take new clients (down: web2; draining: web3)", and in front what is unserved while others are not.
  [[nodiscard]] std::string words() const;
};
[[nodiscard]] FarmStanding farm_standing(const View& view, const Duties& duties, std::uint32_t farm);

}  // namespace fulcrum::surface
