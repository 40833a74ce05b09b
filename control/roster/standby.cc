#include "control/roster/standby.h"

#include <fmt/format.h>

#include <algorithm>

namespace fulcrum::roster {
namespace {

using model::AdminState;
using model::ServerRole;

// What is decided without a look at the others; for who could serve, that.
Duty own_duty(const Member& member) {
  if (member.wanted == AdminState::maintenance) return {ServerState::maintenance, Why::maintenance};
  const bool is_own = member.because_of == kOwnPort;
  if (member.health == ServerState::down)
    return {ServerState::down, is_own ? Why::failed : Why::port_failed, member.because_of};
  if (member.health != ServerState::up)
    return {ServerState::untested, is_own ? Why::untested : Why::port_untested, member.because_of};
  if (member.wanted == AdminState::drain) return {ServerState::draining, Why::drained};
  if (member.weight == 0) return {ServerState::draining, Why::no_weight};
  if (member.is_full) return {member.before == ServerState::reserve ? member.before : ServerState::up, Why::full};
  return {ServerState::up, Why::serves};
}

bool is_place(const Member& member) { return member.role == ServerRole::active || member.role == ServerRole::favorite; }

// An ordinary active server that comes back from a failure, or did so before and waits.
bool comes_back(const Member& member) {
  return member.role == ServerRole::active && !member.is_called_back &&
         (member.before == ServerState::down || member.before == ServerState::reserve);
}

class Rule {
 public:
  Rule(std::span<const Member> members, const model::Standbys& rule) : members_{members}, rule_{rule} {
    for (const Member& member : members) duties_.push_back(own_duty(member));
  }

  std::vector<Duty> run() {
    count();
    const std::size_t needed = needed_for(missing_);
    // Every `come_in` standbys that serve beyond the need keep one server that is back waiting.
    const std::size_t beyond = serving_standbys_ > needed ? serving_standbys_ - needed : 0;
    const std::size_t waiting = std::min<std::size_t>(back_, (beyond + rule_.come_in - 1) / rule_.come_in);
    keep_waiting(waiting);
    bring_in(std::max(needed, std::min(serving_standbys_, needed + waiting * rule_.come_in)));
    settle_last_resort();
    return std::move(duties_);
  }

 private:
  [[nodiscard]] bool can(std::size_t i) const {
    return duties_[i].state == ServerState::up && duties_[i].why != Why::full;
  }

  void count() {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const Member& member = members_[i];
      if (is_place(member)) {
        ++places_;
        if (!can(i)) ++missing_;
        if (can(i) && comes_back(member)) ++back_;
      } else if (member.role == ServerRole::standby && can(i) && member.before == ServerState::up) {
        ++serving_standbys_;
      }
    }
  }

  [[nodiscard]] std::size_t needed_for(std::size_t missing) const {
    const std::size_t by_rule = missing / rule_.failures * rule_.come_in;
    return missing == places_ ? std::max<std::size_t>(by_rule, 1) : by_rule;
  }

  void keep_waiting(std::size_t count) {
    for (std::size_t i = 0; i < members_.size() && count != 0; ++i) {
      if (!can(i) || !comes_back(members_[i])) continue;
      duties_[i] = {ServerState::reserve, Why::waits};
      --count;
    }
  }

  void bring_in(std::size_t count) {
    for (const bool serves_already : {true, false}) {
      for (std::size_t i = 0; i < members_.size(); ++i) {
        const bool is_candidate = members_[i].role == ServerRole::standby && can(i) &&
                                  (members_[i].before == ServerState::up) == serves_already;
        if (!is_candidate) continue;
        duties_[i] = count != 0 ? Duty{ServerState::up, Why::stands_in} : Duty{ServerState::reserve, Why::not_needed};
        if (count != 0) --count;
      }
    }
  }

  void settle_last_resort() {
    bool is_needed = true;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (members_[i].role != ServerRole::last_resort && can(i)) is_needed = false;
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (members_[i].role != ServerRole::last_resort || duties_[i].state != ServerState::up) continue;
      if (!is_needed) {
        duties_[i] = {ServerState::idle, Why::not_needed};
      } else if (can(i)) {
        duties_[i] = {ServerState::up, Why::stands_in};
      }
    }
  }

  std::span<const Member> members_;
  const model::Standbys& rule_;
  std::vector<Duty> duties_;
  std::size_t places_ = 0, missing_ = 0, back_ = 0, serving_standbys_ = 0;
};

}  // namespace

std::vector<Duty> duties(std::span<const Member> members, const model::Standbys& rule) {
  return Rule{members, rule}.run();
}

std::string_view word(const Duty& duty) {
  switch (duty.why) {
    case Why::serves:
    case Why::stands_in:
      return "up";
    case Why::waits:
      return "waiting";
    case Why::not_needed:
      return "standby";
    case Why::drained:
    case Why::no_weight:
      return "draining";
    case Why::maintenance:
      return "maintenance";
    case Why::failed:
    case Why::port_failed:
      return "down";
    case Why::full:
      return "full";
    case Why::untested:
    case Why::port_untested:
      break;
  }
  return "unknown";
}

std::string sentence(const Duty& duty, const model::Farm& farm) {
  const auto port = [&] {
    if (duty.port >= farm.ports.size()) return std::string{"another port"};
    const model::ServicePort& named = farm.ports[duty.port];
    return fmt::format("{} port {}", named.protocol == Protocol::udp ? "udp" : "tcp", named.port);
  };
  switch (duty.why) {
    case Why::stands_in:
      return "stands in for servers that cannot serve";
    case Why::waits:
      return "came back after a failure; a standby holds its place until that standby fails or is drained, or this "
             "server is enabled";
    case Why::not_needed:
      return duty.state == ServerState::reserve && farm.persistence.type != model::PersistenceType::none
                 ? "ready, and not needed; clients that were bound to it while it served still come"
                 : "ready, and not needed";
    case Why::drained:
      return "drained: only its connections and the clients bound to it go on";
    case Why::no_weight:
      return "weight 0: only its connections and the clients bound to it go on";
    case Why::maintenance:
      return "in maintenance: takes nobody";
    case Why::port_failed:
      return port() + " is down, and the farm's ports are bound";
    case Why::port_untested:
      return port() + " has not been checked yet, and the farm's ports are bound";
    case Why::full:
      return "has as many connections as it may have: takes nobody until enough have ended";
    default:
      return {};
  }
}

}  // namespace fulcrum::roster
