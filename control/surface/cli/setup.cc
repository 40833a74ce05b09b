#include "control/surface/cli/setup.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/surface/cli/answer_parts.h"
#include "control/surface/cli/api_call.h"
#include "control/surface/cli/handlers.h"
#include "control/surface/cli/line.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

constexpr const char* kAddresses = "management.addresses";
constexpr const char* kWelcome =
    "First-time setup. Enter takes what stands in brackets, Ctrl-C leaves; `setup`\n"
    "begins again.\n\n";

// Given up: at the prompt it can be begun again.
Trouble left() {
  return {.status = Status::unconfirmed, .text = "setup was left; what was done stays, and `setup` begins it again"};
}

// One step of a candidate of its own, so that nothing of it is left when the box refuses.
tl::expected<json, Trouble> commit_addresses(Session& session, const std::vector<std::string>& words) {
  const std::string candidate = "setup";
  Box& box = session.box();
  box.ask({{"config", "discard"}, {"candidate", candidate}});  // of a setup that was cut off
  auto answer = box.ask({{"config", "open"}, {"candidate", candidate}});
  if (answer) {
    answer = box.ask({{"config", "set"}, {"candidate", candidate}, {"path", kAddresses}, {"words", words}});
  }
  if (answer) {
    const json why = "first-time setup";
    answer = box.ask({{"config", "commit"}, {"candidate", candidate}, {"face", "cli"}, {"why", why}});
  }
  if (!answer) box.ask({{"config", "discard"}, {"candidate", candidate}});
  return answer;
}

std::string present_addresses(Session& session) {
  const auto answer = session.box().ask({{"config", "get"}, {"path", kAddresses}});
  std::string words;
  if (!answer) return words;
  for (const json& one : answer->value("value", json::array())) {
    if (one.is_string()) words += (words.empty() ? "" : " ") + one.get<std::string>();
  }
  return words;
}

// Asks until the box takes it; a script has one try.
std::optional<Trouble> set_addresses(Session& session) {
  Screen& screen = session.screen();
  const std::string present = present_addresses(session);
  for (;;) {
    const auto line = screen.read_line(
        fmt::format("Addresses for management (HTTPS) [{}]: ", present.empty() ? "none" : present), false);
    if (!line) return left();
    if (!is_clean(*line)) return Trouble{.status = Status::invalid, .text = "an address has only plain characters"};
    const auto words = listed_words(*line);
    if (words.empty() || words == listed_words(present)) return std::nullopt;
    const auto answer = commit_addresses(session, words);
    if (answer) return std::nullopt;
    if (!screen.has_person()) return answer.error();
    screen.complain(answer.error().text + "\n");
  }
}

// Somebody at another console may have set the box up meanwhile.
bool is_taken(Box& box, const std::string& name) {
  const auto account = call_operation(box, "GET", "/api/v1/accounts/" + name);
  return account && account->value("has_password", false);
}

// Makes an account with a password, and never gives one that has a password another one.
Box::Answer put_administrator(Box& box, const std::string& name, const std::string& password) {
  if (is_taken(box, name)) {
    return refused(Status::conflict,
                   fmt::format("{} has a password already, and keeps it: `access password {}` gives it "
                               "another one. Nothing was changed",
                               name, name));
  }
  return call_operation(box, "PUT", "/api/v1/accounts/" + name, {{"role", "administrator"}, {"password", password}});
}

std::optional<Trouble> make_administrator(Session& session) {
  Screen& screen = session.screen();
  for (;;) {
    auto name = screen.read_line("Name of the first administrator [admin]: ", false);
    if (!name) return left();
    if (name->empty()) name = "admin";
    const auto password = read_new_password(session);
    if (!password && password.error().status == Status::unconfirmed) return left();
    Box::Answer answer;
    if (password) {
      answer = put_administrator(session.box(), *name, *password);
      if (answer) return std::nullopt;
    }
    const Trouble trouble = password ? answer.error() : password.error();
    if (!screen.has_person()) return trouble;
    screen.complain(trouble.text + "\n");
  }
}

}  // namespace

bool needs_setup(Box& box) {
  const auto answer = call_operation(box, "GET", "/api/v1/accounts");
  if (!answer) return false;
  const json accounts = answer->value("accounts", json::array());
  return std::none_of(accounts.begin(), accounts.end(), [](const json& account) {
    return account.value("role", "") == "administrator" && account.value("has_password", false);
  });
}

Outcome setup(Session& session, const Parsed&) {
  if (session.screen().has_person()) session.screen().print(kWelcome, false);
  if (auto trouble = set_addresses(session)) return refused(std::move(*trouble));
  if (auto trouble = make_administrator(session)) return refused(std::move(*trouble));
  const std::string addresses = present_addresses(session);
  std::string text = "The box is set up.\n";
  if (!addresses.empty()) text += fmt::format("Its pages and its API: https on {}\n", addresses);
  return said(std::move(text), {{"addresses", listed_words(addresses)}});
}

}  // namespace fulcrum::cli
