// What an operator says about a server, without a commit.
#include <fmt/format.h>

#include <charconv>

#include "control/surface/cli/api_call.h"
#include "control/surface/cli/handlers.h"

namespace fulcrum::cli {

using nlohmann::json;

std::optional<std::int64_t> seconds_of(const std::string& word) {
  std::int64_t number = 0;
  const char* const end = word.data() + word.size();
  const auto [unit, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc{} || unit + 1 != end || number < 1 || number > 31'536'000) return std::nullopt;
  switch (*unit) {
    case 's':
      return number;
    case 'm':
      return number * 60;
    case 'h':
      return number * 3600;
    case 'd':
      return number * 86400;
    default:
      return std::nullopt;
  }
}

Outcome operate_server(Session& session, const Parsed& parsed) {
  const std::string name = parsed.get("server");
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos || name.find('/', slash + 1) != std::string::npos) {
    return refused(Status::syntax, fmt::format("\"{}\": name the server with its farm, like shop/web1", name));
  }
  json body{{"verb", parsed.command->word}};
  if (parsed.has("weight")) body["weight"] = std::stoi(parsed.get("weight"));
  if (parsed.has("for")) {
    const auto seconds = seconds_of(parsed.get("for"));
    if (!seconds) {
      return refused(Status::invalid, fmt::format("\"{}\" is no time: say 90s, 30m, 2h or 1d", parsed.get("for")));
    }
    body["for_s"] = *seconds;
  }
  const std::string path =
      fmt::format("/api/v1/farms/{}/servers/{}/verbs", name.substr(0, slash), name.substr(slash + 1));
  const auto answer = call_operation(session.box(), "POST", path, std::move(body));
  if (!answer) return refused(answer.error());
  std::string text = answer->value("done", "") + ".\n";
  const json waiting = answer->value("waiting_for", json());
  if (waiting.is_string()) text += "Not in force yet: " + waiting.get<std::string>() + "\n";
  return Reply{
      .data = *answer, .text = std::move(text), .status = waiting.is_string() ? Status::pending : Status::good};
}

}  // namespace fulcrum::cli
