// Candidates (work on the next revision, everybody's own: others may look at one and commit it, not edit it) and the
// revisions themselves. The desk of the local socket does the work and describes its answers
// (surface/local/configuration_desk.h); here is who may.
#include <fmt/format.h>

#include <charconv>

#include "control/surface/api/configuration.h"
#include "control/surface/api/listing.h"
#include "control/surface/api/schema.h"

namespace fulcrum::api {
namespace {

using access::Permission;
using https::Method;
using nlohmann::json;
using CallPtr = std::shared_ptr<Call>;

std::optional<std::uint64_t> revision_in(const CallPtr& call) {
  const std::string text = call->parameter("revision");
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number != 0) return number;
  call->answer(problem(404, "a revision is a number from 1"));
  return std::nullopt;
}

// Runs `next` when the caller may commit all the changes that `find` tells of, on the control loop. If-Match is about
// the whole configuration.
using Changes = std::vector<document::Change>;
using Find = std::function<document::Answer<Changes>(store::Configuration&)>;
void if_allowed(Api& api, const CallPtr& call, Find find, std::function<void()> next) {
  const auto objection = std::make_shared<std::optional<Answer>>();
  api.plane().job(
      [call, find = std::move(find), objection](store::Configuration& configuration) {
        const auto changes = find(configuration);
        if (!changes) {
          *objection = problem(changes.error());
          return;
        }
        *objection = changed_meanwhile(*call, configuration.current(), {});
        if (!*objection) *objection = objection_to(*call, configuration.current(), *changes, true);
      },
      [call, objection, next = std::move(next)] {
        if (*objection) return call->answer(**objection);
        next();
      });
}

// A verb of the desk that changes a candidate, for those whose it is.
void ask_as_owner(Api& api, const CallPtr& call, json request) {
  const auto objection = std::make_shared<std::optional<Answer>>();
  const std::string name = call->parameter("candidate");
  api.plane().job(
      [call, name, objection](store::Configuration& configuration) {
        const auto found = configuration.find(name);
        if (found && !owns(call->who, **found)) *objection = not_the_owner(**found);
      },
      [&api, call, name, request = std::move(request), objection]() mutable {
        if (*objection) return call->answer(**objection);
        request["candidate"] = name;
        ask_desk(api, call, std::move(request));
      });
}

void open_candidate(Api& api, const CallPtr& call) {
  const auto name = call->body["candidate"].get<std::string>();
  call->object = "candidate " + name;
  ask_desk(api, call, {{"config", "open"}, {"candidate", name}, {"who", call->who.words()}}, 201);
}

Find changes_of(std::string name) {
  return [name = std::move(name)](store::Configuration& configuration) -> document::Answer<Changes> {
    return configuration.find(name).map(
        [](const store::Candidate* one) { return document::compare(one->base_document, one->document); });
  };
}

// Who schedules a commit must be somebody who may make it, now and again when it is due (Control::judge_due).
void schedule_candidate(Api& api, const CallPtr& call) {
  const std::string name = call->parameter("candidate");
  if_allowed(api, call, changes_of(name), [&api, call, name] {
    json request{{"config", "schedule"},     {"candidate", name},
                 {"who", call->who.words()}, {"face", call->who.face == access::Face::console ? "cli" : "api"},
                 {"at", call->text("at")},   {"why", call->text("why")}};
    if (const auto within = call->number("confirm_within_s", 0); within != 0) request["confirm_s"] = within;
    ask_desk(api, call, std::move(request));
  });
}

void commit_candidate(Api& api, const CallPtr& call) {
  const std::string name = call->parameter("candidate");
  if_allowed(api, call, changes_of(name), [&api, call, name] {
    json request{{"config", "commit"}, {"candidate", name}};
    if (call->flag("rebase")) request["rebase"] = true;
    ask_commit(api, call, std::move(request));
  });
}

void rebase_candidate(Api& api, const CallPtr& call) {
  json request{{"config", "rebase"}};
  if (const std::string wins = call->text("wins"); !wins.empty()) request["wins"] = wins;
  ask_as_owner(api, call, std::move(request));
}

void list_revisions(Api& api, const CallPtr& call) {
  json request{{"config", "history"}, {"limit", call->number("limit", 50)}};
  if (const auto before = call->number("before", 0); before != 0) request["before"] = before;
  ask_desk(api, call, std::move(request));
}

void show_revision(Api& api, const CallPtr& call) {
  if (const auto number = revision_in(call)) ask_desk(api, call, {{"config", "show"}, {"revision", *number}});
}

void compare_revisions(Api& api, const CallPtr& call) {
  const auto from = revision_in(call);
  if (!from) return;
  json request{{"config", "compare"}, {"from", *from}};
  if (const auto to = call->number("to", 0); to != 0) request["to"] = to;
  ask_desk(api, call, std::move(request));
}

// Back to a revision as a whole, which may touch anything.
void roll_back(Api& api, const CallPtr& call) {
  const auto number = revision_in(call);
  if (!number) return;
  const auto find = [number = *number](store::Configuration& configuration) {
    return configuration.history().document(number).map(
        [&](const document::Document& then) { return document::compare(configuration.current(), then); });
  };
  if_allowed(api, call, find, [&api, call, number = *number] {
    ask_commit(api, call, {{"config", "rollback"}, {"revision", number}});
  });
}

void revert(Api& api, const CallPtr& call) {
  const auto number = revision_in(call);
  if (!number) return;
  const std::uint64_t which = call->number("change", 0);  // 0: all of them
  const auto find = [number = *number, which](store::Configuration& configuration) -> document::Answer<Changes> {
    auto changes = configuration.history().changes(number);
    if (!changes || which == 0 || which > changes->size()) return changes;  // the desk refuses one that is not there
    return Changes{(*changes)[which - 1]};
  };
  if_allowed(api, call, find, [&api, call, number = *number, which] {
    json request{{"config", "revert"}, {"revision", number}};
    if (which != 0) request["change"] = which;
    ask_commit(api, call, std::move(request));
  });
}

// Who waits for a confirmation may give it: the one who committed, or whoever may change everything.
void confirm(Api& api, const CallPtr& call) {
  const auto objection = std::make_shared<std::optional<Answer>>();
  api.plane().job(
      [call, objection](store::Configuration& configuration) {
        const bool is_own = configuration.history().newest().author.who == call->who.words();
        if (is_own || allows(call->who, Permission::administer)) return;
        *objection = problem(403, "only who committed it, or an administrator, may confirm it");
      },
      [&api, call, objection] {
        if (*objection) return call->answer(**objection);
        ask_desk(api, call, {{"config", "confirm"}, {"who", call->who.words()}});
      });
}

Json changes_schema() { return record_schema({{"changes", Json{{"type", "array"}, {"items", reference("Change")}}}}); }

void add_candidate_routes(Api& api) {
  const auto add = [&api](Route route, auto run) {
    route.permission = route.method == Method::get ? Permission::look : Permission::operate;
    route.tag = "candidates";
    route.run = [&api, run](const CallPtr& call) { run(api, call); };
    api.router().add(std::move(route));
  };
  const auto desk = [](const char* verb) {
    return [verb](Api& to, const CallPtr& call) {
      json request{{"config", verb}};
      if (call->parameters.count("candidate") != 0) request["candidate"] = call->parameter("candidate");
      ask_desk(to, call, std::move(request));
    };
  };
  const std::string one = "/api/v1/candidates/{candidate}";
  add({.pattern = "/api/v1/candidates",
       .id = "list-candidates",
       .summary = "Everybody's candidates.",
       .query = listing_queries(),
       .answer = listing_schema("candidates", reference("Candidate"))},
      [](Api& to, const CallPtr& call) {
        to.ask_in_turn(call, {{"config", "candidates"}},
                       [call](const json& said) { call->answer(page_of(*call, said, "candidates")); });
      });
  add({.method = Method::post,
       .pattern = "/api/v1/candidates",
       .id = "open-candidate",
       .summary = "Open a candidate: a copy of the current revision to work on.",
       .body = object_schema({{"candidate", text_schema(1, 63)}}),
       .answer = reference("Candidate"),
       .good = 201},
      open_candidate);
  add({.pattern = one, .id = "diff-candidate", .summary = "What the candidate changes.", .answer = changes_schema()},
      desk("diff"));
  add({.method = Method::remove,
       .pattern = one,
       .id = "discard-candidate",
       .summary = "Throw the candidate away.",
       .answer = {{"type", "object"}}},
      [](Api& to, const CallPtr& call) {
        ask_as_owner(to, call, {{"config", "discard"}});
      });
  add({.pattern = one + "/check",
       .id = "check-candidate",
       .summary = "All problems, conflicts with what others committed meanwhile, and what a commit would do.",
       .answer = reference("Check")},
      desk("check"));
  add({.method = Method::post,
       .pattern = one + "/rebase",
       .id = "rebase-candidate",
       .summary = "Carry the candidate's changes over to the current revision.",
       .query = {{"wins",
                  {{"type", "string"}, {"enum", {"mine", "theirs"}}},
                  "of changes that conflict: the candidate's, or what others committed; refused (409) if not said"}},
       .answer = reference("Candidate")},
      rebase_candidate);
}

void add_commit_routes(Api& api) {
  const auto add = [&api](Route route, auto run) {
    route.method = Method::post;
    route.permission = Permission::operate;
    route.tag = "candidates";
    route.run = [&api, run](const CallPtr& call) { run(api, call); };
    api.router().add(std::move(route));
  };
  const std::string one = "/api/v1/candidates/{candidate}";
  std::vector<Query> queries = commit_queries();
  queries.erase(queries.begin());  // dry_run: that is `check`
  std::vector<Query> schedule_queries = queries;
  schedule_queries.push_back(
      {"at", text_schema(5, 24), "03:00, when it is so next, or 2026-07-24T03:00Z; UTC, within 48 hours", true});
  queries.push_back({"rebase", {{"type", "boolean"}}, "carry the changes over first"});
  add({.pattern = one + "/commit",
       .id = "commit-candidate",
       .summary = "Commit the candidate. It is gone afterwards.",
       .query = queries,
       .headers = match_headers(),
       .answer = reference("Committed")},
      commit_candidate);
  add({.pattern = one + "/schedule",
       .id = "schedule-candidate",
       .summary = "Commit the candidate at a time. It is checked now and again then; discard it to cancel that.",
       .query = schedule_queries,
       .headers = match_headers(),
       .answer = reference("Candidate")},
      schedule_candidate);
}

}  // namespace

