#include "control/surface/cli/api_call.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

struct Failure {
  Status status;
  const char* code;
};

Failure failure_of(int status) {
  if (status == 404) return {Status::not_found, "not_found"};
  if (status == 409 || status == 412) return {Status::conflict, "conflict"};
  if (status >= 500 || status == 429) return {Status::failed, "failed"};
  return {Status::invalid, "invalid"};
}

}  // namespace

Box::Answer call_operation(Box& box, const std::string& method, const std::string& path, json body) {
  json request{{"method", method}, {"path", path}};
  if (!body.is_null()) request["body"] = std::move(body);
  const auto answer = box.ask({{"api", std::move(request)}});
  if (!answer) return answer;
  const json status = answer->value("status", json());
  if (!status.is_number_integer()) {
    return tl::unexpected<Trouble>{Trouble{.text = "fulcrum-control answered something that is no JSON"}};
  }
  json said = answer->value("body", json());
  if (status.get<int>() < 400) return said;
  const Failure kind = failure_of(status.get<int>());
  Trouble trouble{.status = kind.status, .text = "unknown error"};
  if (said.is_object()) {
    trouble.text = said.value("detail", trouble.text);
    for (const json& one : said.value("problems", json::array())) {
      trouble.text += "\n  " + one.value("path", "") + ": " + one.value("text", "");
    }
  }
  trouble.json = {{"error", {{"code", kind.code}, {"text", trouble.text}, {"problem", std::move(said)}}}};
  return tl::unexpected<Trouble>{std::move(trouble)};
}

}  // namespace fulcrum::cli
