#include "control/surface/local/trial.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <utility>

#include "control/surface/local/answers.h"
#include "control/surface/local/farm_standing.h"
#include "control/surface/local/question_keys.h"
#include "control/surface/local/words.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// 0: there is none. Errors: it is no number, or out of bounds.
Result<std::uint64_t> read_bounded(const json& question, const char* key, std::uint64_t min, std::uint64_t max) {
  const auto found = question.find(key);
  if (found == question.end()) return 0;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() < min || found->get<std::uint64_t>() > max) {
    return fail(Error::Code::invalid, key, fmt::format("{} is out of range: {} to {}", found->dump(), min, max));
  }
  return found->get<std::uint64_t>();
}

std::string text_at(const json& question, const char* key) {
  const auto found = question.find(key);
  return found != question.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

Result<std::vector<TrialPlace>> place_of_address(const json& question, std::uint16_t port, milliseconds timeout) {
  if (question.contains("farm") || question.contains("server")) {
    return fail(Error::Code::invalid, "address", "goes without a farm and a server");
  }
  const auto address = Address::parse(text_at(question, "address"));
  if (!address) return fail(Error::Code::invalid, "address", "is no IPv4 or IPv6 address");
  if (address->is_multicast() || address->is_unspecified() || address->is_loopback()) {
    return fail(Error::Code::invalid, "address", "is no address that a server can have");
  }
  if (port == 0) return fail(Error::Code::invalid, "port", "is missing: 1 to 65535");
  const milliseconds patience = timeout.count() != 0 ? timeout : model::Check{}.timeout;
  return std::vector<TrialPlace>{{.trial = {*address, port, patience}, .farm = {}, .server = {}}};
}

// What is probed of a server: each address and port once, with the longest of the times that its checks wait.
void add_places(const model::Farm& farm, const model::Server& server, std::uint16_t port, milliseconds timeout,
                std::vector<TrialPlace>& places) {
  std::map<std::pair<Address, std::uint16_t>, milliseconds> found;
  for_each_endpoint(farm, server, [&](const Address& address, const model::ServicePort& service) {
    const std::uint16_t probed = farm.probed_port(service);
    if (probed == 0 || (port != 0 && port != probed)) return;
    const milliseconds patience = std::min(farm.check_of(service).timeout, kTrialTimeoutMax);
    milliseconds& longest = found[{address, probed}];
    longest = std::max(longest, timeout.count() != 0 ? timeout : patience);
  });
  for (const auto& [place, patience] : found) {
    places.push_back({.trial = {place.first, place.second, patience}, .farm = farm.name, .server = server.name});
  }
}

Result<std::vector<TrialPlace>> places_of_farm(const json& question, const model::Model& model, std::uint16_t port,
                                               milliseconds timeout) {
  const std::string name = text_at(question, "farm"), only = text_at(question, "server");
  const auto farm =
      std::find_if(model.farms.begin(), model.farms.end(), [&](const auto& one) { return one.name == name; });
  if (farm == model.farms.end()) return fail(Error::Code::not_found, "farms." + name, "there is no such farm");
  std::vector<TrialPlace> places;
  bool has_server = false;
  for (const model::Server& server : farm->servers) {
    if (question.contains("server") && server.name != only) continue;
    has_server = true;
    add_places(*farm, server, port, timeout, places);
  }
  if (!has_server && question.contains("server")) {
    return fail(Error::Code::not_found, fmt::format("farms.{}.servers.{}", name, only),
                "there is no such server in the farm");
  }
  if (!places.empty()) return places;
  return fail(Error::Code::not_found, "farms." + name,
              port != 0 ? fmt::format("no server is checked on port {}: `show health {}` lists the ports", port, name)
                        : "has no server with a port to connect to");
}

// The check that speaks for the place now, and how it stands; nothing: nobody's, or not checked.
struct Speaker {
  model::Check check;
  std::optional<TargetHealth> health;
};
std::optional<Speaker> speaker_of(const View& view, const TrialPlace& place) {
  std::optional<Speaker> speaker;
  for (const model::Farm& farm : view.model.farms) {
    if (farm.name != place.farm) continue;
    for (const model::Server& server : farm.servers) {
      if (server.name != place.server) continue;
      for_each_endpoint(farm, server, [&](const Address& address, const model::ServicePort& service) {
        const bool is_it = address == place.trial.address && farm.probed_port(service) == place.trial.port;
        if (!is_it || speaker || farm.check_of(service).type == model::CheckType::none) return;
        speaker = Speaker{farm.check_of(service), view.health(farm, address, service)};
      });
    }
  }
  return speaker;
}

// By which port and neighbour the probe goes, as the workers would send.
std::string way_words(const View& view, const Address& address) {
  const NextHop way = find_route(*view.snapshot, address);
  const bool on_link = way.kind == RouteKind::on_link;
  if ((!on_link && way.kind != RouteKind::gateway) || way.port.value >= kPortsMax) {
    return "no route by a data port leads there";
  }
  const NeighbourTable& neighbours = view.region->neighbours();
  const NeighbourId id{way.neighbour};
  const bool is_known = !on_link && id.value < kNeighboursMax;
  const auto mac = on_link ? neighbours.find(way.port, address) : neighbours.mac(id);
  return fmt::format("by port {}, {}{}: {}", view.region->header().ports[way.port.value].name.view(),
                     on_link ? "on its network" : "through gateway ",
                     is_known ? neighbours.who(id).address.text() : std::string{},
                     mac ? "MAC address " + mac->text()
                         : std::string{address.is_v4() ? "nobody has answered ARP for it"
                                                       : "nobody has answered neighbour discovery for it"});
}

std::string connect_words(const Observation& seen) {
  std::string words = seen.source ? fmt::format("from {}: ", endpoint(*seen.source, seen.source_port)) : std::string{};
  switch (seen.kind) {
    case Observation::Kind::answered:
      words += fmt::format("answered after {} us", seen.took.count());
      break;
    case Observation::Kind::refused:
      words += fmt::format("{} after {} us", seen.reason, seen.took.count());
      break;
    default:
      words += seen.reason;
  }
  if (seen.syns > 1) words += fmt::format("; the SYN was sent {} times", seen.syns);
  return words;
}

// "counts as a success for ... (tcp_connect every 1000 ms, ...), which ... since ..."
std::string meaning_words(const TrialPlace& place, const std::optional<Speaker>& speaker, bool passed) {
  if (place.server.empty()) return "no server's check: nobody goes by this";
  if (!speaker) return "the farm does not check this port: the server counts as up whatever comes of it";
  std::string words = fmt::format("a check like this (tcp_connect every {} ms) {}", speaker->check.interval.count(),
                                  passed ? "succeeds" : "fails");
  if (!speaker->health) return words;
  const TargetHealth& health = *speaker->health;
  words += fmt::format("; by its checks the server is {} since {}{}", word(health.judgement.health),
                       health.began_earlier ? "before " : "", iso_time(health.since));
  if (health.judgement.streak > 0) {
    words += fmt::format(", and the last {} say otherwise", health.judgement.streak);
  }
  return words;
}

json trial_row(const View& view, const TrialPlace& place, const Observation& seen) {
  const bool passed = seen.kind == Observation::Kind::answered;
  const auto speaker = speaker_of(view, place);
  json row{{"farm", nullptr}, {"server", nullptr}, {"check", nullptr}, {"state", nullptr}};
  if (!place.server.empty()) {
    row["farm"] = place.farm;
    row["server"] = place.server;
    row["check"] = speaker ? "tcp_connect" : "none";
  }
  if (speaker && speaker->health) row["state"] = word(speaker->health->judgement.health);
  row["address"] = place.trial.address.text();
  row["port"] = place.trial.port;
  row["timeout_ms"] = place.trial.timeout.count();
  row["passed"] = passed;
  row["result"] = word(seen.kind);
  row["reason"] = seen.reason;
  row["took_us"] = seen.took.count();
  json& steps = row["steps"] = json::array();
  const auto add = [&](const char* step, const std::string& text) {
    steps.push_back({{"step", step}, {"text", text}});
  };
  if (view.region != nullptr && view.snapshot != nullptr) add("way", way_words(view, place.trial.address));
  add("connect", connect_words(seen));
  if (passed) add("close", "by a reset, so that neither side keeps the connection");
  add("meaning", meaning_words(place, speaker, passed));
  return row;
}

}  // namespace

