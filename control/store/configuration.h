// The one configuration of the box, and everybody's work on the next one. Every face comes here (and to nothing else)
// to change something:
//
//   open a candidate -> edit it -> check -> commit -> (confirm)          anybody, each with candidates of their own
//
// A candidate is a copy of the revision that was current when it was opened (its base). If somebody else has committed
// meanwhile, a commit is refused: it says what changed since, and which of it touches the same objects. Who has seen
// that may rebase: the candidate's changes are carried over to the current revision, unless one of them conflicts.
// Nothing is ever merged by itself.
//
// A commit is checked as a whole, written to the history (from then on it survives everything), and handed to
// `applied`. One that is committed for a time (confirm_within) goes back by itself, also after a restart, unless it is
// confirmed in time; until then nobody else commits.
//
// A candidate may also be left to be committed at a time (schedule). It is judged when that is said and again when it
// is due, by the same rules: whatever is in the way then, it stays a candidate, with the reason, and nothing is merged.
// Until then nobody edits it. What came due while nobody ran is made up for within kLateMax, and else refused.
//
// The file fulcrum.cfg is one of the faces: see file_link.h.
//
// One thread, no clock: whoever calls brings the time. Candidates outlive the program (candidates.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/document/compare.h"
#include "control/document/document.h"
#include "control/model/model.h"
#include "control/store/candidates.h"
#include "control/store/history.h"

