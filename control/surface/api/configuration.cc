#include "control/surface/api/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "control/access/secrets.h"
#include "control/document/schema.h"
#include "control/store/revision_json.h"
#include "control/surface/api/schema.h"

namespace fulcrum::api {
namespace {

using document::Change;
using document::Document;
using nlohmann::json;
using CallPtr = std::shared_ptr<Call>;

constexpr std::size_t kNameLength = 16;

// The farm that a path is in; empty: in none.
std::string farm_of(const document::Path& path) {
  return path.size() > 1 && path[0].word == "farms" ? path[1].word : std::string{};
}

settings::Permission permission_at(const Document& document, const document::Path& path) {
  const auto place = document.find(path, true);
  return place ? place->permission : settings::Permission::administer;
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

std::string words_of(const std::vector<Change>& changes) {
  if (changes.empty()) return {};
  const std::string more = changes.size() > 1 ? fmt::format(" and {} more", changes.size() - 1) : std::string{};
  return changes.front().words() + more;
}

Json to_json(const std::vector<Change>& changes) {
  Json list = Json::array();
  for (const Change& change : changes) {
    Json one = change.json();
    one["words"] = change.words();
    list.push_back(std::move(one));
  }
  return list;
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
  if (!owns(call.who, **before)) return refuse(not_the_owner(**before));
  const Document old = (*before)->document;
  if (auto late = changed_meanwhile(call, old, wish.path)) return refuse(std::move(*late));
  const auto edited = wish.edit(old);
  if (!edited) return refuse(problem(edited.error()));
  const auto changes = document::compare(old, *edited);
  if (auto wrong = objection_to(call, *edited, changes, prepared.is_own)) return refuse(std::move(*wrong));
  if (changes.empty() && prepared.is_own) {
    return refuse(ok({{"revision", store::to_json(configuration.history().newest())},
                      {"changes", Json::array()},
                      {"hidden", Json::array()},
                      {"acknowledged", true},
                      {"took_ms", 0},
                      {"waiting_for", ""}}));
  }
  const auto kept = configuration.edit(
      prepared.candidate, now, [&](const Document&) { return *edited; }, call.who.words());
  if (!kept) return refuse(problem(kept.error()));
  prepared.note = words_of(changes);
  if (!prepared.is_own) prepared.answer = ok({{"candidate", prepared.candidate}, {"changes", to_json(changes)}});
}

// Which change the identity may not make, and why.
std::optional<Fault> forbidden(const access::Identity& who, const Document& document,
                               const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    const settings::Permission permission = permission_at(document, change.path);
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

// What could cut off who changes it: the box's network and who gets in, as for `check` (store/configuration.cc).
std::vector<Fault> dangers_in(const Document& document, const std::vector<Change>& changes) {
  std::vector<Fault> dangers;
  for (const Change& change : changes) {
    if (permission_at(document, change.path) != settings::Permission::administer) continue;
    dangers.push_back({document::text_of(change.path), "a mistake here could cut you off"});
  }
  return dangers;
}

}  // namespace

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

std::string objection_now(const access::Access& access, const std::string& who, const Document& document,
                          const std::vector<Change>& changes) {
  const auto identity = access.by_words(who);
  if (!identity) return identity.error().text;
  const auto fault = forbidden(*identity, document, changes);
  return fault ? fault->path + ": " + fault->text : std::string{};
}

std::optional<Answer> objection_to(const Call& call, const Document& document, const std::vector<Change>& changes,
                                   bool to_commit) {
  if (const auto fault = forbidden(call.who, document, changes)) {
    return problem(403, fault->path + ": " + fault->text, {*fault});
  }
  if (!to_commit || call.who.face == access::Face::console || call.flag("dry_run") || call.flag("now") ||
      call.number("confirm_within_s", 0) != 0) {
    return std::nullopt;
  }
  const auto dangers = dangers_in(document, changes);
  if (dangers.empty()) return std::nullopt;
  const std::int64_t advised = std::chrono::seconds{store::kConfirmDefault}.count();
  Answer answer =
      problem(409,
              fmt::format("nothing was changed, because a mistake here could cut you off: add "
                          "confirm_within_s={} to the query and confirm in time (POST /api/v1/confirmation), "
                          "else it goes back by itself; or add now=true",
                          advised),
              dangers);
  answer.body["confirm_advised_s"] = advised;
  return answer;
}

Answer problem(const document::Refusal& refusal) {
  std::vector<Fault> faults;
  for (const settings::Problem& one : refusal.problems) faults.push_back({one.path, one.text});
  constexpr std::array<unsigned, 5> kStatus{422, 422, 404, 409, 500};  // in the order of Error::Code
  return problem(kStatus[static_cast<std::size_t>(refusal.code)], refusal.words(), faults);
}

bool owns(const access::Identity& who, const store::Candidate& candidate) {
  return candidate.who == who.name || candidate.who.starts_with(who.name + " (token ") ||
         allows(who, access::Permission::administer);
}

Answer not_the_owner(const store::Candidate& candidate) {
  return problem(403, fmt::format("the candidate \"{}\" is {}'s: open one of your own, or ask its owner or an "
                                  "administrator",
                                  candidate.name, candidate.who));
}

std::string etag_of(const Document& document, const document::Path& path) {
  const auto place = document.find(path);
  if (!place || (place->is_element && place->node == nullptr)) return {};
  return fmt::format("\"{:016x}\"", document::is_empty_group(place->node.get()) ? 0 : place->node->hash);
}

bool names(const std::string& header, const std::string& etag) {
  if (etag.empty()) return false;
  if (header == "*") return true;
  std::string_view rest = header;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == etag) return true;
  }
  return false;
}

std::optional<Answer> changed_meanwhile(const Call& call, const Document& document, const document::Path& path) {
  const std::string etag = etag_of(document, path);
  const std::string& wanted = call.request.header("if-match");
  const std::string& unwanted = call.request.header("if-none-match");
  if ((wanted.empty() || names(wanted, etag)) && !names(unwanted, etag)) return std::nullopt;
  Answer answer =
      problem(412, etag.empty() ? "it is not there: read again what is, and decide anew"
                                : "it has changed since, or is there already: read it again, and decide anew");
  if (!etag.empty()) answer.headers.emplace_back("ETag", etag);
  return answer;
}

std::vector<Query> commit_queries() {
  return {{"dry_run", {{"type", "boolean"}}, "only say what would come of it"},
          {"confirm_within_s", number_schema(store::kConfirmMin.count(), store::kConfirmMax.count()),
           "goes back by itself unless confirmed (POST /api/v1/confirmation) within so many seconds"},
          {"now", {{"type", "boolean"}}, "for good, although a mistake could cut you off (network, access)"},
          {"why", text_schema(0, 500), "for the history"}};
}

std::vector<Header> match_headers() {
  return {{"If-Match", "ETags of what was read: refused (412) when it has changed since"},
          {"If-None-Match", "with *: refused (412) when it is there already"}};
}

void ask_desk(Api& api, const CallPtr& call, json request, unsigned good_status) {
  const auto done = [call, good_status](const json& said) { call->answer(answer_of(said, good_status)); };
  if (call->request.method == https::Method::get) return api.ask_in_turn(call, std::move(request), done);
  api.plane().ask(std::move(request), done);
}

void ask_commit(Api& api, const CallPtr& call, json request, const Good& good) {
  request["who"] = call->who.words();
  request["face"] = call->who.face == access::Face::console ? "cli" : "api";
  if (const std::string why = call->text("why"); !why.empty()) request["why"] = why;
  if (const auto within = call->number("confirm_within_s", 0); within != 0) request["confirm_s"] = within;
  const std::string candidate = request.value("candidate", "");
  const bool is_own = !candidate.empty() && call->parameters.count("candidate") == 0;
  api.plane().ask(std::move(request), [&api, call, candidate, is_own, good](const json& said) {
    Answer answer = answer_of(said, good.status);
    if (answer.status < 400) {
      // This thread has heard of the new revision before this answer (ApiServer::set_current).
      const std::string etag = etag_of(api.current().document, good.made);
      if (!etag.empty()) answer.headers.emplace_back("ETag", etag);
      if (!good.location.empty()) answer.headers.emplace_back("Location", good.location);
      const std::uint64_t revision = said["revision"].value("revision", std::uint64_t{0});
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
                      return ask_commit(api, call, std::move(request),
                                        {.status = shared->good_status,
                                         .location = shared->location,
                                         .made = shared->made.value_or(shared->path)});
                    }
                    request["config"] = "check";
                    api.plane().ask(std::move(request), [&api, call, prepared](const json& said) {
                      discard(api, prepared->candidate, [call, said] { call->answer(answer_of(said, 200)); });
                    });
                  });
}

}  // namespace fulcrum::api
