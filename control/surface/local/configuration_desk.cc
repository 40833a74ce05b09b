#include "control/surface/local/configuration_desk.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <set>

#include "control/document/config_text.h"
#include "control/document/json.h"
#include "control/document/schema.h"
#include "control/store/revision_json.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/settings_words.h"

namespace fulcrum::surface {
namespace {

using document::Answer;
using document::Change;
using document::Document;
using document::Path;
using document::Refusal;
using document::refuse;
using nlohmann::json;
using nlohmann::ordered_json;

ordered_json problems_to_json(const std::vector<settings::Problem>& problems) {
  ordered_json list = ordered_json::array();
  for (const settings::Problem& problem : problems) {
    list.push_back({{"path", problem.path}, {"text", problem.text}, {"file", problem.file}, {"line", problem.line}});
  }
  return list;
}

std::string code_word(Error::Code code) {
  constexpr std::array<const char*, 5> kWords{"invalid", "limit", "not_found", "conflict", "io"};
  return kWords[static_cast<std::size_t>(code)];
}

ordered_json to_json(const Refusal& refusal) {
  return {{"error",
           {{"code", code_word(refusal.code)},
            {"text", refusal.words()},
            {"problems", problems_to_json(refusal.problems)}}}};
}

ordered_json to_json(const std::vector<Change>& changes) {
  ordered_json list = ordered_json::array();
  for (const Change& change : changes) {
    ordered_json one = change.json();
    one["words"] = change.words();
    list.push_back(std::move(one));
  }
  return list;
}

// What a request says under a key, whose type the table of verbs has checked.
std::string text_in(const json& request, const char* key, const char* otherwise = "") {
  const auto found = request.find(key);
  return found == request.end() ? otherwise : found->get<std::string>();
}
std::uint64_t number_in(const json& request, const char* key, std::uint64_t otherwise) {
  const auto found = request.find(key);
  return found == request.end() ? otherwise : found->get<std::uint64_t>();
}
bool flag_in(const json& request, const char* key) { return request.contains(key) && request[key].get<bool>(); }
std::vector<std::string> texts_in(const json& request, const char* key) {
  return request.contains(key) ? request[key].get<std::vector<std::string>>() : std::vector<std::string>{};
}

Answer<Path> path_in(const json& request) {
  auto path = document::parse_path(text_in(request, "path"));
  if (!path) return refuse(path.error());
  return std::move(*path);
}

store::Author author_in(const json& request) {
  return {.who = text_in(request, "who"), .face = text_in(request, "face", "cli"), .why = text_in(request, "why")};
}

store::CommitOptions options_in(const json& request) {
  store::CommitOptions options{.rebase = flag_in(request, "rebase"), .confirm_within = {}};
  if (request.contains("confirm_s")) {
    // Beyond a day it is refused, whatever the number.
    options.confirm_within =
        std::chrono::seconds{std::min<std::uint64_t>(number_in(request, "confirm_s", 0), 1U << 30U)};
  }
  return options;
}

bool has_type(const std::string& key, const json& value) {
  static const std::set<std::string> numbers{"revision", "before", "limit", "from", "to", "confirm_s", "change"};
  static const std::set<std::string> flags{"defaults", "rebase"};
  if (key == "value") return true;
  if (numbers.count(key) != 0) return value.is_number_unsigned();
  if (flags.count(key) != 0) return value.is_boolean();
  if (key == "words" || key == "names") {
    return value.is_array() && std::all_of(value.begin(), value.end(), [](const json& one) { return one.is_string(); });
  }
  return value.is_string();
}

}  // namespace

struct ConfigurationDesk::Verb {
  const char* word;
  Answer<Json> (ConfigurationDesk::*run)(const Request&);  // null: a commit
  std::vector<const char*> required, optional;
};

const ConfigurationDesk::Verb* ConfigurationDesk::find(const std::string& word) {
  using Desk = ConfigurationDesk;
  static const std::vector<Verb> verbs{
      {"candidates", &Desk::candidates, {}, {}},
      {"open", &Desk::open, {"candidate", "who"}, {}},
      {"discard", &Desk::discard, {"candidate"}, {}},
      {"get", &Desk::get, {}, {"candidate", "revision", "path", "defaults"}},
      {"text", &Desk::text, {}, {"candidate", "revision"}},
      {"suggest", &Desk::suggest, {}, {"candidate", "path"}},
      {"set", &Desk::edit, {"candidate", "path"}, {"value", "words", "who"}},
      {"add", &Desk::edit, {"candidate", "path", "word"}, {"who"}},
      {"remove", &Desk::edit, {"candidate", "path", "word"}, {"who"}},
      {"delete", &Desk::edit, {"candidate", "path"}, {"who"}},
      {"rename", &Desk::edit, {"candidate", "path", "name"}, {"who"}},
      {"order", &Desk::edit, {"candidate", "path", "names"}, {"who"}},
      {"replace", &Desk::edit, {"candidate", "text"}, {"who"}},
      {"diff", &Desk::diff, {"candidate"}, {}},
      {"rebase", &Desk::rebase, {"candidate"}, {"wins"}},
      {"check", &Desk::check, {"candidate"}, {}},
      {"commit", nullptr, {"candidate", "who"}, {"face", "why", "rebase", "confirm_s"}},
      {"schedule", &Desk::schedule, {"candidate", "who", "at"}, {"face", "why", "confirm_s"}},
      {"confirm", &Desk::confirm, {}, {"who"}},
      {"history", &Desk::history, {}, {"before", "limit"}},
      {"show", &Desk::show, {"revision"}, {}},
      {"compare", &Desk::compare, {"from"}, {"to", "candidate"}},
      {"rollback", nullptr, {"revision", "who"}, {"face", "why", "confirm_s"}},
      {"revert", nullptr, {"revision", "who"}, {"change", "face", "why", "confirm_s"}},
  };
  const auto found = std::find_if(verbs.begin(), verbs.end(), [&](const Verb& verb) { return word == verb.word; });
  return found == verbs.end() ? nullptr : &*found;
}

namespace {

// What is wrong with the keys of a request; nothing: it may be run.
template <class Verb>
std::optional<std::string> wrong_keys(const Verb& verb, const json& request) {
  const auto is_known = [&](const std::string& key) {
    const auto is_key = [&](const char* known) { return key == known; };
    return key == "config" || key == "who" || std::any_of(verb.required.begin(), verb.required.end(), is_key) ||
           std::any_of(verb.optional.begin(), verb.optional.end(), is_key);
  };
  for (const auto& [key, value] : request.items()) {
    if (!is_known(key)) return "unknown key \"" + key + "\"";
    if (!has_type(key, value)) return "\"" + key + "\" is of the wrong type";
    // A whole file has lines; what a setting may hold its description says.
    if (key == "text" || key == "value" || !value.is_string()) continue;
    const auto words = value.template get<std::string>();
    if (settings::printable(words) != words) return "\"" + key + "\" holds a control character: leave it out";
  }
  for (const char* key : verb.required) {
    if (!request.contains(key)) return std::string{"\""} + key + "\" is missing";
  }
  return std::nullopt;
}

}  // namespace

void ConfigurationDesk::answer(const json& request, const Done& done) {
  const Verb* verb = request["config"].is_string() ? find(request["config"].get<std::string>()) : nullptr;
  if (verb == nullptr) return done(to_json(Refusal{.problems = {{{}, 0, "config", "is no verb that is known"}}}));
  if (const auto wrong = wrong_keys(*verb, request)) {
    return done(to_json(Refusal{.problems = {{{}, 0, "", *wrong}}}));
  }
  if (verb->run != nullptr) {
    const auto answer = (this->*verb->run)(request);
    return done(answer ? *answer : to_json(answer.error()));
  }
  const auto begin = monotonic_now();
  const auto committed = commit(request);
  if (!committed) return done(to_json(committed.error()));
  Json answer{{"revision", store::to_json(committed->revision)},
              {"changes", to_json(committed->changes)},
              {"hidden", box_.hidden(*configuration_.model(), committed->changes)}};
  box_.when_acknowledged([done, begin, answer = std::move(answer)](const std::string& waiting_for) mutable {
    answer["acknowledged"] = waiting_for.empty();
    answer["took_ms"] = std::chrono::duration<double, std::milli>(monotonic_now() - begin).count();
    answer["waiting_for"] = waiting_for;
    done(answer);
  });
}

Answer<store::Committed> ConfigurationDesk::commit(const Request& request) {
  const auto verb = request["config"].get<std::string>();
  const auto options = options_in(request);
  const store::Time now = box_.now();
  if (verb == "commit") return configuration_.commit(text_in(request, "candidate"), author_in(request), now, options);
  const std::uint64_t revision = number_in(request, "revision", 0);
  if (verb == "revert") {
    const auto change = request.contains("change") ? std::optional{number_in(request, "change", 0)} : std::nullopt;
    return configuration_.revert(revision, author_in(request), now, options, change);
  }
  return configuration_.rollback(revision, author_in(request), now, options);
}

ordered_json ConfigurationDesk::describe(const store::Candidate& candidate) const {
  const auto& schedule = candidate.schedule;
  return {{"candidate", candidate.name},
          {"who", candidate.who},
          {"base", candidate.base},
          {"current", configuration_.history().newest().number},
          {"opened", store::time_text(candidate.opened)},
          {"changed", store::time_text(candidate.changed)},
          {"editors", candidate.editors},
          {"changes", document::compare(candidate.base_document, candidate.document).size()},
          {"commit_at", schedule ? json(store::time_text(schedule->at)) : json()},
          {"commit_for", schedule ? json(schedule->author.who) : json()},
          {"commit_refused", schedule && !candidate.is_scheduled() ? json(schedule->refused) : json()}};
}

Answer<ordered_json> ConfigurationDesk::candidates(const Request&) {
  Json list = Json::array();
  for (const store::Candidate* candidate : configuration_.candidates()) list.push_back(describe(*candidate));
  return Json{{"candidates", std::move(list)}};
}

Answer<ordered_json> ConfigurationDesk::open(const Request& request) {
  return configuration_.open(text_in(request, "candidate"), text_in(request, "who"), box_.now())
      .map([&](const store::Candidate* candidate) { return describe(*candidate); });
}

Answer<ordered_json> ConfigurationDesk::discard(const Request& request) {
  return configuration_.discard(text_in(request, "candidate")).map([] { return Json::object(); });
}

// That of the candidate or the revision the request names, else the current one.
Answer<Document> ConfigurationDesk::document_for(const Request& request) const {
  if (request.contains("candidate")) {
    return configuration_.find(text_in(request, "candidate")).map([](const store::Candidate* one) {
      return one->document;
    });
  }
  if (request.contains("revision")) return configuration_.history().document(number_in(request, "revision", 0));
  return configuration_.current();
}

Answer<ordered_json> ConfigurationDesk::get(const Request& request) {
  const auto document = document_for(request);
  if (!document) return tl::unexpected<Refusal>{document.error()};
  const auto path = path_in(request);
  if (!path) return tl::unexpected<Refusal>{path.error()};
  const auto place = document->find(*path);
  if (!place) return tl::unexpected<Refusal>{place.error()};
  return Json{{"path", document::text_of(place->path)},
              {"value", document::to_json(*document, *place, {.defaults = flag_in(request, "defaults")})},
              {"set", place->node != nullptr},
              {"permission", document::word(place->permission)},
              {"revision", configuration_.history().newest().number}};
}

Answer<ordered_json> ConfigurationDesk::text(const Request& request) {
  return document_for(request).map([](const Document& document) { return Json{{"text", config_text(document)}}; });
}

Answer<ordered_json> ConfigurationDesk::suggest(const Request& request) {
  const auto document = document_for(request);
  if (!document) return tl::unexpected<Refusal>{document.error()};
  auto path = path_in(request);
  if (!path) return tl::unexpected<Refusal>{path.error()};
  const auto suggestions = document->suggest(*path);
  if (!suggestions) return tl::unexpected<Refusal>{suggestions.error()};
  Json list = Json::array();
  for (const document::Suggestion& one : *suggestions) {
    path->push_back(one.step);
    list.push_back(
        {{"word", one.step.word}, {"path", document::text_of(*path)}, {"help", one.help}, {"element", one.is_element}});
    path->pop_back();
  }
  return Json{{"suggestions", std::move(list)}};
}

Answer<ordered_json> ConfigurationDesk::edit(const Request& request) {
  const auto path = path_in(request);
  if (!path) return tl::unexpected<Refusal>{path.error()};
  const auto verb = request["config"].get<std::string>();
  if (verb == "set" && request.contains("value") == request.contains("words")) {
    return refuse(Error::Code::invalid, "", "set takes either \"value\" or \"words\"");
  }
  const auto change = [&](const Document& document) -> Answer<Document> {
    if (verb == "replace") return document::document_from_text(document.shape(), text_in(request, "text"), "text");
    if (verb == "add") return document.add_word(*path, text_in(request, "word"));
    if (verb == "remove") return document.remove_word(*path, text_in(request, "word"));
    if (verb == "delete") return document.erase(*path);
    if (verb == "rename") return document.rename(*path, text_in(request, "name"));
    if (verb == "order") return document.order(*path, texts_in(request, "names"));
    return request.contains("value") ? document.set(*path, request["value"])
                                     : document.set_words(*path, texts_in(request, "words"));
  };
  return configuration_.edit(text_in(request, "candidate"), box_.now(), change, text_in(request, "who"))
      .map([&](const store::Candidate* candidate) { return describe(*candidate); });
}

Answer<ordered_json> ConfigurationDesk::diff(const Request& request) {
  return configuration_.find(text_in(request, "candidate")).map([](const store::Candidate* one) {
    return Json{{"changes", to_json(document::compare(one->base_document, one->document))}};
  });
}

Answer<ordered_json> ConfigurationDesk::rebase(const Request& request) {
  using Wins = store::Configuration::Wins;
  const std::string word = text_in(request, "wins");
  if (!word.empty() && word != "mine" && word != "theirs") {
    return refuse(Error::Code::invalid, "wins", "is mine or theirs");
  }
  const Wins wins = word.empty() ? Wins::nobody : word == "mine" ? Wins::mine : Wins::theirs;
  return configuration_.rebase(text_in(request, "candidate"), box_.now(), wins)
      .map([&](const store::Candidate* candidate) { return describe(*candidate); });
}

Answer<ordered_json> ConfigurationDesk::check(const Request& request) {
  const auto check = configuration_.check(text_in(request, "candidate"));
  if (!check) return tl::unexpected<Refusal>{check.error()};
  Json conflicts = Json::array();
  for (const document::Conflict& one : check->conflicts) {
    conflicts.push_back(
        {{"path", document::text_of(one.mine.path)}, {"mine", one.mine.words()}, {"theirs", one.theirs.words()}});
  }
  const bool advised = check->confirmation_advised;
  return Json{{"problems", problems_to_json(check->problems)},
              {"changes", to_json(check->changes)},
              {"current", check->current},
              {"since", to_json(check->since)},
              {"conflicts", std::move(conflicts)},
              {"radius", check->model ? box_.radius(*check->model, check->changes) : json{}},
              {"hidden", check->model ? box_.hidden(*check->model, check->changes) : std::vector<std::string>{}},
              {"confirm_advised_s", advised ? json(std::chrono::seconds{store::kConfirmDefault}.count()) : json{}}};
}

Answer<ordered_json> ConfigurationDesk::schedule(const Request& request) {
  const store::Time now = box_.now();
  const std::string words = text_in(request, "at");
  const auto at = store::parse_moment(words, now);
  if (!at) {
    return refuse(Error::Code::invalid, "at",
                  settings::quoted(words) + " is no time: say 03:00 or 2026-07-24T03:00Z (UTC)");
  }
  return configuration_
      .schedule(text_in(request, "candidate"), author_in(request), now, *at, options_in(request).confirm_within)
      .map([&](const store::Candidate* candidate) {
        box_.scheduled(*candidate);
        return describe(*candidate);
      });
}

Answer<ordered_json> ConfigurationDesk::confirm(const Request& request) {
  return configuration_.confirm().map([&](const store::Revision& revision) {
    box_.confirmed(revision, text_in(request, "who"));
    return Json{{"revision", store::to_json(revision)}};
  });
}

Answer<ordered_json> ConfigurationDesk::history(const Request& request) {
  const auto& history = configuration_.history();
  const std::uint64_t before = number_in(request, "before", UINT64_MAX);
  const std::uint64_t limit = number_in(request, "limit", 50);
  Json list = Json::array();
  for (auto one = history.revisions().rbegin(); one != history.revisions().rend() && list.size() < limit; ++one) {
    if (one->number < before) list.push_back(store::to_json(*one));
  }
  const auto until = history.awaits_confirmation();
  return Json{{"revisions", std::move(list)},
              {"current", history.newest().number},
              {"confirm_until", until ? json(store::time_text(*until)) : json{}}};
}

Answer<ordered_json> ConfigurationDesk::show(const Request& request) {
  const std::uint64_t number = number_in(request, "revision", 0);
  const auto changes = configuration_.history().changes(number);
  if (!changes) return tl::unexpected<Refusal>{changes.error()};
  const auto& revisions = configuration_.history().revisions();
  Json answer = store::to_json(revisions[number - revisions.front().number]);
  answer["steps"] = to_json(*changes);
  return answer;
}

Answer<ordered_json> ConfigurationDesk::compare(const Request& request) {
  const auto from = configuration_.history().document(number_in(request, "from", 0));
  if (!from) return tl::unexpected<Refusal>{from.error()};
  json wanted = json::object();
  if (request.contains("candidate")) wanted["candidate"] = request["candidate"];
  if (request.contains("to")) wanted["revision"] = request["to"];
  const auto to = document_for(wanted);
  if (!to) return tl::unexpected<Refusal>{to.error()};
  return Json{{"changes", to_json(document::compare(*from, *to))}};
}

}  // namespace fulcrum::surface
