// Probing servers now, and what the probe saw.
#include <fmt/format.h>

#include <charconv>

#include "control/surface/cli/answer_parts.h"
#include "control/surface/cli/api_call.h"
#include "control/surface/cli/handlers.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

// "10.1.1.11:8080" or "[fd00:1::11]:8080", as its parts in a body. False: it is neither.
bool split_endpoint(const std::string& text, json& body) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  unsigned port = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data() + colon + 1, end, port);
  if (error != std::errc{} || last != end || port == 0 || port > UINT16_MAX) return false;
  const bool has_brackets = text.front() == '[' && text[colon - 1] == ']';
  const std::string address = has_brackets ? text.substr(1, colon - 2) : text.substr(0, colon);
  if (address.empty() || has_brackets != (address.find(':') != std::string::npos)) return false;
  body["address"] = address;
  body["port"] = port;
  return true;
}

std::string trial_text(const json& test, std::size_t width) {
  const std::string address = text_in(test, "address");
  const bool is_v6 = address.find(':') != std::string::npos;
  const std::string place =
      fmt::format("{}{}{}:{}", is_v6 ? "[" : "", address, is_v6 ? "]" : "", text_in(test, "port"));
  const std::string whose = text_in(test, "server", "");
  const bool passed = flag_in(test, "passed");
  std::string text = folded(fmt::format("{}{}: {}", whose.empty() ? "" : text_in(test, "farm") + "/" + whose + " at ",
                                        place, passed ? "passed" : "not passed"),
                            width, 4);
  for (const json& step : part_in(test, "steps")) {
    text += folded(fmt::format("  {:<9}{}", text_in(step, "step"), text_in(step, "text")), width, 11);
  }
  return text;
}

}  // namespace

Outcome test_servers(Session& session, const Parsed& parsed) {
  json body = json::object();
  if (parsed.has("farm")) body["farm"] = parsed.get("farm");
  if (const std::string name = parsed.get("server"); !name.empty()) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos || name.find('/', slash + 1) != std::string::npos) {
      return refused(Status::syntax, fmt::format("\"{}\": name the server with its farm, like shop/web1", name));
    }
    body["farm"] = name.substr(0, slash);
    body["server"] = name.substr(slash + 1);
  }
  if (parsed.has("address") && !split_endpoint(parsed.get("address"), body)) {
    return refused(Status::invalid, fmt::format("\"{}\" is no address with a port: say 10.1.1.11:8080 or "
                                                "[fd00:1::11]:8080",
                                                parsed.get("address")));
  }
  if (parsed.has("port")) body["port"] = number_of(parsed.get("port"));
  if (parsed.has("timeout")) body["timeout_ms"] = number_of(parsed.get("timeout"));
  const auto answer = call_operation(session.box(), "POST", "/api/v1/test", std::move(body));
  if (!answer) return refused(answer.error());
  std::string text;
  std::size_t passed = 0;
  const json& tests = part_in(*answer, "tests");
  for (const json& test : tests) {
    passed += flag_in(test, "passed") ? 1 : 0;
    text += trial_text(test, session.columns());
  }
  if (tests.size() > 1) text += fmt::format("{} of {} passed.\n", passed, tests.size());
  return Reply{
      .data = *answer, .text = std::move(text), .status = flag_in(*answer, "passed") ? Status::good : Status::failed};
}

}  // namespace fulcrum::cli
