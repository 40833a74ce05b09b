// What the operations on the configuration have in common: who may make which change, the way of a change, and how
// refusals look.
//
// The current revision is an immutable document, so reading it costs the control loop nothing: the API's thread has a
// copy. A change goes to the loop as a job on a candidate, is judged there, and is then committed by the same desk that
// serves the local socket (surface/local/configuration_desk.h), which answers when every worker has acknowledged.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/access/role.h"
#include "control/store/configuration.h"
#include "control/surface/api/answer.h"
#include "control/surface/api/api.h"
#include "control/surface/api/router.h"

namespace fulcrum::api {

access::Permission permission_of(settings::Permission permission);

// Why the caller may not make these changes of `document`: a change takes another permission (403); or, when they are
// `to_commit` at once, a mistake in one could cut off who makes it, and the caller has neither asked for the way back
// (confirm_within_s) nor said that this is known (now). The console cannot be cut off.
std::optional<Answer> objection_to(const Call& call, const document::Document& document,
                                   const std::vector<document::Change>& changes, bool to_commit);
// Why whoever is on record with these words may not make these changes of `document` now; empty: they may.
std::string objection_now(const access::Access& access, const std::string& who, const document::Document& document,
                          const std::vector<document::Change>& changes);
Answer problem(const document::Refusal& refusal);
// Whether the identity may edit, rebase or discard the candidate: its owner may, with or without a token, and whoever
// may change everything. Anybody may commit one whose changes they may make.
bool owns(const access::Identity& who, const store::Candidate& candidate);
Answer not_the_owner(const store::Candidate& candidate);

// RFC 9110 8.8.3: one for each resource, and another when something in it is set otherwise. Empty: it is not there.
std::string etag_of(const document::Document& document, const document::Path& path);
// Whether a header with entity tags, "*" or a list of them, names this one. Weak ones name none.
bool names(const std::string& header, const std::string& etag);
// Why the preconditions of a change do not hold (If-Match, If-None-Match) for what is at `path`.
std::optional<Answer> changed_meanwhile(const Call& call, const document::Document& document,
                                        const document::Path& path);
// The query parameters that every commit takes: dry_run, confirm_within_s, now, why.
std::vector<Query> commit_queries();
std::vector<Header> match_headers();

// Makes an edit: in the candidate that the query names, or in one of its own which is committed at once (with dry_run
// only checked). Answers {"revision", "changes", ...} with the new ETag, or what is wrong.
struct Wish {
  store::Configuration::Edit edit;
  document::Path path;                   // what the request is about
  std::optional<document::Path> made{};  // and what it makes, if that is something else
  unsigned good_status = 200;
  std::string location{};
};
void change(Api& api, const std::shared_ptr<Call>& call, Wish wish);

// Asks the desk, and answers what it says.
void ask_desk(Api& api, const std::shared_ptr<Call>& call, nlohmann::json request, unsigned good_status = 200);
// Asks the desk for a commit, a rollback or a revert by this caller, with the query's options. The answer has the ETag
// of what is at `made`.
struct Good {
  unsigned status = 200;
  std::string location{};
  document::Path made{};
};
void ask_commit(Api& api, const std::shared_ptr<Call>& call, nlohmann::json request, const Good& good = {});

}  // namespace fulcrum::api
