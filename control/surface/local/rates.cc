#include "control/surface/local/rates.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>

#include "control/surface/local/answers.h"
#include "control/surface/local/question_keys.h"
#include "control/surface/local/words.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;
using telemetry::Counts;
using telemetry::Kind;
using telemetry::kKindNames;

constexpr std::int64_t kPastDefault = 300;
constexpr std::uint64_t kEventsDefault = 100;

Result<std::int64_t> read_number(const json& question, const char* key, std::int64_t otherwise) {
  const auto found = question.find(key);
  if (found == question.end()) return otherwise;
  if (!found->is_number_integer()) return fail(Error::Code::invalid, key, "is a whole number");
  return found->get<std::int64_t>();
}

Result<Kind> read_kind(const json& question) {
  const json of = question.value("of", json("farms"));
  for (std::size_t i = 0; i < kKindNames.size(); ++i) {
    if (of == kKindNames[i]) return static_cast<Kind>(i);
  }
  return fail(Error::Code::invalid, "of", "is farms, servers, ports, workers or drops");
}

std::int64_t finest_step(std::int64_t age) {
  for (const telemetry::Tier& tier : telemetry::kTiers) {
    if (age <= tier.step_s * tier.slots) return tier.step_s;
  }
  return telemetry::kTiers.back().step_s;
}

void put_rates(json& row, const std::array<double, telemetry::kColumns>& rates) {
  row["connections_s"] = rates[0];
  row["packets_in_s"] = rates[1];
  row["packets_out_s"] = rates[2];
  row["bits_in_s"] = rates[3] * 8;
  row["bits_out_s"] = rates[4] * 8;
}

// Those that are there and counted nothing, too.
std::map<std::string, Counts> all_of(const View& view, Kind kind) {
  std::map<std::string, Counts> all;
  for (const model::Farm& farm : view.model.farms) {
    if (kind == Kind::farms) all[farm.name] = {};
    for (const model::Server& server : farm.servers) {
      if (kind == Kind::servers) all[farm.name + "/" + server.name] = {};
    }
  }
  if (view.region == nullptr) return all;
  for (const PortInfo& port : view.region->header().ports) {
    if (kind == Kind::ports && port.in_use != 0) all[std::string{port.name.view()}] = {};
  }
  for (std::size_t i = 0; kind == Kind::workers && i < view.region->workers(); ++i) all[std::to_string(i)] = {};
  return all;
}

std::chrono::system_clock::time_point at(std::int64_t time) {
  return std::chrono::system_clock::time_point{std::chrono::seconds{time}};
}

}  // namespace

Result<RatesRequest> read_rates(const json& question, std::int64_t now) {
  if (auto keys = check_keys(question, {"show", "of", "name", "from", "to", "step", "function"}); !keys) {
    return tl::unexpected<Error>{keys.error()};
  }
  const auto kind = read_kind(question);
  if (!kind) return tl::unexpected<Error>{kind.error()};
  RatesRequest request{.kind = *kind, .past = {}};
  const auto name = question.find("name");
  if (name == question.end()) {
    if (question.size() <= 2) return request;
    return fail(Error::Code::invalid, "name", "says of what \"from\", \"to\", \"step\" and \"function\" are");
  }
  if (!name->is_string()) return fail(Error::Code::invalid, "name", "is a name");
  const auto from = read_number(question, "from", -kPastDefault);
  const auto to = read_number(question, "to", now);
  if (!from || !to) return tl::unexpected<Error>{(from ? to : from).error()};
  telemetry::HistoryQuery query{.series = {*kind, name->get<std::string>()},
                                .from = *from < 0 ? now + *from : *from,
                                .to = *to < 0 ? now + *to : *to};
  const auto step = read_number(question, "step", finest_step(now - query.from));
  if (!step) return tl::unexpected<Error>{step.error()};
  query.step_s = *step;
  const json function = question.value("function", json("average"));
  if (function != "average" && function != "maximum") {
    return fail(Error::Code::invalid, "function", "is average or maximum");
  }
  query.function = function == "average" ? telemetry::Function::average : telemetry::Function::maximum;
  request.past = query;
  return request;
}

json show_rates(const View& view, Kind kind) {
  json answer{{"dataplane", dataplane_part(view)}, {"of", kKindNames[static_cast<std::size_t>(kind)]}};
  answer["time"] = view.rates == nullptr ? json() : json(iso_time(at(view.rates->time)));
  auto all = all_of(view, kind);
  double seconds = 1;
  if (view.rates != nullptr) {
    seconds = view.rates->seconds;
    for (const auto& entry : view.rates->entries) {
      if (entry.series->kind == kind) all[entry.series->name] = entry.counts;
    }
  }
  json& rows = answer["rates"] = json::array();
  for (const auto& [name, counts] : all) {
    std::array<double, telemetry::kColumns> rates{};
    for (std::size_t i = 0; i < rates.size(); ++i) rates[i] = static_cast<double>(counts[i]) / seconds;
    json row{{"name", name}};
    put_rates(row, rates);
    rows.push_back(std::move(row));
  }
  return answer;
}

json past_rates(const View& view, const telemetry::HistoryQuery& query,
                const std::vector<telemetry::HistoryPoint>& points) {
  json answer{{"dataplane", dataplane_part(view)},
              {"of", kKindNames[static_cast<std::size_t>(query.series.kind)]},
              {"name", query.series.name},
              {"step_s", query.step_s},
              {"function", query.function == telemetry::Function::average ? "average" : "maximum"},
              {"points", json::array()}};
  for (const telemetry::HistoryPoint& point : points) {
    json row{{"time", iso_time(at(point.time))}};
    put_rates(row, point.rates);
    answer["points"].push_back(std::move(row));
  }
  return answer;
}

Result<json> show_events(const json& question, const View& view) {
  if (auto keys = check_keys(question, {"show", "since", "limit"}); !keys) return tl::unexpected<Error>{keys.error()};
  const auto since = read_number(question, "since", 0);
  const auto limit = read_number(question, "limit", kEventsDefault);
  if (!since || !limit) return tl::unexpected<Error>{(since ? limit : since).error()};
  json answer{{"dataplane", dataplane_part(view)}, {"events", json::array()}};
  if (view.events == nullptr) return answer;
  const auto& events = view.events->events();
  const auto wanted = static_cast<std::size_t>(std::clamp<std::int64_t>(*limit, 1, telemetry::EventTrail::capacity));
  for (std::size_t i = events.size() - std::min(events.size(), wanted); i < events.size(); ++i) {
    if (static_cast<std::int64_t>(events[i].number) <= *since) continue;
    answer["events"].push_back({{"number", events[i].number},
                                {"time", iso_time(events[i].time)},
                                {"severity", events[i].is_warning ? "warning" : "notice"},
                                {"kind", events[i].kind},
                                {"object", events[i].object},
                                {"text", events[i].text}});
  }
  return answer;
}

}  // namespace fulcrum::surface