void add_revision_routes(Api& api) {
  add_candidate_routes(api);
  add_commit_routes(api);
  const auto add = [&api](Route route, Permission permission, auto run) {
    route.permission = permission;
    route.tag = "revisions";
    route.run = [&api, run](const CallPtr& call) { run(api, call); };
    api.router().add(std::move(route));
  };
  std::vector<Query> queries = commit_queries();
  queries.erase(queries.begin());
  std::vector<Query> revert_queries = queries;
  revert_queries.push_back(
      {"change", number_schema(1, INT64_MAX), "only this one of the revision's `steps`, the first is 1"});
  const std::string one = "/api/v1/revisions/{revision}";
  add({.pattern = "/api/v1/revisions",
       .id = "list-revisions",
       .summary = "Who changed what, when, from where and why; the newest first.",
       .query = {{"before", number_schema(1, INT64_MAX), "only older ones"},
                 {"limit", number_schema(1, 1000), "at most so many; 50 if not said"}},
       .answer = record_schema({{"revisions", Json{{"type", "array"}, {"items", reference("Revision")}}},
                                {"current", number_schema(0, INT64_MAX)},
                                {"confirm_until", {{"type", "string"}, {"nullable", true}}}})},
      Permission::look, list_revisions);
  add({.pattern = one,
       .id = "show-revision",
       .summary = "One revision and its changes.",
       .answer = reference("Revision")},
      Permission::look, show_revision);
  add({.pattern = one + "/comparison",
       .id = "compare-revisions",
       .summary = "What differs from this revision to another, or to the current one.",
       .query = {{"to", number_schema(1, INT64_MAX), "the other revision"}},
       .answer = changes_schema()},
      Permission::look, compare_revisions);
  add({.method = Method::post,
       .pattern = one + "/rollback",
       .id = "rollback",
       .summary = "The whole configuration of this revision again, as a new one.",
       .query = queries,
       .headers = match_headers(),
       .answer = reference("Committed")},
      Permission::administer, roll_back);
  add({.method = Method::post,
       .pattern = one + "/revert",
       .id = "revert",
       .summary = "Undo what this one revision changed, or one of its changes; keep what came after.",
       .query = revert_queries,
       .headers = match_headers(),
       .answer = reference("Committed")},
      Permission::operate, revert);
  add({.method = Method::post,
       .pattern = "/api/v1/confirmation",
       .id = "confirm",
       .summary = "Keep what was committed for a time only.",
       .answer = record_schema({{"revision", reference("Revision")}})},
      Permission::operate, confirm);
}

}  // namespace fulcrum::api
