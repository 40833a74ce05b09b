#include "control/surface/api/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "control/access/secrets.h"
#include "control/document/schema.h"
#include "control/surface/api/schema.h"

namespace fulcrum::api {
namespace {

using document::Change;
using document::Document;
using nlohmann::json;
using CallPtr = std::shared_ptr<Call>;

constexpr std::size_t kNameLength = 16;

access::Permission permission_of(settings::Permission permission) {
  switch (permission) {
    case settings::Permission::operate:
      return access::Permission::operate;
    case settings::Permission::farms:
      return access::Permission::farms;
    default:
      return access::Permission::administer;
  }
}

// The farm that a path is in; empty: in none.
std::string farm_of(const document::Path& path) {
  return path.size() > 1 && path[0].word == "farms" ? path[1].word : std::string{};
}

settings::Permission permission_at(const Document& before, const Document& after, const document::Path& path) {
  if (const auto place = after.find(path)) return place->permission;
  if (const auto place = before.find(path)) return place->permission;
  return settings::Permission::administer;
}

unsigned status_of(const std::string& code) {
  if (code == "not_found") return 404;
  if (code == "conflict") return 409;
  return code == "io" ? 500 : 422;
}

// What the desk says, as an answer.
Answer answer_of(const json& said, unsigned good_status) {
  const auto error = said.find("error");
  if (error == said.end()) {
    Answer answer = ok(Json(said));
    answer.status = good_status;
    return answer;
  }
  std::vector<Fault> faults;
  for (const json& one : error->value("problems", json::array())) {
    faults.push_back({one.value("path", ""), one.value("text", "")});
  }
  return problem(status_of(error->value("code", "")), error->value("text", "refused"), faults);
}

// Whether the header If-Match names this revision, or is not there.
bool matches(const Call& call, std::uint64_t revision) {
  const std::string& wanted = call.request.header("if-match");
  return wanted.empty() || wanted == "*" || wanted == etag_of(revision);
}

Answer changed_meanwhile(std::uint64_t revision) {
  Answer answer =
      problem(412, fmt::format("the configuration is at revision {} now: read it again, and decide anew", revision));
  answer.headers.emplace_back("ETag", etag_of(revision));
  return answer;
}

std::string words_of(const std::vector<Change>& changes) {
  if (changes.empty()) return {};
  const std::string more = changes.size() > 1 ? fmt::format(" and {} more", changes.size() - 1) : std::string{};
  return changes.front().words() + more;
}

// What the job on the control loop finds out.
struct Prepared {
  std::optional<Answer> answer;  // nothing: go on
  std::string candidate, note;
  bool is_own = false;  // made for this request
};

void discard(Api& api, const std::string& candidate, std::function<void()> then) {
  api.plane().ask({{"config", "discard"}, {"candidate", candidate}}, [then = std::move(then)](const json&) { then(); });
}

// On the control loop.
void prepare(store::Configuration& configuration, const Call& call, const Wish& wish, Prepared& prepared) {
  const std::uint64_t revision = configuration.history().newest().number;
  if (!matches(call, revision)) {
    prepared.answer = changed_meanwhile(revision);
    return;
  }
  const auto now = std::chrono::system_clock::now();
  prepared.candidate = call.text("candidate");
  prepared.is_own = prepared.candidate.empty();
  if (prepared.is_own) {
    prepared.candidate = "api-" + access::random_secret().substr(0, kNameLength);
    if (auto opened = configuration.open(prepared.candidate, call.who.words(), now); !opened) {
      prepared.answer = problem(opened.error());
      return;
    }
  }
  const auto refuse = [&](Answer answer) {
    prepared.answer = std::move(answer);
    if (prepared.is_own) static_cast<void>(configuration.discard(prepared.candidate));
  };
  const auto before = configuration.find(prepared.candidate);
  if (!before) return refuse(problem(before.error()));
  const Document old = (*before)->document;
  const auto edited = wish.edit(old);
  if (!edited) return refuse(problem(edited.error()));
  const auto changes = document::compare(old, *edited);
  if (const auto fault = forbidden(call.who, old, *edited, changes)) {
    return refuse(problem(403, fault->path + ": " + fault->text, {*fault}));
  }
  if (changes.empty() && prepared.is_own) return refuse(ok({{"revision", revision}, {"changes", Json::array()}}));
  const auto kept = configuration.edit(prepared.candidate, now, [&](const Document&) { return *edited; });
  if (!kept) return refuse(problem(kept.error()));
  prepared.note = words_of(changes);
  if (!prepared.is_own) prepared.answer = ok({{"candidate", prepared.candidate}, {"changes", changes.size()}});
}

}  // namespace

std::optional<Fault> forbidden(const access::Identity& who, const Document& before, const Document& after,
                               const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    const settings::Permission permission = permission_at(before, after, change.path);
    std::vector<std::string> farms{farm_of(change.path)};
    // A farm that gets another name must be one's own under both.
    if (change.kind == Change::Kind::renamed && change.path.size() == 2 && !farms[0].empty()) {
      farms.push_back(change.keys_to.empty() ? std::string{} : change.keys_to.front());
    }
    const auto may = [&](const std::string& farm) { return allows_on_farm(who, permission_of(permission), farm); };
    if (std::all_of(farms.begin(), farms.end(), may)) continue;
    return Fault{document::text_of(change.path),
                 fmt::format("the role {} may not change this (it takes the permission {}{})", access::word(who.role),
                             document::word(permission), who.scope.empty() ? "" : ", within its scope")};
  }
  return std::nullopt;
}

