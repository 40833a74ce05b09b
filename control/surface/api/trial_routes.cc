// `fulcrum test` (surface/local/trial.h): who may probe what, and the record of it.
#include <fmt/format.h>

#include "control/surface/api/api.h"
#include "control/surface/api/schema.h"

namespace fulcrum::api {
namespace {

using access::Permission;
using nlohmann::json;
using CallPtr = std::shared_ptr<Call>;

// As surface/local/trial.h has them.
constexpr std::int64_t kTimeoutMin = 10, kTimeoutMax = 15'000;

// Whoever has a scope tests servers of it: any address would be a way to look around in somebody else's network.
void test_servers(Api& api, const CallPtr& call) {
  const std::string farm = call->body.value("farm", "");
  if (!allows_on_farm(call->who, Permission::operate, farm)) {
    return call->answer(problem(403, "name a farm of your scope", {{"farm", "is not in the scope"}}));
  }
  const std::string server = call->body.value("server", "");
  call->object = farm.empty() ? "address " + call->body.value("address", "") : "farms." + farm;
  if (!server.empty()) call->object += ".servers." + server;
  api.plane().ask({{"test", call->body}}, [call](const json& said) {
    if (said.contains("passed")) call->note = said["passed"] == true ? "passed" : "not passed";
    call->answer(answer_of_question(said));
  });
}

Json test_schema() {
  Json test{{"step", text_schema(1, 16)}, {"text", text_schema(1, 4096)}};
  const Json step = record_schema(test);
  test = {{"address", text_schema(1, 64)},
          {"port", number_schema(1, UINT16_MAX)},
          {"timeout_ms", number_schema(1, kTimeoutMax)},
          {"passed", {{"type", "boolean"}}},
          {"result", word_of({"answered", "refused", "silent", "inconclusive"})},
          {"reason", text_schema(1, 4096)},
          {"took_us", number_schema(0, INT64_MAX)},
          {"steps", {{"type", "array"}, {"items", step}}}};
  for (const char* name : {"farm", "server", "check", "state"}) test[name] = {{"type", "string"}, {"nullable", true}};
  return record_schema(test);
}

}  // namespace

void add_trial_routes(Api& api) {
  Route test;
  test.method = https::Method::post;
  test.pattern = "/api/v1/test";
  test.permission = Permission::operate;
  test.id = "test-servers";
  test.summary =
      "Probe a farm's servers, one of them, or an address and port, now, as a check does, and say what was seen. "
      "Nobody's state changes.";
  test.tag = "status";
  test.body = object_schema(
      Json::object(),
      {{"farm", text_schema(1, 63)},
       {"server", text_schema(1, 63)},
       {"address", text_schema(1, 64)},
       {"port", number_schema(1, UINT16_MAX, "of the address; of a server: only what is probed on this port")},
       {"timeout_ms",
        number_schema(kTimeoutMin, kTimeoutMax, "to wait for an answer; as the farm's check if left out")}});
  test.answer = record_schema({{"dataplane", reference("Dataplane")},
                               {"passed", {{"type", "boolean"}}},
                               {"tests", {{"type", "array"}, {"items", test_schema()}}}});
  test.run = [&api](const CallPtr& call) { test_servers(api, call); };
  api.router().add(std::move(test));
}

}  // namespace fulcrum::api
