#include "control/store/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/store/revision_json.h"

namespace fulcrum::store {
namespace {

using document::Refusal;
using document::refuse;

constexpr std::size_t kNameMax = 63;
constexpr const char* kConfirmBounds = "the time to confirm is 10 seconds to 24 hours";

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= kNameMax && std::all_of(name.begin(), name.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '.' || letter == '_' || letter == '-' || letter == '@';
  });
}

tl::unexpected<Refusal> conflict_words(const std::vector<document::Conflict>& conflicts) {
  Refusal refusal{Error::Code::conflict, {}};
  for (const document::Conflict& one : conflicts) {
    refusal.problems.push_back(
        {.file = {},
         .line = 0,
         .path = text_of(one.mine.path),
         .text = fmt::format("yours: {}; committed since: {}", one.mine.words(), one.theirs.words())});
  }
  return tl::unexpected<Refusal>{std::move(refusal)};
}

tl::unexpected<Refusal> behind(std::uint64_t base, const std::vector<Change>& since) {
  Refusal refusal{Error::Code::conflict, {}};
  for (const Change& change : since) {
    refusal.problems.push_back(
        {.file = {},
         .line = 0,
         .path = text_of(change.path),
         .text = fmt::format("committed since revision {}: {}; rebase to carry yours over", base, change.words())});
  }
  return tl::unexpected<Refusal>{std::move(refusal)};
}

bool is_about_the_box(const Document& document, const Change& change) {
  const auto place = document.find(change.path, true);
  return place && place->permission == settings::Permission::administer;
}

}  // namespace

Configuration::Configuration(History history, Rules rules)
    : history_{std::move(history)}, rules_{std::move(rules)}, shelf_{history_.directory()} {
  if (history_.empty()) return;
  model_ = std::make_shared<const model::Model>(document::object_of<model::Model>(history_.current()));
  auto found = shelf_.read(history_);
  candidates_ = std::move(found.candidates);
  lost_candidates_ = std::move(found.lost);
}

// Puts it in the place of what there was under its name.
Answer<const Candidate*> Configuration::keep(Candidate candidate) {
  if (auto kept = shelf_.keep(candidate); !kept) return refuse(kept.error());
  const std::string name = candidate.name;
  return &candidates_.insert_or_assign(name, std::move(candidate)).first->second;
}

Answer<const Candidate*> Configuration::open(const std::string& name, const std::string& who, Time now) {
  if (!is_name(name)) {
    return refuse(Error::Code::invalid, "candidate", "needs a name of 1 to 63 letters, digits or one of . _ - @");
  }
  if (candidates_.count(name) != 0) {
    return refuse(Error::Code::conflict, name, "is open already: go on with it, discard it, or choose another name");
  }
  if (candidates_.size() == kCandidatesMax) {
    return refuse(Error::Code::limit, name, fmt::format("{} candidates are open: discard one", kCandidatesMax));
  }
  return keep({.name = name,
               .who = who,
               .base = history_.newest().number,
               .opened = now,
               .changed = now,
               .base_document = current(),
               .document = current()});
}

Answer<Candidate*> Configuration::mine(const std::string& name) {
  const auto found = candidates_.find(name);
  if (found == candidates_.end()) return refuse(Error::Code::not_found, name, "there is no candidate of this name");
  return &found->second;
}

Answer<const Candidate*> Configuration::find(const std::string& name) const {
  const auto found = candidates_.find(name);
  if (found == candidates_.end()) return refuse(Error::Code::not_found, name, "there is no candidate of this name");
  return &found->second;
}

Answer<void> Configuration::discard(const std::string& name) {
  const auto candidate = mine(name);
  if (!candidate) return tl::unexpected<Refusal>{candidate.error()};
  shelf_.drop(**candidate);
  candidates_.erase(name);
  return {};
}

std::vector<const Candidate*> Configuration::candidates() const {
  std::vector<const Candidate*> all;
  for (const auto& [name, candidate] : candidates_) all.push_back(&candidate);
  return all;
}

Answer<const Candidate*> Configuration::edit(const std::string& name, Time now, const Edit& change,
                                             const std::string& editor) {
  auto candidate = mine(name);
  if (!candidate) return tl::unexpected<Refusal>{candidate.error()};
  if ((*candidate)->is_scheduled()) {
    return refuse(
        Error::Code::conflict, name,
        fmt::format("is to be committed at {}: discard it, or commit it now", time_text((*candidate)->schedule->at)));
  }
  auto next = change((*candidate)->document);
  if (!next) return tl::unexpected<Refusal>{std::move(next.error())};
  Candidate edited = **candidate;
  edited.document = std::move(*next);
  edited.changed = now;
  edited.schedule.reset();
  edited.editors.insert(editor.empty() ? edited.who : editor);
  return keep(std::move(edited));
}