Answer problem(const document::Refusal& refusal) {
  std::vector<Fault> faults;
  for (const settings::Problem& one : refusal.problems) faults.push_back({one.path, one.text});
  constexpr std::array<unsigned, 5> kStatus{422, 422, 404, 409, 500};  // in the order of Error::Code
  return problem(kStatus[static_cast<std::size_t>(refusal.code)], refusal.words(), faults);
}

std::string etag_of(std::uint64_t revision) { return fmt::format("\"{}\"", revision); }

std::vector<Query> commit_queries() {
  return {{"dry_run", {{"type", "boolean"}}, "only say what would come of it"},
          {"confirm_within_s", number_schema(store::kConfirmMin.count(), store::kConfirmMax.count()),
           "goes back by itself unless confirmed (POST /api/v1/confirmation) within so many seconds"},
          {"why", text_schema(0, 500), "for the history"}};
}

Header if_match_header() {
  return {"If-Match", "the ETag of what was read: refused (412) when the configuration has changed since"};
}

void ask_desk(Api& api, const CallPtr& call, json request, unsigned good_status) {
  api.plane().ask(std::move(request),
                  [call, good_status](const json& said) { call->answer(answer_of(said, good_status)); });
}

void ask_commit(Api& api, const CallPtr& call, json request, unsigned good_status, const std::string& location) {
  request["who"] = call->who.words();
  request["face"] = call->who.face == access::Face::console ? "cli" : "api";
  if (const std::string why = call->text("why"); !why.empty()) request["why"] = why;
  if (const auto within = call->number("confirm_within_s", 0); within != 0) request["confirm_s"] = within;
  const std::string candidate = request.value("candidate", "");
  const bool is_own = !candidate.empty() && call->parameters.count("candidate") == 0;
  api.plane().ask(std::move(request), [&api, call, candidate, is_own, good_status, location](const json& said) {
    Answer answer = answer_of(said, good_status);
    if (answer.status < 400) {
      const std::uint64_t revision = said["revision"].value("revision", std::uint64_t{0});
      answer.headers.emplace_back("ETag", etag_of(revision));
      if (!location.empty()) answer.headers.emplace_back("Location", location);
      call->object = fmt::format("{} (revision {})", call->request.target, revision);
      return call->answer(answer);
    }
    call->note.clear();
    if (!is_own) return call->answer(answer);
    discard(api, candidate, [call, answer] { call->answer(answer); });
  });
}

void change(Api& api, const CallPtr& call, Wish wish) {
  const auto prepared = std::make_shared<Prepared>();
  const auto shared = std::make_shared<const Wish>(std::move(wish));
  api.plane().job([call, shared, prepared](store::Configuration& to) { prepare(to, *call, *shared, *prepared); },
                  [&api, call, shared, prepared] {
                    call->note = prepared->note;
                    if (prepared->answer) return call->answer(*prepared->answer);
                    json request{{"config", "commit"}, {"candidate", prepared->candidate}};
                    if (!call->flag("dry_run")) {
                      return ask_commit(api, call, std::move(request), shared->good_status, shared->location);
                    }
                    request["config"] = "check";
                    api.plane().ask(std::move(request), [&api, call, prepared](const json& said) {
                      discard(api, prepared->candidate, [call, said] { call->answer(answer_of(said, 200)); });
                    });
                  });
}

}  // namespace fulcrum::api
