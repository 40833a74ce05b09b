#include "control/surface/api/answer_schemas.h"

#include <string>

#include "control/surface/api/schema.h"

namespace fulcrum::api {
namespace {

Json text() { return {{"type", "string"}}; }
Json number() { return {{"type", "integer"}}; }
Json flag() { return {{"type", "boolean"}}; }
Json list_of(const Json& items) { return {{"type", "array"}, {"items", items}}; }
Json or_null(Json schema) {
  schema["nullable"] = true;
  return schema;
}

void add_configuration(Json& schemas) {
  schemas["Change"] = record_schema({{"path", text()}, {"change", text()}, {"words", text()}});
  schemas["Trouble"] = record_schema({{"path", text()}, {"text", text()}, {"file", text()}, {"line", number()}});
  schemas["Conflict"] = record_schema({{"path", text()}, {"mine", text()}, {"theirs", text()}});
  schemas["Revision"] = record_schema({{"revision", number()},
                                       {"when", text()},
                                       {"who", text()},
                                       {"face", text()},
                                       {"why", text()},
                                       {"editors", list_of(text())},
                                       {"hash", text()},
                                       {"confirm_until", or_null(text())},
                                       {"changes", number()},
                                       {"words", list_of(text())}});
  schemas["Candidate"] = record_schema({{"candidate", text()},
                                        {"who", text()},
                                        {"base", number()},
                                        {"current", number()},
                                        {"opened", text()},
                                        {"changed", text()},
                                        {"editors", list_of(text())},
                                        {"changes", number()}});
  Json connections = record_schema(
      {{"kept", number()}, {"drained", number()}, {"reset", number()}, {"lost", number()}, {"closing", number()}});
  connections["description"] = "Living connections by what the change does to them; `closing`: one end had closed.";
  const Json losing =
      record_schema({{"farm", text()}, {"server", text()}, {"why", text()}, {"from", number()}, {"to", number()}});
  schemas["Radius"] = record_schema(
      {{"connections", or_null(connections)}, {"farms", list_of(text())}, {"losing_weight", list_of(losing)}});
  schemas["Check"] =
      record_schema({{"problems", list_of(reference("Trouble"))},
                     {"changes", list_of(reference("Change"))},
                     {"current", number()},
                     {"since", list_of(reference("Change"))},
                     {"conflicts", list_of(reference("Conflict"))},
                     {"radius", {{"type", "object"}, {"nullable", true}, {"allOf", {reference("Radius")}}}},
                     {"hidden", list_of(text())},
                     {"confirm_advised_s", or_null(number())}});
  schemas["Committed"] = record_schema({{"revision", reference("Revision")},
                                        {"changes", list_of(reference("Change"))},
                                        {"hidden", list_of(text())},
                                        {"acknowledged", flag()},
                                        {"took_ms", {{"type", "number"}}},
                                        {"waiting_for", text()}});
  schemas["Edited"] = record_schema({{"candidate", text()}, {"changes", list_of(reference("Change"))}});
  // Of a change: it was committed, or with dry_run only checked, or with `candidate` only edited.
  schemas["Outcome"] = {{"oneOf", {reference("Committed"), reference("Check"), reference("Edited")}}};
}

void add_counts(Json& row) {
  for (const char* name : {"active_connections", "closing_connections", "total_connections", "packets_in",
                           "packets_out", "bytes_in", "bytes_out"}) {
    row[name] = number();
  }
}

void add_status(Json& schemas) {
  schemas["Dataplane"] =
      record_schema({{"alive", flag()}, {"waiting_for", or_null(text())}, {"alarms", list_of(text())}});
  Json farm{{"name", text()}, {"mode", text()}, {"scheduler", text()}, {"state", text()}, {"reason", text()}};
  for (const char* name : {"servers_serving", "servers_up", "servers_total"}) farm[name] = number();
  farm["not_serving"] = {{"type", "object"}};
  add_counts(farm);
  farm["services"] = list_of(record_schema({{"address", text()}, {"protocol", text()}, {"port", number()}}));
  schemas["FarmStatus"] = record_schema(farm);
  Json server{{"farm", text()}, {"name", text()}, {"address", text()}, {"port", number()}, {"protocol", text()}};
  Json leaving = server;
  server["weight"] = number();
  for (const char* name : {"role", "wanted", "state", "reason"}) server[name] = text();
  for (const char* name : {"duty", "duty_reason", "since"}) server[name] = or_null(text());
  server["for_s"] = or_null(number());
  server["began_earlier"] = flag();
  server["operator"] = {{"type", "object"}, {"nullable", true}};
  add_counts(server);
  schemas["ServerStatus"] = record_schema(server);
  leaving["since"] = text();
  leaving["resets"] = flag();
  add_counts(leaving);
  schemas["LeavingServer"] = record_schema(leaving);
  const Json counted = record_schema({{"reason", text()}, {"packets", number()}, {"means", text()}});
  Json drops{{"dataplane", reference("Dataplane")}, {"drops", list_of(counted)}};
  for (const char* name : {"received", "from_linux", "sent", "punted", "dropped", "unaccounted"}) {
    drops[name] = number();
  }
  for (const char* name : {"answers", "lost_before_receive", "ports", "workers"}) {
    drops[name] = list_of({{"type", "object"}});
  }
  schemas["Drops"] = record_schema(drops);
  schemas["Version"] = record_schema(
      {{"dataplane", reference("Dataplane")},
       {"control", record_schema({{"version", text()}, {"pid", number()}, {"layout_version", number()}})},
       {"configuration", record_schema({{"file", text()}, {"loaded", text()}, {"rejected_since", list_of(text())}})},
       {"snapshot_generation", number()},
       {"workers", list_of({{"type", "object"}})}});
  schemas["Event"] = record_schema({{"number", number()},
                                    {"time", text()},
                                    {"severity", text()},
                                    {"kind", text()},
                                    {"object", text()},
                                    {"text", text()}});
  Json management{{"listening", flag()}, {"addresses", list_of(text())}, {"allowed_hosts", list_of(text())}};
  for (const char* name : {"port", "rescue_s", "connections", "listeners"}) management[name] = number();
  management["problems"] = list_of(text());
  schemas["ManagementStatus"] = record_schema(management);
}

}  // namespace

Json answer_schemas() {
  Json schemas = Json::object();
  add_configuration(schemas);
  add_status(schemas);
  return schemas;
}

Json patch_schemas(const Json& schemas) {
  Json made = Json::object();
  for (const auto& [name, whole] : schemas.items()) {
    Json schema = whole;
    schema.erase("required");
    for (auto& [field, one] : schema["properties"].items()) {
      one.erase("default");
      one["nullable"] = true;
      if (!one.contains("allOf")) continue;
      one["type"] = "object";
      one["allOf"][0]["$ref"] = one["allOf"][0]["$ref"].get<std::string>() + "Patch";
    }
    made[name + "Patch"] = std::move(schema);
  }
  return made;
}

}  // namespace fulcrum::api