Answer<Document> Configuration::carried_over(const Document& base, const Document& edited, Wins wins) const {
  const auto changes = document::compare(base, edited);
  const auto since = document::compare(base, current());
  const auto conflicts = document::conflicts(changes, since);
  if (!conflicts.empty() && wins == Wins::nobody) return conflict_words(conflicts);
  std::vector<Change> left;  // what both did is done
  const auto is_done = [&](const Change& mine_too) {
    const bool gives_way = wins == Wins::theirs &&
                           std::any_of(conflicts.begin(), conflicts.end(),
                                       [&](const document::Conflict& one) { return same_change(one.mine, mine_too); });
    return gives_way ||
           std::any_of(since.begin(), since.end(), [&](const Change& theirs) { return same_change(mine_too, theirs); });
  };
  std::copy_if(changes.begin(), changes.end(), std::back_inserter(left), std::not_fn(is_done));
  return document::with_changes(current(), left);
}

Answer<const Candidate*> Configuration::rebase(const std::string& name, Time now, Wins wins) {
  auto found = mine(name);
  if (!found) return tl::unexpected<Refusal>{found.error()};
  Candidate candidate = **found;
  auto carried = carried_over(candidate.base_document, candidate.document, wins);
  if (!carried) return tl::unexpected<Refusal>{std::move(carried.error())};
  candidate.document = std::move(*carried);
  candidate.base_document = current();
  candidate.base = history_.newest().number;
  candidate.changed = now;
  if (!candidate.is_scheduled()) candidate.schedule.reset();
  return keep(std::move(candidate));
}

std::vector<settings::Problem> Configuration::problems_of(const model::Model& next,
                                                          const settings::Sources& sources) const {
  auto problems = rules_.validate(next, sources);
  if (!problems.empty() || model_ == nullptr) return problems;
  for (const auto& [path, text] : rules_.may_follow(*model_, next)) problems.push_back(sources.problem(path, text));
  return problems;
}

std::vector<settings::Problem> Configuration::problems_of(const Document& next) const {
  auto model = judge(next);
  return model ? std::vector<settings::Problem>{} : std::move(model.error().problems);
}

Answer<std::shared_ptr<const model::Model>> Configuration::judge(const Document& next) const {
  settings::Sources sources = next.sources();
  auto problems = next.gaps(sources, history_.empty() ? nullptr : &history_.current());
  auto made = std::make_shared<const model::Model>(document::object_of<model::Model>(next));
  for (settings::Problem& problem : problems_of(*made, sources)) problems.push_back(std::move(problem));
  if (!problems.empty()) return tl::unexpected<Refusal>{Refusal{Error::Code::invalid, std::move(problems)}};
  return made;
}

std::vector<settings::Problem> Configuration::unusable_in(const model::Model& next) const {
  std::vector<settings::Problem> problems;
  if (!rules_.may_commit || model_ == nullptr) return problems;
  for (auto& [path, text] : rules_.may_commit(*model_, next)) problems.push_back({{}, 0, path, std::move(text)});
  return problems;
}

Answer<Check> Configuration::check(const std::string& name) const {
  const auto found = find(name);
  if (!found) return tl::unexpected<Refusal>{found.error()};
  const Candidate& candidate = **found;
  Check check;
  check.current = history_.newest().number;
  check.changes = document::compare(candidate.base_document, candidate.document);
  if (candidate.base != check.current) {
    check.since = document::compare(candidate.base_document, current());
    check.conflicts = document::conflicts(check.changes, check.since);
  }
  check.confirmation_advised = std::any_of(check.changes.begin(), check.changes.end(), [&](const Change& change) {
    return is_about_the_box(candidate.document, change);
  });
  auto model = judge(candidate.document);
  check.problems = model ? unusable_in(**model) : std::move(model.error().problems);
  if (check.problems.empty() && check.since.empty()) check.model = std::move(*model);
  return check;
}

Answer<void> Configuration::nothing_awaits_confirmation() const {
  const auto until = history_.awaits_confirmation();
  if (!until) return {};
  const Revision& newest = history_.newest();
  return refuse(Error::Code::conflict, fmt::format("revision {}", newest.number),
                fmt::format("of {} waits to be confirmed until {}: confirm it or roll back first", newest.author.who,
                            time_text(*until)));
}

