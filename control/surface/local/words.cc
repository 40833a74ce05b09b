#include "control/surface/local/words.h"

#include <fmt/format.h>

#include <ctime>

namespace fulcrum::surface {

std::string_view word(Protocol protocol) {
  switch (protocol) {
    case Protocol::icmp:
      return "icmp";
    case Protocol::tcp:
      return "tcp";
    case Protocol::udp:
      return "udp";
    case Protocol::icmpv6:
      return "icmpv6";
  }
  return "unknown";
}

std::string_view word(Mode mode) { return mode == Mode::dsr ? "dsr" : "nat"; }

std::string_view word(SchedulerKind scheduler) {
  switch (scheduler) {
    case SchedulerKind::round_robin:
      return "round_robin";
    case SchedulerKind::weighted_round_robin:
      return "weighted_round_robin";
    case SchedulerKind::least_connections:
      return "least_connections";
    case SchedulerKind::weighted_least_connections:
      return "weighted_least_connections";
    case SchedulerKind::two_choices:
      return "two_choices";
    case SchedulerKind::source_hash:
      return "source_hash";
    case SchedulerKind::maglev:
      return "maglev";
    case SchedulerKind::fastest_response:
      return "fastest_response";
    case SchedulerKind::least_bandwidth:
      return "least_bandwidth";
  }
  return "unknown";
}

std::string goes_by(SchedulerKind scheduler, bool draws) {
  const auto least = [&](std::string_view what, std::string_view rest = "") {
    return fmt::format("{}: {}, the one to come included{}.",
                       draws ? "It draws two servers by their weights and takes the one with the lower score"
                             : "It takes the server with the lowest score",
                       what, rest);
  };
  switch (scheduler) {
    case SchedulerKind::round_robin:
      return "It gives each server a turn, whatever its weight.";
    case SchedulerKind::weighted_round_robin:
      return "It gives each server as many turns as its weight says.";
    case SchedulerKind::least_connections:
      return least("its connections");
    case SchedulerKind::weighted_least_connections:
    case SchedulerKind::two_choices:
      return least("its connections for each unit of weight");
    case SchedulerKind::fastest_response:
      return least("its connections times the microseconds it takes to answer, for each unit of weight",
                   "; one connection in 64 goes to any server, to measure it");
    case SchedulerKind::least_bandwidth:
      return least("the KiB per second it moves and its connections, for each unit of weight");
    case SchedulerKind::source_hash:
      return "The client's address leads to a slot; a server has slots as its weight says.";
    case SchedulerKind::maglev:
      return "The client's address and port lead to a slot; a server has slots as its weight says.";
  }
  return {};
}

std::string_view word(ConnectionState state) {
  switch (state) {
    case ConnectionState::embryonic:
      return "embryonic";
    case ConnectionState::established:
      return "established";
    case ConnectionState::client_closing:
      return "client_closing";
    case ConnectionState::server_closing:
      return "server_closing";
    case ConnectionState::time_wait:
      return "time_wait";
    case ConnectionState::udp:
      return "udp";
    case ConnectionState::reset:
      return "reset";
    case ConnectionState::answered:
      return "answered";
  }
  return "unknown";
}

std::string_view word(Reason reason) {
  if (names_scheduler(reason)) return word(scheduler_of(reason));
  switch (reason) {
    case Reason::scheduler:
      return "scheduler";
    case Reason::persistence:
      return "persistence";
    case Reason::fallback:
      return "fallback";
    case Reason::spare:
      return "spare";
    case Reason::stand_in:
      return "stand_in";
    case Reason::port_taken:
      return "port_taken";
    case Reason::by_scheduler:
      break;  // above
  }
  return "unknown";
}

std::string_view word(Health health) {
  switch (health) {
    case Health::unknown:
      return "unknown";
    case Health::up:
      return "up";
    case Health::down:
      return "down";
  }
  return "unknown";
}

std::string_view word(Observation::Kind kind) {
  switch (kind) {
    case Observation::Kind::answered:
      return "answered";
    case Observation::Kind::refused:
      return "refused";
    case Observation::Kind::silent:
      return "silent";
    case Observation::Kind::inconclusive:
      break;
  }
  return "inconclusive";
}

std::string_view word(ServerState state) {
  switch (state) {
    case ServerState::up:
      return "up";
    case ServerState::down:
      return "down";
    case ServerState::draining:
      return "draining";
    case ServerState::reserve:
    case ServerState::idle:
      return "standby";
    case ServerState::maintenance:
      return "maintenance";
    case ServerState::leaving:
      return "leaving";
    case ServerState::untested:
    case ServerState::unused:
      break;
  }
  return "unknown";
}

std::string_view word(LinkState link) {
  switch (link) {
    case LinkState::up:
      return "up";
    case LinkState::down:
      return "down";
    case LinkState::gone:
      return "gone";
    case LinkState::unknown:
      break;
  }
  return "unknown";
}

std::string_view word(model::ServerRole role) {
  switch (role) {
    case model::ServerRole::active:
      return "active";
    case model::ServerRole::favorite:
      return "favorite";
    case model::ServerRole::standby:
      return "standby";
    case model::ServerRole::last_resort:
      return "last_resort";
  }
  return "unknown";
}

std::string_view word(model::AdminState state) {
  switch (state) {
    case model::AdminState::enabled:
      return "enabled";
    case model::AdminState::drain:
      return "drain";
    case model::AdminState::maintenance:
      return "maintenance";
  }
  return "unknown";
}

std::string endpoint(const Address& address, std::uint16_t port) {
  return address.is_v4() ? fmt::format("{}:{}", address.text(), port) : fmt::format("[{}]:{}", address.text(), port);
}

std::string iso_time(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace fulcrum::surface
