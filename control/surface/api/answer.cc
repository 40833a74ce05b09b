#include "control/surface/api/answer.h"

#include <map>

namespace fulcrum::api {
namespace {

// RFC 9110 15, only those that we send.
const char* title_of(unsigned status) {
  static const std::map<unsigned, const char*> kTitles{
      {400, "Bad request"},
      {401, "Log in first"},
      {403, "Not allowed"},
      {404, "No such object"},
      {405, "No such operation"},
      {409, "Conflict"},
      {412, "Changed meanwhile"},
      {413, "Too long"},
      {415, "Wrong content type"},
      {422, "Invalid"},
      {428, "Condition missing"},
      {429, "Too many requests"},
      {431, "Headers too long"},
      {500, "Internal error"},
      {503, "Not now"},
      {505, "Unknown version"},
      {507, "Full"},
  };
  const auto found = kTitles.find(status);
  return found == kTitles.end() ? "Error" : found->second;
}

unsigned status_of(Error::Code code) {
  switch (code) {
    case Error::Code::invalid:
      return 422;
    case Error::Code::limit:
      return 429;
    case Error::Code::not_found:
      return 404;
    case Error::Code::conflict:
      return 409;
    case Error::Code::io:
      return 500;
  }
  return 500;
}

}  // namespace

Answer ok(Json body) {
  Answer answer;
  answer.body = std::move(body);
  return answer;
}

Answer created(Json body, const std::string& location) {
  Answer answer = ok(std::move(body));
  answer.status = 201;
  answer.headers.emplace_back("Location", location);
  return answer;
}

Answer no_content() {
  Answer answer;
  answer.status = 204;
  return answer;
}

Answer problem(unsigned status, const std::string& detail, const std::vector<Fault>& faults) {
  Answer answer;
  answer.status = status;
  answer.body = {{"type", "about:blank"}, {"title", title_of(status)}, {"status", status}, {"detail", detail}};
  for (const Fault& fault : faults) answer.body["problems"].push_back({{"path", fault.path}, {"text", fault.text}});
  return answer;
}

Answer problem(const Error& error) {
  if (error.path.empty()) return problem(status_of(error.code), error.text);
  return problem(status_of(error.code), error.words(), {{error.path, error.text}});
}

Answer answer_of_question(const nlohmann::json& said) {
  const auto error = said.find("error");
  if (error == said.end()) return ok(Json(said));
  const std::string code = error->value("code", "");
  const bool later = code == "limit" || code == "failed";
  return problem(code == "not_found" ? 404 : later ? 503 : 422, error->value("text", ""));
}

https::Response response_of(const Answer& answer) {
  https::Response response;
  response.status = answer.status;
  response.headers = answer.headers;
  const auto put = [&](const char* name, const char* value) { response.headers.emplace_back(name, value); };
  put("Strict-Transport-Security", "max-age=31536000");
  put("X-Content-Type-Options", "nosniff");
  put("X-Frame-Options", "DENY");
  put("Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
      "form-action 'none'; frame-ancestors 'none'");
  put("Referrer-Policy", "no-referrer");
  put("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
  put("Cross-Origin-Opener-Policy", "same-origin");
  put("Cross-Origin-Resource-Policy", "same-origin");
  put("Cache-Control", "no-store");
  if (answer.text) {
    response.headers.emplace_back("Content-Type", answer.text->first);
    response.body = answer.text->second;
  } else if (!answer.body.is_null()) {
    put("Content-Type", answer.status >= 400 ? "application/problem+json" : "application/json");
    response.body = answer.body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return response;
}

std::string problem_words(const Answer& answer) {
  if (answer.status < 400 || !answer.body.is_object()) return {};
  std::string words = answer.body.value("detail", "");
  const auto faults = answer.body.find("problems");
  if (faults == answer.body.end() || faults->empty()) return words;
  const Json& first = faults->front();
  const std::string text = first.value("text", "");
  return words.find(text) != std::string::npos ? words : words + ": " + first.value("path", "") + ": " + text;
}

}  // namespace fulcrum::api
