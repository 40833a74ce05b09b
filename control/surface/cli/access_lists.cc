// What the console sees of alarms, accounts, tokens, sessions and the audit log: lists of the REST API as tables.
#include <fmt/format.h>

#include "control/surface/cli/answer_parts.h"
#include "control/surface/cli/api_call.h"
#include "control/surface/cli/handlers.h"
#include "control/surface/cli/table.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

std::string joined(const json& words, const char* otherwise) {
  std::string text;
  for (const json& word : words) {
    if (word.is_string()) text += (text.empty() ? "" : ",") + word.get<std::string>();
  }
  return text.empty() ? otherwise : text;
}

struct List {
  const char* path;
  const char* key;   // of the rows
  const char* none;  // said when there are no rows
  std::vector<Column> columns;
  std::vector<std::string> (*cells)(const json& row);
};

Outcome shown_list(Session& session, const List& list, const std::string& query = {}) {
  const auto answer = call_operation(session.box(), "GET", list.path + query);
  if (!answer) return refused(answer.error());
  Table table{list.columns};
  for (const json& row : part_in(*answer, list.key)) table.add(list.cells(row));
  return Reply{.data = *answer, .text = table.text_or(list.none, session.columns())};
}

}  // namespace

Outcome show_alarms(Session& session, const Parsed&) {
  return shown_list(session,
                    {.path = "/api/v1/status/alarms",
                     .key = "alarms",
                     .none = "There are no alarms.\n",
                     .columns = {{.title = "SEVERITY"},
                                 {.title = "OBJECT", .wrap = Wrap::when_needed},
                                 {.title = "WHAT IS WRONG", .wrap = Wrap::first}},
                     .cells = [](const json& row) {
                       return std::vector{text_in(row, "severity"), text_in(row, "object"), text_in(row, "text")};
                     }});
}

Outcome show_accounts(Session& session, const Parsed&) {
  return shown_list(session, {.path = "/api/v1/accounts",
                              .key = "accounts",
                              .none = "There are no accounts: `access setup` makes the first one.\n",
                              .columns = {{.title = "ACCOUNT"},
                                          {.title = "ROLE"},
                                          {.title = "FARMS", .wrap = Wrap::first},
                                          {.title = "PASSWORD SET"},
                                          {.title = "CREATED"}},
                              .cells = [](const json& row) {
                                return std::vector{text_in(row, "name"), text_in(row, "role"),
                                                   joined(part_in(row, "scope"), "-"), text_in(row, "password_set"),
                                                   text_in(row, "created")};
                              }});
}

Outcome show_tokens(Session& session, const Parsed&) {
  return shown_list(session, {.path = "/api/v1/tokens",
                              .key = "tokens",
                              .none = "There are no tokens.\n",
                              .columns = {{.title = "TOKEN"},
                                          {.title = "ACCOUNT", .wrap = Wrap::when_needed},
                                          {.title = "ROLE"},
                                          {.title = "FARMS", .wrap = Wrap::first},
                                          {.title = "EXPIRES"},
                                          {.title = ""}},
                              .cells = [](const json& row) {
                                return std::vector{
                                    text_in(row, "name"),    text_in(row, "account"),
                                    text_in(row, "role"),    joined(part_in(row, "scope"), "-"),
                                    text_in(row, "expires"), std::string{flag_in(row, "expired") ? "expired" : ""}};
                              }});
}

Outcome show_sessions(Session& session, const Parsed&) {
  return shown_list(session, {.path = "/api/v1/sessions",
                              .key = "sessions",
                              .none = "Nobody is logged in.\n",
                              .columns = {{.title = "SESSION"},
                                          {.title = "ACCOUNT", .wrap = Wrap::when_needed},
                                          {.title = "FROM", .wrap = Wrap::when_needed},
                                          {.title = "AGE", .align = Align::right},
                                          {.title = "IDLE", .align = Align::right}},
                              .cells = [](const json& row) {
                                return std::vector{text_in(row, "id"), text_in(row, "account"), text_in(row, "source"),
                                                   short_span_text(signed_in(row, "age_s")),
                                                   short_span_text(signed_in(row, "idle_s"))};
                              }});
}

Outcome show_audit(Session& session, const Parsed& parsed) {
  std::string query;
  for (const char* key : {"before", "limit"}) {
    if (parsed.has(key)) query += fmt::format("{}{}={}", query.empty() ? "?" : "&", key, parsed.get(key));
  }
  return shown_list(session,
                    {.path = "/api/v1/audit",
                     .key = "records",
                     .none = "There is nothing in it.\n",
                     .columns = {{.title = "RECORD", .align = Align::right},
                                 {.title = "TIME"},
                                 {.title = "WHO", .wrap = Wrap::when_needed},
                                 {.title = "FROM", .wrap = Wrap::when_needed},
                                 {.title = "WHAT", .wrap = Wrap::when_needed},
                                 {.title = "RESULT", .wrap = Wrap::first},
                                 {.title = "NOTE", .wrap = Wrap::below}},
                     .cells =
                         [](const json& row) {
                           const std::string object = text_in(row, "object", "");
                           return std::vector{text_in(row, "sequence"),
                                              text_in(row, "time"),
                                              text_in(row, "who"),
                                              text_in(row, "source"),
                                              text_in(row, "action") + (object.empty() ? "" : " " + object),
                                              text_in(row, "result"),
                                              text_in(row, "note", "")};
                         }},
                    query);
}

}  // namespace fulcrum::cli
