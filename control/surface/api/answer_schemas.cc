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
  for (const char* value : {"from", "to"}) schemas["Change"]["properties"][value] = Json::object();  // whatever it is
  schemas["Change"]["properties"]["position"] = number();  // of an element, in its list
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
  schemas["Revision"]["properties"]["steps"] = list_of(reference("Change"));  // of one that is shown by itself
  schemas["Candidate"] = record_schema({{"candidate", text()},
                                        {"who", text()},
                                        {"base", number()},
                                        {"current", number()},
                                        {"opened", text()},
                                        {"changed", text()},
                                        {"editors", list_of(text())},
                                        {"changes", number()},
                                        {"commit_at", or_null(text())},
                                        {"commit_for", or_null(text())},
                                        {"commit_refused", or_null(text())}});
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

// How many of its connections a farm or server has; null: as many as come.
Json limit_schema() {
  return or_null(record_schema({{"connections", number()}, {"max", number()}, {"low", number()}, {"is_full", flag()}}));
}

void add_rates(Json& schemas) {
  Json rates{{"name", text()}};
  for (const char* name : {"connections_s", "packets_in_s", "packets_out_s", "bits_in_s", "bits_out_s"}) {
    rates[name] = {{"type", "number"}};
  }
  schemas["Rates"] = record_schema(rates);
  rates["time"] = text();
  rates.erase("name");
  schemas["RatesPoint"] = record_schema(rates);
}

void add_farms(Json& schemas) {
  Json farm{{"name", text()}, {"mode", text()}, {"scheduler", text()}, {"state", text()}, {"reason", text()}};
  for (const char* name : {"servers_serving", "servers_up", "servers_total", "servers_full"}) farm[name] = number();
  farm["not_serving"] = {{"type", "object"},
                         {"description", "How many servers do what instead of taking new clients."},
                         {"additionalProperties", number()}};
  farm["unserved"] = list_of({{"type", "string"}, {"description", "A port that no server serves, and over what."}});
  add_counts(farm);
  farm["limit"] = limit_schema();
  farm["services"] = list_of(record_schema({{"address", text()},
                                            {"protocol", text()},
                                            {"port", number()},
                                            {"last_port", number()},
                                            {"one_packet", flag()}}));
  schemas["FarmStatus"] = record_schema(farm);
}

// What an operator has said of a server; null: nothing.
Json said_schema(const Json& value) {
  return or_null(record_schema({{"who", text()},
                                {"since", text()},
                                {"for_s", number()},
                                {"until", or_null(text())},
                                {"value", value},
                                {"configured", or_null(value)}}));
}

void add_servers(Json& schemas) {
  Json server{{"farm", text()}, {"name", text()}, {"address", text()}, {"port", number()}, {"protocol", text()}};
  Json leaving = server;
  for (const char* name : {"weight", "last_port"}) server[name] = number();
  server["limit"] = limit_schema();
  for (const char* name : {"role", "wanted", "state", "reason"}) server[name] = text();
  for (const char* name : {"duty", "duty_reason", "since"}) server[name] = or_null(text());
  server["for_s"] = or_null(number());
  server["began_earlier"] = flag();
  server["began_earlier"]["description"] = "Than `since`, which is then only all that is known.";
  server["operator"] = or_null(record_schema({{"state", said_schema(text())}, {"weight", said_schema(number())}}));
  add_counts(server);
  schemas["ServerStatus"] = record_schema(server);
  leaving["since"] = text();
  leaving["resets"] = flag();
  add_counts(leaving);
  schemas["LeavingServer"] = record_schema(leaving);
}

