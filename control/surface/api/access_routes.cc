// Accounts, tokens, everybody's sessions, and the rescue at the console.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "control/access/secrets.h"
#include "control/surface/api/api.h"
#include "control/surface/api/listing.h"
#include "control/surface/api/schema.h"

namespace fulcrum::api {
namespace {

using access::Permission;
using https::Method;
using CallPtr = std::shared_ptr<Call>;

std::string time_words(access::WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

Json role_schema() {
  Json schema{{"type", "string"}};
  for (std::size_t i = 0; i < access::kRoles; ++i) schema["enum"].push_back(access::word(static_cast<access::Role>(i)));
  return schema;
}
Json scope_schema() { return list_schema(text_schema(1, 63), access::AccountBook::scope_max, "farms of a farm-admin"); }
Json time_schema() { return {{"type", "string"}, {"format", "date-time"}}; }

Json account_schema() {
  return object_schema({{"name", text_schema(1, 32)},
                        {"role", role_schema()},
                        {"scope", scope_schema()},
                        {"has_password", {{"type", "boolean"}}},
                        {"created", time_schema()}},
                       {{"password_set", time_schema()}});
}

Json account_json(const access::Account& account) {
  Json body{{"name", account.name},
            {"role", access::word(account.role)},
            {"scope", account.scope},
            {"has_password", !account.password_hash.empty()},
            {"created", time_words(account.created)}};
  if (!account.password_hash.empty()) body["password_set"] = time_words(account.password_set);
  return body;
}

Json token_schema() {
  return object_schema({{"name", text_schema(1, 32)},
                        {"account", text_schema(1, 32)},
                        {"role", role_schema()},
                        {"scope", scope_schema()},
                        {"created", time_schema()},
                        {"expires", time_schema()},
                        {"expired", {{"type", "boolean"}}}},
                       {{"token", text_schema(1, 128, "the secret; shown once, when it is made")}});
}

Json token_json(const access::Token& token, access::WallTime now) {
  return {{"name", token.name},
          {"account", token.account},
          {"role", access::word(token.role)},
          {"scope", token.scope},
          {"created", time_words(token.created)},
          {"expires", time_words(token.expires)},
          {"expired", now >= token.expires}};
}

std::vector<std::string> scope_of(const nlohmann::json& body) {
  return body.contains("scope") ? body["scope"].get<std::vector<std::string>>() : std::vector<std::string>{};
}

void list_accounts(Api& api, const CallPtr& call) {
  Json accounts = Json::array();
  for (const auto& [name, account] : api.access().book().accounts()) accounts.push_back(account_json(account));
  call->answer(page_of(*call, Json{{"accounts", accounts}}, "accounts"));
}

void show_account(Api& api, const CallPtr& call) {
  const access::Account* account = api.access().book().find_account(call->parameter("name"));
  if (account == nullptr) return call->answer(problem(404, "there is no account \"" + call->parameter("name") + "\""));
  call->answer(ok(account_json(*account)));
}

void put_account(Api& api, const CallPtr& call) {
  access::AccountWish wish;
  wish.name = call->parameter("name");
  if (call->body.contains("role")) wish.role = access::parse_role(call->body["role"].get<std::string>());
  if (call->body.contains("scope")) wish.scope = scope_of(call->body);
  if (call->body.contains("password")) wish.password = call->body["password"].get<std::string>();
  call->note = fmt::format("{}{}", wish.role ? "role " + std::string{access::word(*wish.role)} : "",
                           wish.password ? (wish.role ? ", password" : "password") : "");
  api.access().put_account(call->who, wish, [&api, call, name = wish.name](const Result<void>& done) {
    if (done) return call->answer(ok(account_json(*api.access().book().find_account(name))));
    call->note.clear();
    call->answer(problem(done.error()));
  });
}

void remove_account(Api& api, const CallPtr& call) {
  const auto done = api.access().remove_account(call->parameter("name"));
  call->answer(done ? no_content() : problem(done.error()));
}

void unlock_account(Api& api, const CallPtr& call) {
  if (api.access().book().find_account(call->parameter("name")) == nullptr) {
    return call->answer(problem(404, "there is no account \"" + call->parameter("name") + "\""));
  }
  api.access().forgive(call->parameter("name"));
  call->answer(no_content());
}

void list_sessions(Api& api, const CallPtr& call) {
  const auto now = api.access().clock().steady();
  const auto seconds = [&](auto since) {
    return std::chrono::duration_cast<std::chrono::seconds>(now - since).count();
  };
  Json sessions = Json::array();
  for (const access::Session& session : api.access().sessions()) {
    sessions.push_back({{"id", session.id},
                        {"account", session.account},
                        {"source", session.source},
                        {"age_s", seconds(session.begun)},
                        {"idle_s", seconds(session.used)}});
  }
  call->answer(page_of(*call, Json{{"sessions", sessions}}, "sessions"));
}

void end_session(Api& api, const CallPtr& call) {
  if (!api.access().end_session(call->parameter("id"))) return call->answer(problem(404, "there is no such session"));
  call->answer(no_content());
}

bool sees(const CallPtr& call, const access::Token& token) {
  return token.account == call->who.name || allows(call->who, Permission::accounts);
}

void list_tokens(Api& api, const CallPtr& call) {
  Json tokens = Json::array();
  for (const auto& [name, token] : api.access().book().tokens()) {
    if (sees(call, token)) tokens.push_back(token_json(token, api.access().clock().wall()));
  }
  call->answer(page_of(*call, Json{{"tokens", tokens}}, "tokens"));
}

void make_token(Api& api, const CallPtr& call) {
  access::TokenWish wish;
  wish.name = call->body["name"].get<std::string>();
  wish.account = call->body.value("account", "");
  wish.role = access::parse_role(call->body["role"].get<std::string>()).value_or(access::Role::viewer);
  wish.scope = scope_of(call->body);
  wish.lifetime = std::chrono::seconds{call->body["expires_in_s"].get<std::int64_t>()};
  call->object = "token " + wish.name + (wish.account.empty() ? "" : " of " + wish.account);
  const auto secret = api.access().add_token(call->who, wish);
  if (!secret) return call->answer(problem(secret.error()));
  Json body = token_json(api.access().book().tokens().at(wish.name), api.access().clock().wall());
  body["token"] = *secret;
  call->answer(created(std::move(body), "/api/v1/tokens/" + wish.name));
}

void remove_token(Api& api, const CallPtr& call) {
  const auto& tokens = api.access().book().tokens();
  const auto found = tokens.find(call->parameter("name"));
  // Whoever may not see it does not learn that it is there.
  if (found == tokens.end() || !sees(call, found->second)) return call->answer(problem(404, "there is no such token"));
  const auto done = api.access().remove_token(call->parameter("name"));
  call->answer(done ? no_content() : problem(done.error()));
}

void add_account_routes(Api& api) {
  const auto add = [&api](Route route, auto run) {
    route.permission = Permission::accounts;
    route.tag = "access";
    route.run = [&api, run](const CallPtr& call) { run(api, call); };
    api.router().add(std::move(route));
  };
  add({.pattern = "/api/v1/accounts",
       .id = "list-accounts",
       .summary = "All accounts.",
       .query = listing_queries(),
       .answer = listing_schema("accounts", account_schema())},
      list_accounts);
  add({.pattern = "/api/v1/accounts/{name}",
       .id = "show-account",
       .summary = "One account.",
       .answer = account_schema()},
      show_account);
  add({.method = Method::put,
       .pattern = "/api/v1/accounts/{name}",
       .id = "put-account",
       .summary = "Make an account, or change its role, scope or password. What is left out stays.",
       .body = object_schema(
           Json::object(),
           {{"role", role_schema()}, {"scope", scope_schema()}, {"password", password_schema(access::kPasswordMax)}}),
       .answer = account_schema()},
      put_account);
  add({.method = Method::remove,
       .pattern = "/api/v1/accounts/{name}",
       .id = "remove-account",
       .summary = "Remove an account, its sessions and its tokens.",
       .good = 204},
      remove_account);
  add({.method = Method::post,
       .pattern = "/api/v1/accounts/{name}/unlock",
       .id = "unlock-account",
       .summary = "Forget the wrong passwords of an account.",
       .good = 204},
      unlock_account);
  add({.pattern = "/api/v1/sessions",
       .id = "list-sessions",
       .summary = "Who is logged in.",
       .query = listing_queries(),
       .answer = listing_schema("sessions", record_schema({{"id", text_schema(1, 64)},
                                                           {"account", text_schema(1, 32)},
                                                           {"source", text_schema(1, 64)},
                                                           {"age_s", number_schema(0, INT64_MAX)},
                                                           {"idle_s", number_schema(0, INT64_MAX)}}))},
      list_sessions);
  add({.method = Method::remove,
       .pattern = "/api/v1/sessions/{id}",
       .id = "end-session",
       .summary = "End somebody's session.",
       .good = 204},
      end_session);
}

void add_token_routes(Api& api) {
  const auto add = [&api](Route route, auto run) {
    route.permission = Permission::self;
    route.tag = "access";
    route.run = [&api, run](const CallPtr& call) { run(api, call); };
    api.router().add(std::move(route));
  };
  add({.pattern = "/api/v1/tokens",
       .id = "list-tokens",
       .summary = "The own tokens; of everybody for who manages accounts.",
       .query = listing_queries(),
       .answer = listing_schema("tokens", token_schema())},
      list_tokens);
  add({.method = Method::post,
       .pattern = "/api/v1/tokens",
       .id = "make-token",
       .summary = "Make a token for a program. It can do at most what its maker and its account may.",
       .body =
           object_schema({{"name", text_schema(1, 32)},
                          {"role", role_schema()},
                          {"expires_in_s", number_schema(1, access::Access::token_lifetime_max.count())}},
                         {{"scope", scope_schema()}, {"account", text_schema(1, 32, "whose it is, if not one's own")}}),
       .answer = token_schema(),
       .good = 201},
      make_token);
  add({.method = Method::remove,
       .pattern = "/api/v1/tokens/{name}",
       .id = "revoke-token",
       .summary = "Revoke a token.",
       .good = 204},
      remove_token);
}

}  // namespace

void add_access_routes(Api& api) {
  add_account_routes(api);
  add_token_routes(api);
  api.router().add({.method = Method::post,
                    .pattern = "/api/v1/rescue",
                    .permission = Permission::physical,
                    .id = "begin-rescue",
                    .summary = "At the console: for 30 minutes any host may connect; all lock-outs end.",
                    .tag = "access",
                    .answer = object_schema({{"seconds", number_schema(0, 86400)}}),
                    .run = [&api](const CallPtr& call) {
                      api.begin_rescue();
                      call->answer(ok({{"seconds", api.rescue_left().count()}}));
                    }});
  api.router().add({.method = Method::remove,
                    .pattern = "/api/v1/rescue",
                    .permission = Permission::physical,
                    .id = "end-rescue",
                    .summary = "At the console: allowed hosts count again.",
                    .tag = "access",
                    .good = 204,
                    .run = [&api](const CallPtr& call) {
                      api.end_rescue();
                      call->answer(no_content());
                    }});
}

void add_audit_routes(Api& api) {
  constexpr std::uint64_t kPage = 100;
  constexpr std::int64_t kPageMax = 1000;
  api.router().add(
      {.pattern = "/api/v1/audit",
       .permission = Permission::audit,
       .id = "read-audit",
       .summary = "The audit log, newest first. `next` is the `before` of the following page.",
       .tag = "audit",
       .query = {{"before", number_schema(1, INT64_MAX), "only records with a smaller sequence number"},
                 {"limit", number_schema(1, kPageMax), "at most so many; 100 if not said"}},
       .answer = object_schema({{"records", list_schema(record_schema({{"sequence", number_schema(1, INT64_MAX)},
                                                                       {"time", text_schema(1, 64)},
                                                                       {"who", text_schema(0, 1000)},
                                                                       {"face", text_schema(0, 1000)},
                                                                       {"source", text_schema(0, 1000)},
                                                                       {"action", text_schema(0, 1000)},
                                                                       {"object", text_schema(0, 1000)},
                                                                       {"result", text_schema(0, 1000)},
                                                                       {"note", text_schema(0, 1000)},
                                                                       {"previous", text_schema(64, 64)},
                                                                       {"hash", text_schema(64, 64)}}),
                                                        kPageMax)},
                                {"next", {{"type", "integer"}, {"nullable", true}}}}),
       .run = [&api](const CallPtr& call) {
         const auto limit = static_cast<std::size_t>(call->number("limit", kPage));
         api.auditor().read(call->number("before", 0), limit, [call, limit](const auto& lines) {
           if (!lines) return call->answer(problem(lines.error()));
           Json records = Json::array();
           for (const std::string& line : *lines) records.push_back(Json::parse(line, nullptr, false));
           const bool more = records.size() == limit && records.back().value("sequence", 1) > 1;
           Json next = more ? records.back()["sequence"] : Json();
           call->answer(ok({{"records", std::move(records)}, {"next", std::move(next)}}));
         });
       }});
  api.router().add({.pattern = "/api/v1/audit/verification",
                    .permission = Permission::audit,
                    .id = "verify-audit",
                    .summary = "Read the whole audit log and check its chain.",
                    .tag = "audit",
                    .answer = object_schema({{"intact", {{"type", "boolean"}}},
                                             {"records", number_schema(0, INT64_MAX)},
                                             {"first", number_schema(0, INT64_MAX)},
                                             {"last", number_schema(0, INT64_MAX)},
                                             {"last_hash", text_schema(0, 64)},
                                             {"problem", text_schema(0, 4096)}}),
                    .run = [&api](const CallPtr& call) {
                      api.auditor().verify([call](const audit::Verdict& verdict) {
                        call->answer(ok({{"intact", verdict.intact},
                                         {"records", verdict.records},
                                         {"first", verdict.first},
                                         {"last", verdict.last},
                                         {"last_hash", verdict.last_hash},
                                         {"problem", verdict.problem}}));
                      });
                    }});
}

}  // namespace fulcrum::api