Answer<Committed> Configuration::commit(const std::string& name, Author author, Time now, CommitOptions options) {
  const auto found = mine(name);
  if (!found) return tl::unexpected<Refusal>{found.error()};
  const Candidate& candidate = **found;
  if (const auto free = nothing_awaits_confirmation(); !free) return tl::unexpected<Refusal>{free.error()};
  if (candidate.base != history_.newest().number) {
    const auto since = document::compare(candidate.base_document, current());
    if (!since.empty() && !options.rebase) {
      const auto changes = document::compare(candidate.base_document, candidate.document);
      if (const auto conflicts = document::conflicts(changes, since); !conflicts.empty())
        return conflict_words(conflicts);
      return behind(candidate.base, since);
    }
    if (const auto rebased = rebase(name, now); !rebased) return tl::unexpected<Refusal>{rebased.error()};
  }
  std::copy_if(candidate.editors.begin(), candidate.editors.end(), std::back_inserter(author.editors),
               [&](const std::string& editor) { return editor != author.who; });
  auto committed = write_edited(candidate.document, std::move(author), now, options);
  if (committed) {
    shelf_.drop(candidate);
    candidates_.erase(name);
  }
  return committed;
}

Answer<const Candidate*> Configuration::schedule(const std::string& name, Author author, Time now, Time at,
                                                 std::optional<std::chrono::seconds> confirm_within) {
  if (at <= now || at > now + kScheduleMax) {
    return refuse(Error::Code::invalid, "at",
                  fmt::format("{} is no time to come within {} hours", time_text(at), kScheduleMax.count()));
  }
  if (confirm_within && (*confirm_within < kConfirmMin || *confirm_within > kConfirmMax)) {
    return refuse(Error::Code::invalid, "confirm", kConfirmBounds);
  }
  auto checked = check(name);
  if (!checked) return tl::unexpected<Refusal>{std::move(checked.error())};
  if (checked->changes.empty()) return refuse(Error::Code::invalid, "commit", "nothing to commit: nothing differs");
  if (!checked->problems.empty()) {
    return tl::unexpected<Refusal>{Refusal{Error::Code::invalid, std::move(checked->problems)}};
  }
  if (!checked->conflicts.empty()) return conflict_words(checked->conflicts);
  Candidate candidate = candidates_.at(name);
  if (!checked->since.empty()) return behind(candidate.base, checked->since);
  candidate.schedule = Schedule{.at = at, .author = std::move(author), .confirm_within = confirm_within};
  return keep(std::move(candidate));
}

std::optional<Time> Configuration::next_due() const {
  std::optional<Time> next;
  for (const auto& [name, candidate] : candidates_) {
    if (candidate.is_scheduled() && (!next || candidate.schedule->at < *next)) next = candidate.schedule->at;
  }
  return next;
}

// Commits it; why it cannot be, else.
std::string Configuration::refusal_when_due(const Candidate& candidate, Time now) {
  const Schedule& schedule = *candidate.schedule;
  if (now - schedule.at >= kLateMax) return "the box did not run then, and it is too late now";
  Author author = schedule.author;
  author.why += fmt::format("{}commit at {}", author.why.empty() ? "" : "; ", time_text(schedule.at));
  const auto committed =
      commit(candidate.name, std::move(author), now, {.rebase = false, .confirm_within = schedule.confirm_within});
  return committed ? std::string{} : committed.error().words();
}

std::vector<Candidate> Configuration::due(Time now) const {
  std::vector<Candidate> due;
  for (const auto& [name, candidate] : candidates_) {
    if (candidate.is_scheduled() && candidate.schedule->at <= now) due.push_back(candidate);
  }
  std::stable_sort(due.begin(), due.end(),
                   [](const Candidate& a, const Candidate& b) { return a.schedule->at < b.schedule->at; });
  return due;
}

std::vector<Candidate> Configuration::commit_due(Time now, const Objection& objection) {
  std::vector<Candidate> refused;
  for (Candidate& candidate : due(now)) {
    const auto why_not = objection ? objection(candidate) : std::string{};
    if (!why_not) continue;
    candidate.schedule->refused = why_not->empty() ? refusal_when_due(candidate, now) : *why_not;
    if (candidate.schedule->refused.empty()) continue;
    // Where the disk refuses, this is at least known until the end of this program.
    candidates_.at(candidate.name).schedule->refused = candidate.schedule->refused;
    static_cast<void>(shelf_.keep(candidate));
    refused.push_back(std::move(candidate));
  }
  return refused;
}

Answer<Committed> Configuration::take(const Document& next, Author author, Time now) {
  if (const auto free = nothing_awaits_confirmation(); !free) return tl::unexpected<Refusal>{free.error()};
  return write_edited(next, std::move(author), now, {});
}

