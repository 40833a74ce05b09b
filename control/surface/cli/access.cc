#include "control/surface/cli/access.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <optional>

#include "control/surface/cli/client.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

enum Exit : int { kGood = 0, kFailed = 1, kUsage = 2, kNotFound = 4 };
constexpr const char* kFirstAccount = "admin";

int complain(const std::string& line, int status) {
  fmt::print(stderr, "fulcrum: {}\n", line);
  return status;
}

// Switches the terminal's echo off for a while, if standard input is one.
class NoEcho {
 public:
  NoEcho() {
    is_terminal_ = tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!is_terminal_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~NoEcho() {
    if (!is_terminal_) return;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputs("\n", stderr);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  [[nodiscard]] bool is_terminal() const { return is_terminal_; }

 private:
  termios before_{};
  bool is_terminal_ = false;
};

// One line, not shown; asked for twice of a person.
std::optional<std::string> read_password() {
  const auto ask = [](const char* prompt) {
    const NoEcho silent;
    if (silent.is_terminal()) std::fputs(prompt, stderr);
    std::string line;
    std::getline(std::cin, line);
    return line;
  };
  const std::string password = ask("New password: ");
  if (isatty(STDIN_FILENO) != 0 && ask("The same again: ") != password) return std::nullopt;
  return password;
}

struct Outcome {
  int status = kFailed;
  json body;
};

Outcome call(const std::string& runtime_dir, std::chrono::seconds patience, json request) {
  const auto line = ask(
      runtime_dir, json{{"api", std::move(request)}}.dump(-1, ' ', false, json::error_handler_t::replace), patience);
  if (!line) return {complain(line.error().words(), kFailed), {}};
  const json answer = json::parse(*line, nullptr, false);
  if (!answer.is_object() || !answer.value("status", json()).is_number()) {
    return {complain("fulcrum-control answered something that is no JSON", kFailed), {}};
  }
  const int status = answer["status"].get<int>();
  json body = answer.value("body", json());
  if (status < 400) return {kGood, std::move(body)};
  std::string words = body.is_object() ? body.value("detail", "unknown error") : "unknown error";
  if (body.is_object() && body.contains("problems")) {
    for (const json& one : body["problems"]) words += "\n  " + one.value("path", "") + ": " + one.value("text", "");
  }
  return {complain(words, status == 404 ? kNotFound : status < 500 ? kUsage : kFailed), std::move(body)};
}

int set_up(const std::string& name, const std::string& runtime_dir, std::chrono::seconds patience) {
  const auto password = read_password();
  if (!password) return complain("the two are not the same: nothing was changed", kUsage);
  const json body{{"role", "administrator"}, {"password", *password}};
  const Outcome outcome =
      call(runtime_dir, patience, {{"method", "PUT"}, {"path", "/api/v1/accounts/" + name}, {"body", body}});
  if (outcome.status == kGood) fmt::print("account {}: administrator, with the new password\n", name);
  return outcome.status;
}

int verify(const std::string& runtime_dir, std::chrono::seconds patience) {
  const Outcome outcome = call(runtime_dir, patience, {{"path", "/api/v1/audit/verification"}});
  if (outcome.status != kGood) return outcome.status;
  if (!outcome.body.value("intact", false)) {
    return complain("the audit log was tampered with or damaged: " + outcome.body.value("problem", ""), kFailed);
  }
  fmt::print("intact: records {} to {}, last hash {}\n", outcome.body.value("first", 0U),
             outcome.body.value("last", 0U), outcome.body.value("last_hash", ""));
  return kGood;
}

int call_api(const std::vector<std::string>& words, const std::string& runtime_dir, std::chrono::seconds patience) {
  json request{{"method", words[1]}, {"path", words[2]}};
  if (words.size() == 4) {
    json body = json::parse(words[3], nullptr, false);
    if (body.is_discarded()) return complain("the body is no JSON", kUsage);
    request["body"] = std::move(body);
  }
  const Outcome outcome = call(runtime_dir, patience, std::move(request));
  if (outcome.status != kGood || outcome.body.is_null()) return outcome.status;
  const bool is_text = outcome.body.is_string();
  fmt::print("{}{}", is_text ? outcome.body.get<std::string>() : outcome.body.dump(2), is_text ? "" : "\n");
  return kGood;
}

}  // namespace

bool is_access_command(const std::vector<std::string>& words) {
  return !words.empty() && (words[0] == "access" || words[0] == "audit" || words[0] == "api");
}

int run_access_command(const std::vector<std::string>& words, const std::string& runtime_dir,
                       std::chrono::seconds patience) {
  const std::size_t count = words.size();
  const std::string verb = count > 1 ? words[1] : "";
  if (words[0] == "api" && (count == 3 || count == 4)) return call_api(words, runtime_dir, patience);
  if (words[0] == "audit" && verb == "verify" && count == 2) return verify(runtime_dir, patience);
  if (words[0] == "access" && verb == "setup" && count <= 3) {
    return set_up(count == 3 ? words[2] : kFirstAccount, runtime_dir, patience);
  }
  if (words[0] == "access" && verb == "unlock" && count == 3) {
    const std::string path = "/api/v1/accounts/" + words[2] + "/unlock";
    return call(runtime_dir, patience, {{"method", "POST"}, {"path", path}}).status;
  }
  if (words[0] == "access" && verb == "rescue" && count == 2) {
    const Outcome outcome = call(runtime_dir, patience, {{"method", "POST"}, {"path", "/api/v1/rescue"}});
    if (outcome.status == kGood) {
      fmt::print("any host may connect for {} s; now mend management.allowed_hosts\n",
                 outcome.body.value("seconds", 0));
    }
    return outcome.status;
  }
  return complain(std::string{"usage:\n"} + kAccessHelp, kUsage);
}

}  // namespace fulcrum::cli