// Of one address and port of a server; what is null of a check that there is not is so of all its numbers.
void add_checks(Json& schemas) {
  Json check{{"farm", text()}, {"name", text()}, {"address", text()}, {"port", number()}, {"ports", list_of(text())}};
  check["check"] = word_of({"tcp_connect", "none"});
  check["state"] = word_of({"up", "down", "unknown", "unchecked"});
  check["reason"] = text();
  check["since"] = or_null(text());
  for (const char* name : {"began_earlier", "is_confirmed"}) check[name] = or_null(flag());
  for (const char* name : {"for_s", "successes_in_a_row", "failures_in_a_row", "contradictions", "response_us",
                           "next_in_ms", "rise", "fall", "interval_ms", "timeout_ms"}) {
    check[name] = or_null(number());
  }
  check["ports"]["description"] = "Of the farm, that this check speaks for.";
  check["contradictions"]["description"] = "Results in a row that say otherwise than `state`; see rise and fall.";
  check["response_us"]["description"] = "How long the server takes to answer, smoothed.";
  check["activity"] = or_null(text());
  check["activity"]["description"] = "waiting (for `next_in_ms`), under_way, or paused: there is no dataplane.";
  check["last"] = or_null(record_schema({{"at", text()},
                                         {"result", word_of({"answered", "refused", "silent", "inconclusive"})},
                                         {"reason", text()},
                                         {"took_us", number()},
                                         {"counts", flag()}}));
  schemas["CheckStatus"] = record_schema(check);
}

void add_drops(Json& schemas) {
  const auto counted = [](const Json& what) {
    Json row = what;
    row.update({{"packets", number()}, {"means", text()}});
    return list_of(record_schema(row));
  };
  Json drops{{"dataplane", reference("Dataplane")},
             {"drops", counted({{"reason", text()}})},
             {"answers", counted({{"answer", text()}})},
             {"lost_before_receive", counted({{"port", text()}, {"reason", text()}})}};
  Json worker{{"worker", number()}};
  for (const char* name : {"received", "from_linux", "sent", "punted", "dropped"}) {
    drops[name] = number();
    worker[name] = number();
  }
  drops["unaccounted"] = number();
  drops["workers"] = list_of(record_schema(worker));
  Json port{{"name", text()}, {"mac", text()}, {"link", text()}};
  for (const char* name : {"received_packets", "received_bytes", "sent_packets", "sent_bytes"}) port[name] = number();
  drops["ports"] = list_of(record_schema(port));
  schemas["Drops"] = record_schema(drops);
}

// Connections and bindings of clients to servers; names are null when the configuration no longer has them.
void add_entries(Json& schemas) {
  Json binding{{"client", text()}};
  for (const char* name : {"farm", "server"}) binding[name] = or_null(text());
  Json connection = binding;
  for (const char* name : {"age_s", "unused_s", "expires_s", "connections"}) binding[name] = number();
  schemas["Binding"] = record_schema(binding);
  for (const char* name : {"state", "reason", "why"}) connection[name] = text();
  for (const char* name : {"service", "server_address"}) connection[name] = or_null(text());
  for (const char* name : {"age_s", "idle_s", "packets_in", "packets_out", "bytes_in", "bytes_out"}) {
    connection[name] = number();
  }
  schemas["Connection"] = record_schema(connection);
  schemas["Connection"]["properties"]["protocol"] = text();  // while its service is there
  schemas["Table"] =
      record_schema({{"capacity", number()}, {"live", number()}, {"evicted", number()}, {"refused", number()}});
}

void add_version(Json& schemas) {
  schemas["Dataplane"] =
      record_schema({{"alive", flag()}, {"waiting_for", or_null(text())}, {"alarms", list_of(text())}});
  const Json worker = record_schema({{"worker", number()},
                                     {"acknowledged_generation", number()},
                                     {"commands_unread", number()},
                                     {"commands_waiting", number()}});
  Json version = record_schema(
      {{"dataplane", reference("Dataplane")},
       {"control", record_schema({{"version", text()}, {"pid", number()}, {"layout_version", number()}})},
       {"configuration", record_schema({{"file", text()}, {"loaded", text()}, {"rejected_since", list_of(text())}})},
       {"snapshot_generation", number()},
       {"workers", list_of(worker)}});
  // Once there is a region of the dataplane's.
  for (const char* name : {"pid", "starts", "heartbeat_age_ms"}) schemas["Dataplane"]["properties"][name] = number();
  Json region{{"on_hugepages", flag()}};
  for (const char* name : {"layout_version", "bytes", "page_bytes", "connections_max", "workers"}) {
    region[name] = number();
  }
  version["properties"]["region"] = record_schema(region);
  schemas["Version"] = std::move(version);
}

