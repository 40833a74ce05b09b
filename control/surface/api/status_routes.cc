// What is going on: farms, servers, connections, drops, versions, alarms; live events; /metrics.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "control/surface/api/alarms.h"
#include "control/surface/api/api.h"
#include "control/surface/api/events.h"
#include "control/surface/api/listing.h"
#include "control/surface/api/metrics.h"
#include "control/surface/api/schema.h"

namespace fulcrum::api {
namespace {

using access::Permission;
using nlohmann::json;
using CallPtr = std::shared_ptr<Call>;
using Shown = ShowCache::Shown;

void show(Api& api, const CallPtr& call, const std::string& what) {
  api.shows().get(what, [call](const Shown& shown) { call->answer(answer_of_question(*shown)); });
}

// Of the same name as its list.
void show_listing(Api& api, const CallPtr& call, const std::string& what, const std::vector<Filter>& filters) {
  api.shows().get(what, [&api, call, what, filters](const Shown& shown) {
    api.answer_later(call, [call, what, filters, shown] { return page_of(*call, *shown, what, filters); });
  });
}

// A page of one of the dataplane's tables.
void show_entries(Api& api, const CallPtr& call, const std::string& table) {
  json question{{"show", table}, {"offset", call->number("cursor", 0)}, {"limit", call->number("limit", 100)}};
  for (const char* name : {"farm", "server", "client"}) {
    if (const std::string value = call->text(name); !value.empty()) question[name] = value;
  }
  api.ask_in_turn(call, std::move(question), [&api, call](json shown) {
    shown.erase("cost_ns");
    api.answer_later(call, [shown = std::move(shown)] { return answer_of_question(shown); });
  });
}

// Ends entries of one of the dataplane's tables. Whoever has a scope names a farm of it.
void clear_entries(Api& api, const CallPtr& call, const std::string& table) {
  const std::string farm = call->body.value("farm", "");
  if (!allows_on_farm(call->who, Permission::operate, farm)) {
    return call->answer(problem(403, "name a farm of your scope", {{"farm", "is not in the scope"}}));
  }
  json question = call->body;
  question["clear"] = table;
  call->note = call->body.dump(-1, ' ', false, json::error_handler_t::replace);
  api.plane().ask(std::move(question), [call](const json& said) {
    Answer answer = answer_of_question(said);
    if (answer.status >= 400) call->note.clear();
    call->answer(answer);
  });
}

// What an operator says about a server, until somebody says otherwise or for a time.
void operate(Api& api, const CallPtr& call) {
  const std::string farm = call->parameter("farm");
  if (!allows_on_farm(call->who, Permission::operate, farm)) {
    return call->answer(problem(403, "this farm is not in your scope"));
  }
  json question = call->body;
  question["farm"] = farm;
  question["server"] = call->parameter("server");
  question["who"] = call->who.words();
  call->object = "farms." + farm + ".servers." + call->parameter("server");
  call->note = call->body.dump(-1, ' ', false, json::error_handler_t::replace);
  api.plane().ask(std::move(question), [call](const json& said) {
    Answer answer = answer_of_question(said);
    if (answer.status >= 400) call->note.clear();
    call->answer(answer);
  });
}

void alarm(Json& alarms, const std::string& severity, const std::string& object, const std::string& text) {
  alarms.push_back({{"severity", severity}, {"object", object}, {"text", text}});
}

// As it stands there: a copy of all farms takes longer than all else here.
const json& list_in(const json& answer, const char* key) {
  static const json none = json::array();
  const auto found = answer.find(key);
  return found != answer.end() ? *found : none;
}

// What an administrator should look at, worst first.
Json alarms_of(const Api& api, Auditor& auditor, const json& farms, const json& version) {
  Json alarms = Json::array();
  const json dataplane = version.value("dataplane", json::object());
  if (!dataplane.value("alive", false)) alarm(alarms, "critical", "dataplane", "is not running");
  const auto waiting = dataplane.find("waiting_for");
  if (waiting != dataplane.end() && waiting->is_string()) {
    alarm(alarms, "major", "configuration", "is not in force: " + waiting->get<std::string>());
  }
  const Json management = api.plane().management();
  for (const Json& problem : management["problems"]) {
    if (problem != auditor.problem()) alarm(alarms, "major", "management", problem.get<std::string>());
  }
  for (const json& one : dataplane.value("alarms", json::array())) {
    if (one.is_string()) alarm(alarms, "major", "box", one.get<std::string>());
  }
  if (!auditor.problem().empty()) alarm(alarms, "major", "audit log", auditor.problem());
  if (api.rescue_left().count() > 0) {
    alarm(alarms, "minor", "management",
          fmt::format("any host may connect for {} s more (rescue)", api.rescue_left().count()));
  }
  constexpr std::array<std::pair<const char*, const char*>, 3> kFarmStates{
      {{"critical", "down"}, {"major", "full"}, {"minor", "degraded"}}};
  for (const auto& [severity, state] : kFarmStates) {
    for (const json& farm : list_in(farms, "farms")) {
      if (farm.value("state", "") != state) continue;
      // Who comes to a port or over a family that nobody serves is as badly off as with a farm that is down.
      const bool some_are_lost = !list_in(farm, "unserved").empty();
      alarm(alarms, some_are_lost && farm.value("state", "") == "degraded" ? "critical" : severity,
            "farm " + farm.value("name", ""), farm.value("reason", ""));
    }
  }
  for (const json& farm : list_in(farms, "farms")) {
    const json& limit = list_in(farm, "limit");
    if (!limit.is_object() || !limit.value("is_full", false)) continue;
    alarm(alarms, "major", "farm " + farm.value("name", ""),
          fmt::format("full: {} of {} connections, new ones are refused", limit.value("connections", 0),
                      limit.value("max", 0)));
  }
  const json configuration = version.value("configuration", json::object());
  for (const json& rejected : configuration.value("rejected_since", json::array())) {
    alarm(alarms, "minor", "configuration", "the file was rejected: " + rejected.get<std::string>());
  }
  return alarms;
}

void show_alarms(Api& api, const CallPtr& call) {
  ask_alarms(api, [&api, call](const Shown& shown) { api.answer_later(call, [shown] { return ok(Json(*shown)); }); });
}

// What was written last: with thousands of servers it takes most of a second, so all who ask get the same text for as
// long as what it is about is the same answer of the control loop. The writing thread's only.
struct Metrics {
  Shown farms, servers;
  std::string text;
};

void show_metrics(Api& api, const CallPtr& call, const std::shared_ptr<Metrics>& last) {
  api.shows().get("farms", [&api, call, last](const Shown& farms) {
    api.shows().get("servers", [&api, call, last, farms](const Shown& servers) {
      api.shows().get("drops", [&api, call, last, farms, servers](const Shown& drops) {
        api.shows().get("version", [&api, call, last, farms, servers, drops](const Shown& version) {
          api.answer_later(call, [last, farms, servers, drops, version] {
            if (last->farms != farms || last->servers != servers) {
              *last = {farms, servers, metrics_text(*farms, *servers, *drops, *version)};
            }
            Answer answer;
            answer.text = {kMetricsType, last->text};
            return answer;
          });
        });
      });
    });
  });
}

Answer unknown_topic() {
  std::string words;
  for (const char* topic : kTopics) words += (words.empty() ? "" : ",") + std::string{topic};
  return problem(400, "the query is wrong", {{"topics", "is a list of " + words}});
}

void listen(Api& api, const CallPtr& call) {
  std::set<std::string> topics;
  std::string rest = call->text("topics", kTopicsUsual);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string topic = rest.substr(0, end);
    rest.erase(0, end + 1);
    if (std::find(kTopics.begin(), kTopics.end(), topic) == kTopics.end()) return call->answer(unknown_topic());
    topics.insert(topic);
  }
  if (api.events().listeners_of(call->who.name) >= Events::per_account_max) {
    Answer answer =
        problem(429, fmt::format("{} has {} listeners already: close some", call->who.name, Events::per_account_max));
    answer.headers.emplace_back("Retry-After", "1");
    return call->answer(answer);
  }
  https::Response head = response_of({});
  const auto stream = call->reply->stream(std::move(head));
  if (stream == nullptr) return call->answer(problem(503, "there are too many listeners: close some, or ask again"));
  const std::string authorization = call->request.header("authorization");
  api.events().add(stream, topics, call->who.name,
                   [&api, secret = call->secret, authorization, source = call->request.source] {
                     if (!secret.empty()) return api.access().by_session(secret, source, true).has_value();
                     return api.access()
                         .by_token(authorization.substr(std::min<std::size_t>(7, authorization.size())), source)
                         .has_value();
                   });
}

void add_table(Api& api, const std::string& table, const char* row, const char* what, const char* clear) {
  Route show;
  show.pattern = "/api/v1/status/" + table;
  show.permission = Permission::look;
  show.id = "show-" + table;
  show.summary = std::string{what} + ", page by page. `next` is the `cursor` of the following page.";
  show.tag = "status";
  show.query = {{"cursor", number_schema(0, INT64_MAX), "where an earlier page ended"},
                {"limit", number_schema(1, 1000), "at most so many; 100 if not said"},
                {"farm", text_schema(1, 63), "only of this farm"},
                {"server", text_schema(1, 63), "only of this server"},
                {"client", text_schema(1, 64), "only of clients in this prefix"}};
  show.answer = record_schema({{"dataplane", reference("Dataplane")},
                               {table, Json{{"type", "array"}, {"items", reference(row)}}},
                               {"offset", number_schema(0, INT64_MAX)},
                               {"next", {{"type", "integer"}, {"nullable", true}}}});
  show.answer["properties"]["table"] = reference("Table");  // while there is one
  show.run = [&api, table](const CallPtr& call) { show_entries(api, call, table); };
  api.router().add(std::move(show));
  Route end;
  end.method = https::Method::post;
  end.pattern = "/api/v1/status/" + table + "/clear";
  end.permission = Permission::operate;
  end.id = "clear-" + table;
  end.summary = std::string{clear} + " Say which ones, or all.";
  end.tag = "status";
  end.body = object_schema(Json::object(), {{"farm", text_schema(1, 63)},
                                            {"server", text_schema(1, 63)},
                                            {"client", text_schema(1, 64)},
                                            {"all", {{"type", "boolean"}}}});
  end.answer = record_schema(
      {{"dataplane", reference("Dataplane")}, {"table", text_schema(1, 16)}, {"cleared", number_schema(0, INT64_MAX)}});
  end.run = [&api, table](const CallPtr& call) { clear_entries(api, call, table); };
  api.router().add(std::move(end));
}

void add_verbs(Api& api) {
  Route verbs;
  verbs.method = https::Method::post;
  verbs.pattern = "/api/v1/farms/{farm}/servers/{server}/verbs";
  verbs.permission = Permission::operate;
  verbs.id = "operate-server";
  verbs.summary =
      "Drain, enable or take into maintenance a server, or give it another weight, without a commit: what the "
      "configuration says applies again after `for_s`, if said, or when the same is said that it says.";
  verbs.tag = "farms";
  Json words = text_schema(1, 16);
  words["enum"] = {"drain", "enable", "maintenance", "weight"};
  verbs.body = object_schema({{"verb", words}},
                             {{"weight", number_schema(0, 100, "with the verb weight; 0 drains")},
                              {"for_s", number_schema(1, 365 * 86400, "seconds; left out: until further notice")}});
  verbs.answer = record_schema({{"dataplane", reference("Dataplane")}, {"done", text_schema(1, 4096)}});
  verbs.answer["properties"]["waiting_for"] = {{"type", "string"}, {"nullable", true}};
  verbs.run = [&api](const CallPtr& call) { operate(api, call); };
  api.router().add(std::move(verbs));
}

// A list that comes page by page, under /api/v1/status and the key of its own name.
void add_listing(Api& api, const char* list, const char* summary, const std::vector<Filter>& filters, const char* row,
                 Json beside = Json::object()) {
  beside["dataplane"] = reference("Dataplane");
  Route route;
  route.pattern = std::string{"/api/v1/status/"} + list;
  route.permission = Permission::look;
  route.id = std::string{"show-"} + list;
  route.summary = summary;
  route.tag = "status";
  route.query = listing_queries(filters);
  route.answer = listing_schema(list, reference(row), beside);
  route.run = [&api, list = std::string{list}, filters](const CallPtr& call) {
    show_listing(api, call, list, filters);
  };
  api.router().add(std::move(route));
}

void add_listings(Api& api) {
  add_listing(
      api, "farms", "State and counters of each farm.",
      {{"farm", "name", "only this farm"}, {"state", "state", "only those in this state: up, degraded, full, down"}},
      "FarmStatus");
  add_listing(api, "servers", "State, reason and counters of each server's endpoints.",
              {{"farm", "farm", "only of this farm"},
               {"server", "name", "only of servers with this name"},
               {"state", "state", "only those in this state: up, down, untested"}},
              "ServerStatus", {{"leaving", Json{{"type", "array"}, {"items", reference("LeavingServer")}}}});
  add_listing(api, "health",
              "How the checks of each server stand: newest result, how many in a row, when the next is due.",
              {{"farm", "farm", "only of this farm"},
               {"server", "name", "only of servers with this name"},
               {"state", "state", "only those in this state: up, down, unknown, unchecked"}},
              "CheckStatus");
}

}  // namespace

