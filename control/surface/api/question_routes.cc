// What happened and what would happen: rates, the trail of events, explain. They are questions of the local socket
// (surface/local/rates.h, surface/local/explain.h) whose members come as query parameters of the same names.
#include <charconv>

#include "control/surface/api/api.h"
#include "control/surface/api/listing.h"
#include "control/surface/api/schema.h"

namespace fulcrum::api {
namespace {

using nlohmann::json;
using CallPtr = std::shared_ptr<Call>;

// The query's parameters, numbers as such. They were checked against the route's schemas.
json members_of(const Call& call, const std::vector<Query>& known) {
  json members = json::object();
  for (const Query& parameter : known) {
    const auto given = call.query.find(parameter.name);
    if (given == call.query.end()) continue;
    if (parameter.schema.value("type", "") != "integer") {
      members[parameter.name] = given->second;
      continue;
    }
    std::int64_t number = 0;
    std::from_chars(given->second.data(), given->second.data() + given->second.size(), number);
    members[parameter.name] = number < 0 ? json(number) : json(static_cast<std::uint64_t>(number));
  }
  return members;
}

// Of an answer about farms or servers, the rows of this farm; empty: all.
void keep_farm(json& said, const std::string& farm) {
  const auto rows = said.find("rates");
  if (farm.empty() || rows == said.end()) return;
  json kept = json::array();
  for (json& row : *rows) {
    const std::string name = row.value("name", "");
    if (name == farm || name.starts_with(farm + "/")) kept.push_back(std::move(row));
  }
  *rows = std::move(kept);
}

// `to_question` makes the question of the parameters. A `list` comes page by page.
template <class ToQuestion>
void add(Api& api, Route route, ToQuestion to_question, const std::string& list = {}) {
  route.permission = access::Permission::look;
  route.tag = "status";
  route.run = [&api, known = route.query, to_question, list](const CallPtr& call) {
    const auto done = [&api, call, list](json said) {
      if (list == "rates") keep_farm(said, call->text("farm"));
      api.answer_later(call, [call, list, said = std::move(said)] { return page_of(*call, said, list); });
    };
    json question = to_question(members_of(*call, known));
    // The past comes from the disk, on a thread of its own: nobody waits in turn for that.
    if (question.contains("name")) return api.plane().ask(std::move(question), done);
    api.ask_in_turn(call, std::move(question), done);
  };
  if (!list.empty()) {
    for (Query& query : listing_queries()) route.query.push_back(std::move(query));
  }
  api.router().add(std::move(route));
}

// Of all now, or the past of one.
Json rates_schema() {
  Json schema = record_schema({{"dataplane", reference("Dataplane")}, {"of", text_schema(1, 16)}});
  Json& properties = schema["properties"];
  const Json listing = listing_schema("rates", reference("Rates"));
  for (const auto& [name, member] : listing["properties"].items()) properties[name] = member;
  properties["time"] = {{"type", "string"}, {"nullable", true}};
  for (const char* name : {"name", "function"}) properties[name] = {{"type", "string"}};
  properties["step_s"] = {{"type", "integer"}};
  properties["points"] = {{"type", "array"}, {"items", reference("RatesPoint")}};
  return schema;
}

json shown(json members, const char* what) {
  members["show"] = what;
  return members;
}

// The configuration that is meant stands beside the packet.
json explained(json packet) {
  json question = json::object();
  for (const char* which : {"candidate", "revision"}) {
    if (!packet.contains(which)) continue;
    question[which] = packet[which];
    packet.erase(which);
  }
  question["explain"] = std::move(packet);
  return question;
}

std::vector<Query> packet_parameters() {
  return {{"protocol", word_of({"tcp", "udp"}), "of the packet", true},
          {"source", text_schema(1, 64), "the client: 198.51.100.7:40000 or [2001:db8::7]:40000", true},
          {"destination", text_schema(1, 64), "the service it goes to, or the client when a server answers", true},
          {"flags", text_schema(1, 32), "of TCP, as in syn,ack; syn if not said"},
          {"port", text_schema(1, 15), "the data port it comes in by; if not said, the one towards the source"},
          {"worker", number_schema(0, 63), "whose place in the round robin counts"},
          {"ttl", number_schema(0, 255), "time to live, or hop limit; 64 if not said"},
          {"payload", number_schema(0, 9000), "bytes behind the headers"},
          {"candidate", text_schema(1, 63), "explain by this candidate instead of the configuration in force"},
          {"revision", number_schema(1, INT64_MAX), "explain by this revision"}};
}

}  // namespace

void add_question_routes(Api& api) {
  add(
      api,
      {.pattern = "/api/v1/status/rates",
       .id = "show-rates",
       .summary =
           "What each farm, server, port, worker or drop reason counted in the last second; with `name` its past.",
       .query = {{"of", word_of({"farms", "servers", "ports", "workers", "drops"}), "farms if not said"},
                 {"farm", text_schema(1, 63), "of farms or servers: only this one, or only its"},
                 {"name", text_schema(1, 127), "one of them, a server as shop/web1: its past"},
                 {"from", number_schema(INT64_MIN, INT64_MAX), "seconds since 1970, or before now if negative"},
                 {"to", number_schema(INT64_MIN, INT64_MAX), "the same; now if not said"},
                 {"step", number_schema(1, 900), "1, 60 or 900 s; the finest there is if not said"},
                 {"function", word_of({"average", "maximum"}), "over each step"}},
       .answer = rates_schema()},
      [](json members) {
        members.erase("farm");
        return shown(std::move(members), "rates");
      },
      "rates");
  add(api,
      {.pattern = "/api/v1/status/events",
       .id = "show-events",
       .summary = "What happened and why, the newest last: servers, configurations, full tables.",
       .query = {{"since", number_schema(0, INT64_MAX), "only what came after the event of this number"},
                 {"limit", number_schema(1, 2000), "at most so many; 100 if not said"}},
       .answer = record_schema({{"dataplane", reference("Dataplane")},
                                {"events", Json{{"type", "array"}, {"items", reference("Event")}}}})},
      [](json members) { return shown(std::move(members), "events"); });
  add(api,
      {.pattern = "/api/v1/explain",
       .id = "explain",
       .summary = "What the dataplane would do with a packet now, and why. Changes nothing.",
       .query = packet_parameters(),
       .answer = reference("Explained")},
      explained);
}

}  // namespace fulcrum::api
