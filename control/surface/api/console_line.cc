#include "control/surface/api/console_line.h"

#include <nlohmann/json.hpp>

#include <array>
#include <string_view>

#include "control/surface/api/schema.h"
#include "dataplane/base/settings_words.h"

namespace fulcrum::api {
namespace {

using https::Method;
using nlohmann::json;

constexpr std::array<const char*, 5> kHeadersKept{"ETag", "Location", "Allow", "Retry-After", "Content-Type"};

std::optional<Method> method_of(const std::string& word) {
  for (const Method method : {Method::get, Method::post, Method::put, Method::patch, Method::remove}) {
    if (https::word(method) == word) return method;
  }
  return std::nullopt;
}

bool is_known(const std::string& key) {
  return key == "method" || key == "path" || key == "body" || key == "headers" || key == "who";
}

tl::unexpected<Error> no_request() {
  return fail(Error::Code::invalid, "",
              R"(a request is one line of JSON like {"api": {"method": "GET", "path": "/api/v1/status/farms"}})");
}

}  // namespace

Result<ConsoleLine> read_console_line(const std::string& line) {
  auto whole = parse_body(line);
  constexpr std::string_view kBody = "api.body.";
  if (!whole && whole.error().path.starts_with(kBody))
    return fail(Error::Code::invalid, whole.error().path.substr(kBody.size()), whole.error().text);
  if (!whole || !whole->is_object() || whole->size() != 1 || !whole->contains("api")) return no_request();
  const json& inside = (*whole)["api"];
  if (!inside.is_object() || !inside.contains("path") || !inside["path"].is_string()) return no_request();
  for (const auto& [key, value] : inside.items()) {
    if (!is_known(key)) return no_request();
  }
  const json who = inside.value("who", json(""));
  if (!who.is_string()) return no_request();
  ConsoleLine read{.request = {}, .who = settings::printable(who.get<std::string>())};
  https::Request& request = read.request;
  request.target = inside["path"].get<std::string>();
  const json method_word = inside.value("method", json("GET"));
  const auto method = method_word.is_string() ? method_of(method_word.get<std::string>()) : std::nullopt;
  if (!method) return no_request();
  request.method = *method;
  const json headers = inside.value("headers", json::object());
  if (!headers.is_object()) return no_request();
  for (const auto& [name, value] : headers.items()) {
    if (!value.is_string()) return no_request();
    request.headers[name] = value.get<std::string>();
  }
  if (inside.contains("body")) {
    request.body = inside["body"].dump(-1, ' ', false, json::error_handler_t::replace);
    if (request.headers.count("content-type") == 0) request.headers["content-type"] = "application/json";
  }
  return read;
}

std::string line_of(const https::Response& response) {
  Json answer{{"status", response.status}, {"headers", Json::object()}};
  for (const auto& [name, value] : response.headers) {
    if (std::find(kHeadersKept.begin(), kHeadersKept.end(), name) != kHeadersKept.end())
      answer["headers"][name] = value;
  }
  Json body = Json::parse(response.body, nullptr, false);
  answer["body"] = response.body.empty() ? Json() : body.is_discarded() ? Json(response.body) : std::move(body);
  return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace fulcrum::api
