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

// Which change the identity may not make, and why; nothing: it may make all. The documents are those before and after.
std::optional<Fault> forbidden(const access::Identity& who, const document::Document& before,
                               const document::Document& after, const std::vector<document::Change>& changes);
Answer problem(const document::Refusal& refusal);

std::string etag_of(std::uint64_t revision);
// The query parameters that every commit takes: dry_run, confirm_within_s, why.
std::vector<Query> commit_queries();
Header if_match_header();

// Makes an edit: in the candidate that the query names, or in one of its own which is committed at once (with dry_run
// only checked). Answers {"revision", "changes", ...} with the new ETag, or what is wrong.
struct Wish {
  store::Configuration::Edit edit;
  unsigned good_status = 200;
  std::string location{};
};
void change(Api& api, const std::shared_ptr<Call>& call, Wish wish);

// Asks the desk, and answers what it says.
void ask_desk(Api& api, const std::shared_ptr<Call>& call, nlohmann::json request, unsigned good_status = 200);
// Asks the desk for a commit, a rollback or a revert by this caller, with the query's options.
void ask_commit(Api& api, const std::shared_ptr<Call>& call, nlohmann::json request, unsigned good_status = 200,
                const std::string& location = {});

}  // namespace fulcrum::api
