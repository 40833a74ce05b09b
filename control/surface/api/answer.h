// What an operation of the API gives back: a status and JSON, or a problem (RFC 9457) that says which parts of the
// request are wrong and what would be right.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/surface/https/message.h"
#include "dataplane/base/result.h"

namespace fulcrum::api {

using Json = nlohmann::ordered_json;

// One thing that is wrong: where, as a path of the configuration or of the body, and what.
struct Fault {
  std::string path, text;
};

struct Answer {
  unsigned status = 200;
  Json body;  // null: none
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::pair<std::string, std::string>> text;  // instead of JSON: its type and itself
};

Answer ok(Json body);
Answer created(Json body, const std::string& location);
Answer no_content();
Answer problem(unsigned status, const std::string& detail, const std::vector<Fault>& faults = {});
// invalid 400, limit 429 or 507, not_found 404, conflict 409, io 500.
Answer problem(const Error& error);

// An answer of the local socket (surface/local/answers.h) as one of the API: invalid 422, not_found 404, and 503 where
// another time it may go well.
Answer answer_of_question(const nlohmann::json& said);

// With the headers that every answer has. What is no UTF-8 is replaced.
https::Response response_of(const Answer& answer);
// The problem in words, for the audit log: its detail and its first fault; empty when it is none.
std::string problem_words(const Answer& answer);

}  // namespace fulcrum::api