Result<std::vector<TrialPlace>> read_trial(const json& question, const View& view) {
  if (!question.is_object())
    return fail(Error::Code::invalid, "test", "is an object: a farm, or an address and a port");
  auto known = check_keys(question, {"farm", "server", "address", "port", "timeout_ms"}, "a test");
  if (!known) return tl::unexpected<Error>{known.error()};
  const auto port = read_bounded(question, "port", 1, UINT16_MAX);
  if (!port) return tl::unexpected<Error>{port.error()};
  const auto timeout = read_bounded(question, "timeout_ms", static_cast<std::uint64_t>(kTrialTimeoutMin.count()),
                                    static_cast<std::uint64_t>(kTrialTimeoutMax.count()));
  if (!timeout) return tl::unexpected<Error>{timeout.error()};
  const auto number = static_cast<std::uint16_t>(*port);
  const milliseconds patience{*timeout};
  if (!question.contains("address") && !question.contains("farm")) {
    return fail(Error::Code::invalid, "farm", "is missing: name a farm, or an address and a port");
  }
  auto places = question.contains("address") ? place_of_address(question, number, patience)
                                             : places_of_farm(question, view.model, number, patience);
  if (places && !view.dataplane_alive) {
    return fail(Error::Code::io, "", "the dataplane is not running: no server can be reached, nothing was tested");
  }
  return places;
}

json trial_answer(const View& view, const std::vector<TrialPlace>& places, const std::vector<Observation>& seen) {
  json answer{{"dataplane", dataplane_part(view)}, {"passed", true}, {"tests", json::array()}};
  for (std::size_t i = 0; i < places.size() && i < seen.size(); ++i) {
    answer["tests"].push_back(trial_row(view, places[i], seen[i]));
    if (seen[i].kind != Observation::Kind::answered) answer["passed"] = false;
  }
  return answer;
}

}  // namespace fulcrum::surface