// What is there only sometimes: described, not required.
Json with(Json schema, const Json& sometimes) {
  for (const auto& [name, member] : sometimes.items()) schema["properties"][name] = member;
  return schema;
}

Json explained_server() {
  Json server{
      {"operator", or_null(record_schema({{"state", said_schema(text())}, {"weight", said_schema(number())}}))}};
  for (const char* name : {"name", "address", "state", "path"}) server[name] = text();
  for (const char* name : {"weight", "active_connections"}) server[name] = number();
  for (const char* name : {"is_full", "chosen"}) server[name] = flag();
  for (const char* name : {"connections_max", "turn", "score", "slots"}) server[name] = or_null(number());
  server["turn"]["description"] = "How many come before it in the round robin.";
  server["score"]["description"] = "What the scheduler compares: the least is chosen.";
  server["slots"]["description"] = "Of the table that leads from a client to its server.";
  server["reason"] = or_null(text());
  return record_schema(server);
}

// What the dataplane would do with a packet (surface/local/explain.h).
void add_explained(Json& schemas) {
  Json packet{{"protocol", text()}, {"source", text()}, {"destination", text()}, {"port", text()}};
  for (const char* name : {"ttl", "bytes", "worker"}) packet[name] = number();
  packet["flags"] = or_null(number());
  Json service{{"direction", word_of({"to_server", "to_client"})}, {"one_packet", flag()}, {"last_port", number()}};
  for (const char* name : {"farm", "address", "protocol", "mode", "scheduler", "scheduler_goes_by", "path"}) {
    service[name] = text();
  }
  const Json readdressed = record_schema({{"from", text()}, {"to", text()}});
  schemas["Explained"] = record_schema(
      {{"dataplane", reference("Dataplane")},
       {"configuration", record_schema({{"generation", or_null(number())},
                                        {"model_hash", text()},
                                        {"in_force", flag()},
                                        {"candidate", or_null(text())},
                                        {"revision", or_null(number())}})},
       {"packet", record_schema(packet)},
       {"outcome", record_schema({{"action", word_of({"send", "punt", "drop"})},
                                  {"drop", or_null(text())},
                                  {"ended_at", text()},
                                  {"text", text()}})},
       {"service", or_null(record_schema(service))},
       {"connection", with(record_schema({{"found", flag()}, {"opens", flag()}}), {{"server", text()},
                                                                                   {"state", text()},
                                                                                   {"reason", text()},
                                                                                   {"idle_s", number()},
                                                                                   {"used", flag()},
                                                                                   {"state_after", text()}})},
       {"persistence",
        with(record_schema({{"result", word_of({"not_asked", "nothing", "expired", "used", "unusable"})}}),
             {{"server", text()}, {"idle_s", number()}})},
       {"servers", list_of(explained_server())},
       {"servers_total", number()},
       {"rewrite",
        or_null(with(record_schema({{"port", text()}, {"to", word_of({"wire", "linux"})}}),
                     {{"next_hop", text()}, {"next_hop_mac", or_null(text())}, {"readdressed", readdressed}}))},
       {"stages", list_of(record_schema({{"stage", text()}, {"text", list_of(text())}, {"because", list_of(text())}}))},
       {"revisions",
        {{"type", "object"},
         {"description", "By path of a setting: the revision that brought it; null: the candidate did."},
         {"additionalProperties", or_null(number())}}}});
}

void add_status(Json& schemas) {
  add_farms(schemas);
  add_servers(schemas);
  add_checks(schemas);
  add_drops(schemas);
  add_entries(schemas);
  add_version(schemas);
  add_explained(schemas);
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
  schemas["ManagementStatus"]["properties"]["certificate"] =
      record_schema({{"subject", text()}, {"sha256", text()}, {"not_after", text()}, {"own", flag()}});
}

}  // namespace

Json answer_schemas() {
  Json schemas = Json::object();
  add_configuration(schemas);
  add_status(schemas);
  add_rates(schemas);
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
