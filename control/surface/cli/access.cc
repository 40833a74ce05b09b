// What the console does about access: the first account, a forgotten password, a lock-out, allowed hosts that allow
// nobody, and the audit log's chain. All of it are operations of the REST API, asked for over the local socket.
#include <fmt/format.h>

#include <algorithm>

#include "control/surface/cli/answer_parts.h"
#include "control/surface/cli/api_call.h"
#include "control/surface/cli/handlers.h"
#include "control/surface/cli/line.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

constexpr const char* kFirstAccount = "admin";

// "shop,mail".
Outcome removed(Session& session, const char* above, const std::string& name, const char* words) {
  const auto answer = call_operation(session.box(), "DELETE", above + name);
  if (!answer) return refused(answer.error());
  return said(fmt::format(fmt::runtime(words), name), {{"removed", name}});
}

}  // namespace

tl::expected<std::string, Trouble> read_new_password(Session& session) {
  Screen& screen = session.screen();
  const auto first = screen.read_line("New password: ", true);
  const auto again = first && screen.has_person() ? screen.read_line("The same again: ", true) : first;
  if (!first || !again) return refused(Status::unconfirmed, "no password was given: nothing was changed");
  if (*first != *again) return refused(Status::invalid, "the two are not the same: nothing was changed");
  if (!is_clean(*first)) return refused(Status::invalid, "a password is text: nothing was changed");
  return *first;
}

Outcome set_up_account(Session& session, const Parsed& parsed) {
  const std::string name = parsed.has("name") ? parsed.get("name") : kFirstAccount;
  const auto password = read_new_password(session);
  if (!password) return refused(password.error());
  const auto answer = call_operation(session.box(), "PUT", "/api/v1/accounts/" + name,
                                     {{"role", "administrator"}, {"password", *password}});
  if (!answer) return refused(answer.error());
  return said(fmt::format("account {}: administrator, with the new password\n", name), *answer);
}

// A password is asked for when there is no such account yet.
Outcome put_account(Session& session, const Parsed& parsed) {
  const std::string path = "/api/v1/accounts/" + parsed.get("name");
  const auto there = call_operation(session.box(), "GET", path);
  if (!there && there.error().status != Status::not_found) return refused(there.error());
  json body{{"role", parsed.get("role")}};
  if (parsed.has("farms")) body["scope"] = listed_words(parsed.get("farms"));
  if (!there) {
    auto password = read_new_password(session);
    if (!password) return refused(password.error());
    body["password"] = std::move(*password);
  }
  const auto answer = call_operation(session.box(), "PUT", path, std::move(body));
  if (!answer) return refused(answer.error());
  return said(fmt::format("account {}: {}\n", parsed.get("name"), answer->value("role", "")), *answer);
}

Outcome change_password(Session& session, const Parsed& parsed) {
  const std::string path = "/api/v1/accounts/" + parsed.get("name");
  // Not to make one by a slip of the finger.
  if (const auto there = call_operation(session.box(), "GET", path); !there) return refused(there.error());
  const auto password = read_new_password(session);
  if (!password) return refused(password.error());
  const auto answer = call_operation(session.box(), "PUT", path, {{"password", *password}});
  if (!answer) return refused(answer.error());
  return said(fmt::format("account {}: has the new password\n", parsed.get("name")), *answer);
}

Outcome remove_account(Session& session, const Parsed& parsed) {
  return removed(session, "/api/v1/accounts/", parsed.get("name"), "account {}: is gone, with its tokens\n");
}

// The secret is in the answer, and nowhere else.
Outcome make_token(Session& session, const Parsed& parsed) {
  const auto seconds = seconds_of(parsed.get("for"));
  if (!seconds) return refused(Status::invalid, fmt::format("\"{}\" is no time: say 12h or 90d", parsed.get("for")));
  json body{{"name", parsed.get("name")},
            {"account", parsed.get("account")},
            {"role", parsed.get("role")},
            {"expires_in_s", *seconds}};
  if (parsed.has("farms")) body["scope"] = listed_words(parsed.get("farms"));
  const auto answer = call_operation(session.box(), "POST", "/api/v1/tokens", std::move(body));
  if (!answer) return refused(answer.error());
  return said(fmt::format("token {} of account {}, until {}. It is shown this once:\n{}\n", text_in(*answer, "name"),
                          text_in(*answer, "account"), text_in(*answer, "expires"), text_in(*answer, "token")),
              *answer);
}

Outcome revoke_token(Session& session, const Parsed& parsed) {
  return removed(session, "/api/v1/tokens/", parsed.get("name"), "token {}: is revoked\n");
}

Outcome end_session(Session& session, const Parsed& parsed) {
  return removed(session, "/api/v1/sessions/", parsed.get("session"), "session {}: is over\n");
}

Outcome unlock_account(Session& session, const Parsed& parsed) {
  const std::string name = parsed.get("name");
  const auto answer = call_operation(session.box(), "POST", "/api/v1/accounts/" + name + "/unlock");
  if (!answer) return refused(answer.error());
  return said(fmt::format("account {}: wrong passwords are forgotten\n", name), {{"unlocked", name}});
}

Outcome rescue(Session& session, const Parsed&) {
  const auto answer = call_operation(session.box(), "POST", "/api/v1/rescue");
  if (!answer) return refused(answer.error());
  return said(
      fmt::format("any host may connect for {} s; now mend management.allowed_hosts\n", answer->value("seconds", 0)),
      *answer);
}

Outcome verify_audit(Session& session, const Parsed&) {
  const auto answer = call_operation(session.box(), "GET", "/api/v1/audit/verification");
  if (!answer) return refused(answer.error());
  if (!answer->value("intact", false)) {
    return refused(Trouble{.status = Status::failed,
                           .text = "the audit log was tampered with or damaged: " + answer->value("problem", ""),
                           .json = {{"error", {{"code", "failed"}, {"verification", *answer}}}}});
  }
  return said(fmt::format("intact: records {} to {}, last hash {}\n", answer->value("first", 0U),
                          answer->value("last", 0U), answer->value("last_hash", "")),
              *answer);
}

Outcome call_api(Session& session, const Parsed& parsed) {
  json body;
  if (parsed.has("body")) {
    body = json::parse(parsed.get("body"), nullptr, false);
    if (body.is_discarded()) return refused(Status::invalid, "the body is no JSON; put it in single quotes");
  }
  const auto answer = call_operation(session.box(), parsed.get("method"), parsed.get("path"), std::move(body));
  if (!answer) return refused(answer.error());
  if (answer->is_null()) return Reply{};
  return Reply{.data = *answer, .text = answer->is_string() ? answer->get<std::string>() : answer->dump(2) + "\n"};
}

}  // namespace fulcrum::cli
