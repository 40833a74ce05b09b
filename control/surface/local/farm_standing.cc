#include "control/surface/local/farm_standing.h"

#include <fmt/format.h>

#include <algorithm>

namespace fulcrum::surface {
namespace {

constexpr std::size_t kNamesMax = 4;  // of one kind, in a sentence

bool takes_new_clients(const roster::Duty& duty) { return takes_new(duty.state) && duty.why != roster::Why::full; }

ServerState state_of(Health health) {
  if (health == Health::up) return ServerState::up;
  return health == Health::down ? ServerState::down : ServerState::untested;
}

// What counts for one port of a server: what the checks say of all that it is bound to.
roster::Standing counts_for(const View& view, const model::Farm& farm, const Address& address, std::size_t port) {
  roster::BoundPorts bound;
  const auto own = state_of(standing_of(view, farm, address, farm.ports[port]).health);
  for (std::size_t other = 0; other < farm.ports.size(); ++other) {
    const bool is_bound = other == port || farm.port_health == model::PortHealth::bound;
    if (!is_bound) continue;
    const auto health = other == port ? own : state_of(standing_of(view, farm, address, farm.ports[other]).health);
    bound.add(health, static_cast<std::uint16_t>(other));
  }
  return bound.standing(own);
}

void expect_duties(const View& view, std::uint32_t f, bool is_v4, Duties& duties) {
  const model::Farm& farm = view.model.farms[f];
  for (std::size_t port = 0; port < farm.ports.size(); ++port) {
    std::vector<roster::Member> members;
    std::vector<std::uint32_t> places;
    for (std::uint32_t s = 0; s < farm.servers.size(); ++s) {
      const model::Server& server = farm.servers[s];
      const Address* address = server.address_of(is_v4 ? Family::ipv4 : Family::ipv6);
      if (address == nullptr) continue;
      const roster::Standing standing = counts_for(view, farm, *address, port);
      roster::Member member{.role = server.role, .wanted = server.state, .weight = server.weight};
      member.health = standing.health;
      member.because_of = standing.because_of;
      members.push_back(member);
      places.push_back(s);
    }
    const auto expected = roster::duties(members, farm.standbys);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const model::ServicePort& at = farm.ports[port];
      duties.emplace(DutyKey{f, places[i], is_v4, farm.server_port_of(at), at.protocol}, expected[i]);
    }
  }
}

}  // namespace

Standing standing_of(const View& view, const model::Farm& farm, const Address& address,
                     const model::ServicePort& port) {
  const auto health = view.health(farm, address, port);
  if (!health) return {};
  Standing standing{.health = health->judgement.health,
                    .reason = health->reason,
                    .since = health->since,
                    .began_earlier = health->began_earlier};
  if (health->judgement.streak > 0) {
    standing.reason += " (the last " + std::to_string(health->judgement.streak) + ": " + health->last + ")";
  }
  return standing;
}

Duties duties_in_force(const View& view) {
  Duties duties;
  if (view.snapshot == nullptr) return duties;
  for (const CompiledServer& server : view.compiled) {
    const ServerRow& row = view.snapshot->servers[server.id.index];
    duties.emplace(DutyKey{server.farm, server.server, row.address.is_v4(), row.port.host(),
                           view.snapshot->services[server.service.value].protocol},
                   server.duty);
  }
  return duties;
}

Duties duties_to_be(const View& view) {
  Duties duties = duties_in_force(view);
  if (!duties.empty()) return duties;
  for (std::uint32_t f = 0; f < view.model.farms.size(); ++f) {
    for (const bool is_v4 : {true, false}) expect_duties(view, f, is_v4, duties);
  }
  return duties;
}

FarmStanding farm_standing(const View& view, const Duties& duties, std::uint32_t farm) {
  const model::Farm& of = view.model.farms[farm];
  FarmStanding standing{.servers = of.servers.size()};
  std::map<std::tuple<std::uint16_t, Protocol, bool>, bool> served;  // by port, protocol, whether IPv4
  for (std::uint32_t s = 0; s < of.servers.size(); ++s) {
    std::string_view instead;
    for_each_endpoint(of, of.servers[s], [&](const Address& address, const model::ServicePort& port) {
      const auto duty = duties.find({farm, s, address.is_v4(), of.server_port_of(port), port.protocol});
      bool& is_served = served[{port.port, port.protocol, address.is_v4()}];
      if (duty != duties.end() && takes_new_clients(duty->second)) {
        is_served = standing.somebody = true;
      } else if (instead.empty()) {
        instead = duty != duties.end() ? roster::word(duty->second) : "unknown";
      }
    });
    if (instead.empty()) {
      ++standing.serving;
    } else {
      standing.others[instead].push_back(of.servers[s].name);
    }
  }
  for (const auto& [what, is_served] : served) {
    const auto& [port, protocol, is_v4] = what;
    if (!is_served) {
      standing.unserved.push_back(fmt::format("{} port {} over {}", word(protocol), port, is_v4 ? "IPv4" : "IPv6"));
    }
  }
  return standing;
}

std::string_view FarmStanding::state() const {
  if (!somebody) return others.count("full") != 0 ? "full" : "down";
  const auto standbys = others.find("standby");
  return serving + (standbys != others.end() ? standbys->second.size() : 0) == servers ? "up" : "degraded";
}

std::string FarmStanding::words() const {
  std::string why;
  for (const auto& [word, names] : others) {
    const std::string whose =
        names.size() <= kNamesMax ? fmt::format("{}", fmt::join(names, ", ")) : std::to_string(names.size());
    why += fmt::format("{}{}{}: {}", why.empty() ? " (" : "; ", word,
                       word == "waiting" ? " while a standby holds its place" : "", whose);
  }
  std::string nobody;
  if (somebody && !unserved.empty()) {
    const std::size_t more = unserved.size() - std::min(unserved.size(), kNamesMax);
    nobody =
        fmt::format("nobody serves {}{}; ", fmt::join(unserved.begin(), unserved.end() - static_cast<long>(more), ", "),
                    more == 0 ? "" : fmt::format(" and {} more", more));
  }
  return fmt::format("{}{} of {} servers take new clients{}{}", nobody, serving, servers, why, why.empty() ? "" : ")");
}

}  // namespace fulcrum::surface
