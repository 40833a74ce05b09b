// What the commands do. One function each, named after its words; see Session for what they make.
#pragma once

#include "control/surface/cli/session.h"

namespace fulcrum::cli {

// operate.cc
Outcome show_table(Session& session, const Parsed& parsed);  // farms, servers, drops, events, version
Outcome show_interfaces(Session& session, const Parsed& parsed);
Outcome show_health(Session& session, const Parsed& parsed);
Outcome show_rates(Session& session, const Parsed& parsed);
Outcome explain(Session& session, const Parsed& parsed);
Outcome show_entries(Session& session, const Parsed& parsed);  // connections, persistence; page by page with `all`
Outcome clear_entries(Session& session, const Parsed& parsed);
Outcome show_help(Session& session, const Parsed& parsed);
Outcome leave(Session& session, const Parsed& parsed);

// revisions.cc
Outcome show_history(Session& session, const Parsed& parsed);
Outcome show_revision(Session& session, const Parsed& parsed);
Outcome show_candidates(Session& session, const Parsed& parsed);
Outcome show_configuration(Session& session, const Parsed& parsed);
Outcome show_commands(Session& session, const Parsed& parsed);
Outcome compare(Session& session, const Parsed& parsed);
Outcome confirm(Session& session, const Parsed& parsed);

// configure.cc
Outcome configure(Session& session, const Parsed& parsed);
Outcome set(Session& session, const Parsed& parsed);
Outcome remove(Session& session, const Parsed& parsed);
Outcome rename(Session& session, const Parsed& parsed);
Outcome annotate(Session& session, const Parsed& parsed);
Outcome edit(Session& session, const Parsed& parsed);
Outcome up(Session& session, const Parsed& parsed);
Outcome top(Session& session, const Parsed& parsed);
Outcome load(Session& session, const Parsed& parsed);
Outcome save(Session& session, const Parsed& parsed);
Outcome discard(Session& session, const Parsed& parsed);
Outcome leave_configuration(Session& session, const Parsed& parsed);

// commit.cc
Outcome check(Session& session, const Parsed& parsed);
Outcome commit(Session& session, const Parsed& parsed);
Outcome rebase(Session& session, const Parsed& parsed);
Outcome rollback(Session& session, const Parsed& parsed);
Outcome revert(Session& session, const Parsed& parsed);

// verbs.cc
Outcome operate_server(Session& session, const Parsed& parsed);  // drain, enable, maintenance, weight

// trial.cc
Outcome test_servers(Session& session, const Parsed& parsed);

// setup.cc
Outcome setup(Session& session, const Parsed& parsed);

// access_lists.cc
Outcome show_alarms(Session& session, const Parsed& parsed);
Outcome show_accounts(Session& session, const Parsed& parsed);
Outcome show_tokens(Session& session, const Parsed& parsed);
Outcome show_sessions(Session& session, const Parsed& parsed);
Outcome show_audit(Session& session, const Parsed& parsed);

// access.cc
Outcome put_account(Session& session, const Parsed& parsed);
Outcome change_password(Session& session, const Parsed& parsed);
Outcome remove_account(Session& session, const Parsed& parsed);
Outcome make_token(Session& session, const Parsed& parsed);
Outcome revoke_token(Session& session, const Parsed& parsed);
Outcome end_session(Session& session, const Parsed& parsed);
Outcome set_up_account(Session& session, const Parsed& parsed);
Outcome unlock_account(Session& session, const Parsed& parsed);
Outcome rescue(Session& session, const Parsed& parsed);
Outcome verify_audit(Session& session, const Parsed& parsed);
Outcome call_api(Session& session, const Parsed& parsed);

// "90s", "30m", "2h", "1d". Nothing: none of these.
std::optional<std::int64_t> seconds_of(const std::string& word);

// Of a person twice; a script's is its next line.
tl::expected<std::string, Trouble> read_new_password(Session& session);

// Shared: the words of changes, one a line, and an answer whose text is one sentence.
std::string change_lines(const nlohmann::json& changes);
Reply said(std::string text, nlohmann::ordered_json data = nlohmann::ordered_json::object());
// A question that fails becomes the outcome.
tl::unexpected<Trouble> refused(Trouble trouble);
tl::unexpected<Trouble> refused(Status status, std::string text);

}  // namespace fulcrum::cli