void ask_alarms(Api& api, const ShowCache::Done& done) {
  api.shows().get("farms", [&api, done](const Shown& farms) {
    api.shows().get("version", [&api, done, farms](const Shown& version) {
      const Json alarms = alarms_of(api, api.auditor(), *farms, *version);
      done(std::make_shared<const json>(json{{"alarms", json(alarms)}}));
    });
  });
}

void add_status_routes(Api& api) {
  const auto add = [&api](Route route, auto run) {
    route.permission = Permission::look;
    route.tag = "status";
    route.run = [&api, run](const CallPtr& call) { run(api, call); };
    api.router().add(std::move(route));
  };
  add_listings(api);
  add({.pattern = "/api/v1/status/drops",
       .id = "show-drops",
       .summary = "Where packets went: in, out, dropped for which reason; per port and worker.",
       .answer = reference("Drops")},
      [](Api& to, const CallPtr& call) { show(to, call, "drops"); });
  add({.pattern = "/api/v1/status/version",
       .id = "show-version",
       .summary = "Releases, region, what each worker has acknowledged.",
       .answer = reference("Version")},
      [](Api& to, const CallPtr& call) { show(to, call, "version"); });
  add_verbs(api);
  add_table(api, "connections", "Connection", "The connection table",
            "End connections; the clients notice at their next packet.");
  add_table(api, "persistence", "Binding", "Which client is bound to which server",
            "Forget which client belongs to which server.");
  add({.pattern = "/api/v1/status/alarms",
       .id = "show-alarms",
       .summary = "What an administrator should look at, worst first.",
       .answer = object_schema({{"alarms", list_schema(object_schema({{"severity", text_schema(1, 16)},
                                                                      {"object", text_schema(1, 256)},
                                                                      {"text", text_schema(1, 4096)}}),
                                                       100'000)}})},
      show_alarms);
  add({.pattern = "/api/v1/status/management",
       .id = "show-management",
       .summary = "How the HTTPS server stands: addresses, certificate, problems.",
       .answer = reference("ManagementStatus")},
      [](Api& to, const CallPtr& call) { call->answer(ok(to.plane().management())); });
  add({.pattern = "/api/v1/events",
       .id = "listen",
       .summary = "Live state as server-sent events: all rows of the topics first, then those that change.",
       .query = {{"topics", text_schema(1, 64),
                  "farms, servers, drops, version: these if not said; alarms, events, rates; with commas between"}},
       .answer = {{"type", "string"}},
       .answer_type = "text/event-stream"},
      listen);
  add({.pattern = "/metrics",
       .id = "metrics",
       .summary = "Counters for Prometheus.",
       .answer = {{"type", "string"}},
       .answer_type = "text/plain"},
      [last = std::make_shared<Metrics>()](Api& to, const CallPtr& call) { show_metrics(to, call, last); });
}

}  // namespace fulcrum::api