Answer<Committed> Configuration::write_edited(const Document& next, Author author, Time now,
                                              const CommitOptions& options) {
  auto model = judge(next);
  if (!model) return tl::unexpected<Refusal>{std::move(model.error())};
  if (auto problems = unusable_in(**model); !problems.empty()) {
    return tl::unexpected<Refusal>{Refusal{Error::Code::invalid, std::move(problems)}};
  }
  return write(next, std::move(*model), std::move(author), now, options);
}

Answer<Committed> Configuration::write(const Document& next, Author author, Time now, const CommitOptions& options) {
  auto model = judge(next);
  if (!model) return tl::unexpected<Refusal>{std::move(model.error())};
  return write(next, std::move(*model), std::move(author), now, options);
}

Answer<Committed> Configuration::write(const Document& next, std::shared_ptr<const model::Model> model, Author author,
                                       Time now, const CommitOptions& options) {
  if (options.confirm_within && (*options.confirm_within < kConfirmMin || *options.confirm_within > kConfirmMax)) {
    return refuse(Error::Code::invalid, "confirm", kConfirmBounds);
  }
  Committed committed;
  if (!history_.empty()) {
    committed.changes = document::compare(current(), next);
    if (committed.changes.empty()) return refuse(Error::Code::invalid, "commit", "nothing to commit: nothing differs");
  }
  const auto until = options.confirm_within ? std::optional{now + *options.confirm_within} : std::nullopt;
  auto revision = history_.append(next, std::move(author), now, until);
  if (!revision) return refuse(revision.error());
  committed.revision = std::move(*revision);
  committed.model = model_ = std::move(model);
  if (applied_) applied_(committed);
  return committed;
}

Answer<Committed> Configuration::rollback(std::uint64_t number, Author author, Time now, CommitOptions options) {
  auto target = history_.document(number);
  if (!target) return tl::unexpected<Refusal>{std::move(target.error())};
  // By way of the difference, so that comments stay where nothing changes.
  auto next = document::with_changes(current(), document::compare(current(), *target));
  if (!next) return tl::unexpected<Refusal>{std::move(next.error())};
  if (author.why.empty()) author.why = fmt::format("rollback to revision {}", number);
  return write(*next, std::move(author), now, options);
}

Answer<Committed> Configuration::revert(std::uint64_t number, Author author, Time now, CommitOptions options,
                                        std::optional<std::uint64_t> change) {
  if (const auto free = nothing_awaits_confirmation(); !free) return tl::unexpected<Refusal>{free.error()};
  auto changes = history_.changes(number);
  if (!changes) return tl::unexpected<Refusal>{changes.error()};
  if (changes->empty()) {
    return refuse(Error::Code::invalid, fmt::format("revision {}", number), "is the first: there is nothing to undo");
  }
  const auto then = history_.document(number);
  if (!then) return tl::unexpected<Refusal>{then.error()};
  if (change) {
    if (*change == 0 || *change > changes->size()) {
      return refuse(Error::Code::not_found, fmt::format("revision {}", number),
                    fmt::format("has changes 1 to {}, and no {}", changes->size(), *change));
    }
    changes = std::vector<Change>{(*changes)[*change - 1]};
  }
  const auto undone = document::inverse(*changes);
  if (const auto conflicts = document::conflicts(undone, document::compare(*then, current())); !conflicts.empty()) {
    return conflict_words(conflicts);
  }
  auto next = document::with_changes(current(), undone);
  if (!next) return tl::unexpected<Refusal>{std::move(next.error())};
  if (author.why.empty()) {
    author.why = fmt::format("revert of revision {}{}", number, change ? fmt::format(", change {}", *change) : "");
  }
  return write(*next, std::move(author), now, options);
}

Answer<Revision> Configuration::confirm() {
  if (!history_.awaits_confirmation())
    return refuse(Error::Code::not_found, "confirm", "nothing waits to be confirmed");
  if (auto done = history_.confirm(); !done) return refuse(done.error());
  return history_.newest();
}

std::optional<std::chrono::nanoseconds> Configuration::confirmation_left(Time now) const {
  const auto until = history_.awaits_confirmation();
  if (!until) return std::nullopt;
  const auto given = *until - history_.newest().when;
  return std::clamp(*until - now, Time::duration::zero(), std::max(given, Time::duration::zero()));
}

Answer<Committed> Configuration::go_back(Time now) {
  if (!history_.awaits_confirmation())
    return refuse(Error::Code::not_found, "confirm", "nothing waits to be confirmed");
  const Revision& newest = history_.newest();
  const Author author{.who = "fulcrum",
                      .face = "timer",
                      .why = fmt::format("revision {} of {} was not confirmed", newest.number, newest.author.who)};
  return rollback(newest.number - 1, author, now);
}

}  // namespace fulcrum::store
