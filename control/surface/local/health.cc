// How the checks of the servers stand.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <tuple>

#include "control/surface/local/answers.h"
#include "control/surface/local/farm_standing.h"
#include "control/surface/local/question_keys.h"
#include "control/surface/local/words.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

// Empty: all. Errors: it is no name.
Result<std::string> name_in(const json& question, const char* key) {
  const auto found = question.find(key);
  if (found == question.end()) return std::string{};
  if (!found->is_string() || found->get<std::string>().empty()) return fail(Error::Code::invalid, key, "is a name");
  return found->get<std::string>();
}

// One check of a server, and the ports of the farm that it speaks for.
struct Checked {
  model::Check check;
  const model::ServicePort* first = nullptr;
  json ports = json::array();
};

// By address, port and rules: what a server's ports have in common is probed once.
using CheckKey = std::tuple<Address, std::uint16_t, int, std::int64_t, std::int64_t, int, int>;

std::map<CheckKey, Checked> checks_of(const model::Farm& farm, const model::Server& server) {
  std::map<CheckKey, Checked> checks;
  for_each_endpoint(farm, server, [&](const Address& address, const model::ServicePort& service) {
    const model::Check check = farm.check_of(service);
    const CheckKey key{address,
                       farm.probed_port(service),
                       static_cast<int>(check.type),
                       check.interval.count(),
                       check.timeout.count(),
                       check.rise,
                       check.fall};
    Checked& checked = checks.try_emplace(key, Checked{.check = check, .first = &service}).first->second;
    checked.ports.push_back(std::string{word(service.protocol)} + "/" + std::to_string(service.port));
  });
  return checks;
}

json newest_part(const TargetHealth& health) {
  if (!health.newest) return nullptr;
  return {{"at", iso_time(health.newest->at)},
          {"result", word(health.newest->kind)},
          {"reason", health.last},
          {"took_us", health.newest->took.count()},
          {"counts", health.newest->counts}};
}

void put_health(json& row, const TargetHealth& health, const View& view) {
  row["state"] = word(health.judgement.health);
  row["reason"] = health.reason;
  row["since"] = iso_time(health.since);
  row["for_s"] = std::max<std::int64_t>(
      duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - health.since).count(), 0);
  row["began_earlier"] = health.began_earlier;
  row["is_confirmed"] = health.is_confirmed;
  row["last"] = newest_part(health);
  row["successes_in_a_row"] = std::max(health.in_a_row, 0);
  row["failures_in_a_row"] = std::max(-health.in_a_row, 0);
  row["contradictions"] = health.judgement.streak;
  row["response_us"] = health.response.count() != 0 ? json(health.response.count()) : json();
  row["activity"] = view.checks_paused ? "paused" : health.next ? "waiting" : "under_way";
  if (!health.next) return;
  const auto left = duration_cast<milliseconds>(*health.next - std::chrono::steady_clock::now()).count();
  row["next_in_ms"] = std::max<std::int64_t>(left, 0);
}

json health_row(const View& view, const model::Farm& farm, const model::Server& server, const CheckKey& key,
                const Checked& checked) {
  const bool is_checked = checked.check.type != model::CheckType::none;
  const Address& address = std::get<0>(key);
  json row{{"farm", farm.name},         {"name", server.name},
           {"address", address.text()}, {"port", std::get<1>(key)},
           {"ports", checked.ports},    {"check", is_checked ? "tcp_connect" : "none"},
           {"state", "unchecked"},      {"reason", "not checked: counts as up"}};
  for (const char* name :
       {"since", "for_s", "began_earlier", "is_confirmed", "last", "successes_in_a_row", "failures_in_a_row",
        "contradictions", "response_us", "activity", "next_in_ms", "rise", "fall", "interval_ms", "timeout_ms"}) {
    row[name] = nullptr;
  }
  if (!is_checked) return row;
  row["rise"] = checked.check.rise;
  row["fall"] = checked.check.fall;
  row["interval_ms"] = checked.check.interval.count();
  row["timeout_ms"] = checked.check.timeout.count();
  if (const auto health = view.health(farm, address, *checked.first)) put_health(row, *health, view);
  return row;
}

}  // namespace

Result<json> show_health(const json& question, const View& view) {
  if (auto known = check_keys(question, {"show", "farm", "server"}); !known)
    return tl::unexpected<Error>{known.error()};
  const auto only_farm = name_in(question, "farm"), only_server = name_in(question, "server");
  for (const auto* name : {&only_farm, &only_server}) {
    if (!*name) return tl::unexpected<Error>{name->error()};
  }
  json answer{{"dataplane", dataplane_part(view)}, {"health", json::array()}};
  bool has_farm = false, has_server = false;
  for (const model::Farm& farm : view.model.farms) {
    if (!only_farm->empty() && farm.name != *only_farm) continue;
    has_farm = true;
    for (const model::Server& server : farm.servers) {
      if (!only_server->empty() && server.name != *only_server) continue;
      has_server = true;
      for (const auto& [key, checked] : checks_of(farm, server)) {
        answer["health"].push_back(health_row(view, farm, server, key, checked));
      }
    }
  }
  if (!only_farm->empty() && !has_farm) {
    return fail(Error::Code::not_found, "farms." + *only_farm, "there is no such farm");
  }
  if (!only_server->empty() && !has_server) {
    return fail(Error::Code::not_found, "servers." + *only_server, "there is no such server in the farm");
  }
  return answer;
}

}  // namespace fulcrum::surface
