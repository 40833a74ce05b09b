// Logging in and out, and what everybody may do about themselves.
#include <fmt/format.h>

#include "control/access/secrets.h"
#include "control/surface/api/api.h"
#include "control/surface/api/schema.h"

namespace fulcrum::api {
namespace {

using access::LoginAnswer;
using access::Permission;
using https::Method;
using CallPtr = std::shared_ptr<Call>;

constexpr const char* kWait =
    "too many wrong tries: wait {} s, or come from an address that this account has logged in from before";
constexpr const char* kManyLogins = "too many logins at a time: try again in a moment";

Json session_schema() {
  return object_schema({{"account", text_schema(1, 32)},
                        {"role", text_schema(1, 32)},
                        {"scope", list_schema(text_schema(1, 63), access::AccountBook::scope_max)}},
                       {{"csrf_token", text_schema(0, 64, "to be sent as X-CSRF-Token with changes")},
                        {"token", text_schema(1, 32, "name of the token that asks")},
                        {"face", text_schema(1, 16)},
                        {"idle_limit_s", number_schema(1, INT32_MAX)},
                        {"absolute_limit_s", number_schema(1, INT32_MAX)}});
}

Json session_of(Api& api, const access::Identity& who, const std::string& secret) {
  Json body{{"account", who.name}, {"role", access::word(who.role)}, {"scope", who.scope}};
  if (!who.token.empty()) body["token"] = who.token;
  body["face"] = access::word(who.face);
  if (secret.empty()) return body;
  body["csrf_token"] = api.access().csrf_of(secret);
  body["idle_limit_s"] = api.access().session_limits().idle.count();
  body["absolute_limit_s"] = api.access().session_limits().absolute.count();
  return body;
}

std::string cookie(const std::string& secret, bool ends) {
  return fmt::format("{}={}; Path=/; Secure; HttpOnly; SameSite=Strict{}", Api::cookie_name, secret,
                     ends ? "; Max-Age=0" : "");
}

void answer_login(Api& api, const CallPtr& call, const LoginAnswer& login) {
  if (login.outcome == LoginAnswer::Outcome::good) {
    const auto who = api.access().by_session(login.secret, call->request.source);
    if (!who) return call->answer(problem(401, "the account was changed meanwhile: try again"));
    Answer answer = ok(session_of(api, *who, login.secret));
    answer.headers.emplace_back("Set-Cookie", cookie(login.secret, false));
    return call->answer(answer);
  }
  if (login.outcome == LoginAnswer::Outcome::wrong) {
    return call->answer(problem(401, api.access().book().accounts().empty()
                                         ? "there is no account yet: run `fulcrum access setup` at the console"
                                         : "wrong name or password"));
  }
  const bool waits = login.outcome == LoginAnswer::Outcome::wait;
  Answer answer = problem(waits ? 429 : 503, waits ? fmt::format(kWait, login.wait.count()) : kManyLogins);
  answer.headers.emplace_back("Retry-After", fmt::format("{}", login.wait.count()));
  call->answer(answer);
}

void log_in(Api& api, const CallPtr& call) {
  const std::string name = call->body["name"].get<std::string>();
  api.access().login(name, call->body["password"].get<std::string>(), call->request.source,
                     [&api, call, name](const LoginAnswer& login) {
                       const bool good = login.outcome == LoginAnswer::Outcome::good;
                       // Tries that were turned away unseen are not recorded: a guesser shall not fill the disk.
                       if (!good && login.outcome != LoginAnswer::Outcome::wrong) return answer_login(api, call, login);
                       audit::Record record;
                       record.who = name.substr(0, 32);
                       record.face = "api";
                       record.source = call->request.source;
                       record.action = "login";
                       record.object = "session";
                       record.result = good ? "done" : "refused (401)";
                       api.auditor().record(record, [&api, call, login] { answer_login(api, call, login); });
                     });
}

void log_out(Api& api, const CallPtr& call) {
  if (call->who.session.empty()) return call->answer(problem(409, "this request has no session"));
  api.access().end_session(call->who.session);
  Answer answer = no_content();
  answer.headers.emplace_back("Set-Cookie", cookie("", true));
  call->answer(answer);
}

void change_password(Api& api, const CallPtr& call) {
  if (call->who.session.empty()) return call->answer(problem(409, "log in with the old password first"));
  api.access().change_own_password(
      call->who, call->body["old_password"].get<std::string>(), call->body["new_password"].get<std::string>(),
      [call](const Result<void>& done) { call->answer(done ? no_content() : problem(done.error())); });
}

void show_roles(const CallPtr& call) {
  Json roles = Json::array();
  for (std::size_t i = 0; i < access::kRoles; ++i) {
    const auto role = static_cast<access::Role>(i);
    Json grants = Json::object();
    for (std::size_t k = 0; k < access::kPermissions; ++k) {
      const auto permission = static_cast<Permission>(k);
      const access::Grant grant = access::grant(role, permission);
      grants[std::string{access::word(permission)}] = grant == access::Grant::yes      ? "yes"
                                                      : grant == access::Grant::scoped ? "in scope"
                                                                                       : "no";
    }
    roles.push_back({{"role", access::word(role)}, {"help", access::help(role)}, {"permissions", grants}});
  }
  call->answer(ok({{"roles", roles}}));
}

}  // namespace

void add_session_routes(Api& api) {
  const Json password = password_schema(access::kPasswordMax);
  api.router().add({.method = Method::post,
                    .pattern = "/api/v1/session",
                    .id = "login",
                    .summary = "Log in with name and password. The session is in a cookie.",
                    .tag = "session",
                    .body = object_schema({{"name", text_schema(1, 64)}, {"password", password}}),
                    .answer = session_schema(),
                    .run = [&api](const CallPtr& call) { log_in(api, call); }});
  api.router().add(
      {.pattern = "/api/v1/session",
       .permission = Permission::self,
       .id = "show-session",
       .summary = "Who asks, with which role.",
       .tag = "session",
       .answer = session_schema(),
       .run = [&api](const CallPtr& call) { call->answer(ok(session_of(api, call->who, call->secret))); }});
  api.router().add({.method = Method::remove,
                    .pattern = "/api/v1/session",
                    .permission = Permission::self,
                    .id = "logout",
                    .summary = "End this session.",
                    .tag = "session",
                    .good = 204,
                    .run = [&api](const CallPtr& call) { log_out(api, call); }});
  api.router().add({.method = Method::put,
                    .pattern = "/api/v1/session/password",
                    .permission = Permission::self,
                    .id = "change-password",
                    .summary = "Change the own password. Ends the account's other sessions.",
                    .tag = "session",
                    .body = object_schema({{"old_password", password}, {"new_password", password}}),
                    .good = 204,
                    .run = [&api](const CallPtr& call) { change_password(api, call); }});
  api.router().add(
      {.pattern = "/api/v1/roles",
       .permission = Permission::look,
       .id = "show-roles",
       .summary = "What each role may do.",
       .tag = "access",
       .answer = object_schema(
           {{"roles",
             list_schema(
                 record_schema({{"role", text_schema(1, 32)},
                                {"help", text_schema(1, 200)},
                                {"permissions", {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}}}}),
                 access::kRoles)}}),
       .run = show_roles});
}

}  // namespace fulcrum::api