namespace fulcrum::store {

using document::Answer;
using document::Change;
using document::Document;

// What a commit would do.
struct Check {
  std::vector<settings::Problem> problems;    // none: it may be committed
  std::vector<Change> changes;                // of the candidate, to its base
  std::uint64_t current = 0;                  // revision
  std::vector<Change> since;                  // what others have committed since the base
  std::vector<document::Conflict> conflicts;  // between the two
  std::shared_ptr<const model::Model> model;  // what would be committed; null with problems or a stale base
  bool confirmation_advised = false;          // a mistake could lock its author out: network, access
};

struct Committed {
  Revision revision;
  std::vector<Change> changes;  // to the revision before
  std::shared_ptr<const model::Model> model;
};

struct CommitOptions {
  bool rebase = false;                                   // carry the changes over to what is current
  std::optional<std::chrono::seconds> confirm_within{};  // 10 s to a day
};

inline constexpr std::size_t kCandidatesMax = 64;
inline constexpr std::chrono::seconds kConfirmMin{10};
inline constexpr std::chrono::seconds kConfirmMax{86'400};
inline constexpr std::chrono::minutes kConfirmDefault{5};
inline constexpr std::chrono::hours kScheduleMax{48};  // today or tomorrow
inline constexpr std::chrono::minutes kLateMax{5};

class Configuration {
 public:
  struct Rules {
    // The problems of a complete model, beyond those of each field.
    std::function<std::vector<settings::Problem>(const model::Model&, const settings::Sources&)> validate;
    // What cannot change from one revision to the next while running, by path.
    std::function<std::vector<std::pair<std::string, std::string>>(const model::Model& from, const model::Model& to)>
        may_follow;
    // What of `to` the box could not use because of something outside of it, such as a file that is named, by path.
    // Asked of what people commit, for what they change; going back must not depend on a file that has gone since.
    std::function<std::vector<std::pair<std::string, std::string>>(const model::Model& from, const model::Model& to)>
        may_commit{};
  };
  // Told of each new revision before the call that made it returns.
  using Applied = std::function<void(const Committed&)>;

  // Of an empty history only take() may be called.
  Configuration(History history, Rules rules);
  void set_rules(Rules rules) { rules_ = std::move(rules); }
  void on_applied(Applied applied) { applied_ = std::move(applied); }

  // A whole document from elsewhere, the first one or what a file says, as a revision. Errors as commit().
  Answer<Committed> take(const Document& document, Author author, Time now);

  [[nodiscard]] const History& history() const { return history_; }
  [[nodiscard]] History& history() { return history_; }
  [[nodiscard]] const Document& current() const { return history_.current(); }
  [[nodiscard]] const std::shared_ptr<const model::Model>& model() const { return model_; }
  [[nodiscard]] const document::Document::Shape& shape() const { return history_.current().shape(); }

  // Candidates, by name. Errors: the name is taken (conflict), there are too many (limit), no such (not_found), no
  // name, or it cannot be kept on the disk (io), and nothing has changed then.
  Answer<const Candidate*> open(const std::string& name, const std::string& who, Time now);
  [[nodiscard]] Answer<const Candidate*> find(const std::string& name) const;
  Answer<void> discard(const std::string& name);
  [[nodiscard]] std::vector<const Candidate*> candidates() const;
  // Of the time before this start, which could not be gone on with, in words.
  [[nodiscard]] const std::vector<std::string>& lost_candidates() const { return lost_candidates_; }
  // Puts what `change` makes of the candidate's document in its place; its errors are handed on. For all edits:
  //   configuration.edit("anna", now, [&](const Document& d) { return d.set(path, value); });
  // `editor` is who makes it; empty: the candidate's owner.
  using Edit = std::function<Answer<Document>(const Document&)>;
  Answer<const Candidate*> edit(const std::string& name, Time now, const Edit& change, const std::string& editor = {});
  // Carries what somebody made of an earlier revision's document over to the current one. Errors: conflicts, one
  // problem each, unless it is said who wins them: of a pair only the winner's change is left.
  enum class Wins : std::uint8_t { nobody, mine, theirs };
  [[nodiscard]] Answer<Document> carried_over(const Document& base, const Document& edited,
                                              Wins wins = Wins::nobody) const;
  // Does so with a candidate.
  Answer<const Candidate*> rebase(const std::string& name, Time now, Wins wins = Wins::nobody);

  [[nodiscard]] Answer<Check> check(const std::string& name) const;
  // Errors: its problems; a stale base or an unconfirmed revision (conflict); nothing to commit; the disk (io). Nothing
  // has changed then. The candidate is gone after a commit.
  Answer<Committed> commit(const std::string& name, Author author, Time now, CommitOptions options = {});
  // Leaves it to commit_due() to commit it at `at`, in the author's name. Errors: as commit() and check(), or the time
  // is past or more than kScheduleMax away.
  Answer<const Candidate*> schedule(const std::string& name, Author author, Time now, Time at,
                                    std::optional<std::chrono::seconds> confirm_within = {});
  // When the next candidate is to be committed; nothing: none is.
  [[nodiscard]] std::optional<Time> next_due() const;
  // What is due, the earliest first.
  [[nodiscard]] std::vector<Candidate> due(Time now) const;
  // Commits what is due, and tells of each what could not be (it stays, see Schedule::refused). `objection` says of
  // each why its author may not commit it any more, empty when they may; nothing: that is not known, and it stays due.
  using Objection = std::function<std::optional<std::string>(const Candidate&)>;
  std::vector<Candidate> commit_due(Time now, const Objection& objection = {});
  // The document of an earlier revision as a new one.
  Answer<Committed> rollback(std::uint64_t number, Author author, Time now, CommitOptions options = {});
  // Undoes what one revision changed, or only the one of its changes with this number, from 1, and keeps all that came
  // after. Errors: a later one touched the same (conflict), the revision has no such change (not_found).
  Answer<Committed> revert(std::uint64_t number, Author author, Time now, CommitOptions options = {},
                           std::optional<std::uint64_t> change = std::nullopt);
  // Makes a commit for a time one for good. Errors: nothing waits for it.
  Answer<Revision> confirm();
  // How long the newest revision still waits to be confirmed; nothing when it does not. Never longer than it was given:
  // a clock that was set back does not lengthen it.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> confirmation_left(Time now) const;
  // Back to the revision before the one that was not confirmed. Errors: nothing waits (not_found), the disk (io).
  Answer<Committed> go_back(Time now);

  // Problems of a model with what its paths and lines are called, and of a document as it stands.
  [[nodiscard]] std::vector<settings::Problem> problems_of(const model::Model& model,
                                                           const settings::Sources& sources) const;
  [[nodiscard]] std::vector<settings::Problem> problems_of(const Document& document) const;

 private:
  [[nodiscard]] Answer<void> nothing_awaits_confirmation() const;
  [[nodiscard]] Answer<std::shared_ptr<const model::Model>> judge(const Document& next) const;
  [[nodiscard]] std::vector<settings::Problem> unusable_in(const model::Model& next) const;
  // As write(), of what people have edited: it is asked of the rules whether the box can use it.
  Answer<Committed> write_edited(const Document& next, Author author, Time now, const CommitOptions& options);
  Answer<Committed> write(const Document& next, Author author, Time now, const CommitOptions& options);
  Answer<Committed> write(const Document& next, std::shared_ptr<const model::Model> model, Author author, Time now,
                          const CommitOptions& options);
  Answer<Candidate*> mine(const std::string& name);
  Answer<const Candidate*> keep(Candidate candidate);
  std::string refusal_when_due(const Candidate& candidate, Time now);

  History history_;
  Rules rules_;
  Applied applied_;
  std::shared_ptr<const model::Model> model_;
  CandidateShelf shelf_;
  std::map<std::string, Candidate> candidates_;
  std::vector<std::string> lost_candidates_;
};

}  // namespace fulcrum::store
