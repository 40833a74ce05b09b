// What the control plane does with a commit.
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <map>
#include <memory>
#include <utility>

#include "control/app/blast_radius.h"
#include "control/app/control.h"
#include "control/store/revision_json.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

namespace fulcrum {
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr milliseconds kFileDelay{1000};  // from a commit to the file, so that many commits write it once
constexpr std::chrono::seconds kRetryDelay{10};
constexpr std::chrono::seconds kAcknowledgeMax{5};

// Who changed what, and whether for good.
std::string account_of(const store::Revision& revision) {
  const store::Author& author = revision.author;
  std::string words = fmt::format("by {} ({})", author.who, author.face);
  if (!author.editors.empty()) words += fmt::format(", edited by {}", fmt::join(author.editors, ", "));
  if (!author.why.empty()) words += ", " + author.why;
  if (revision.confirm_until) {
    words += fmt::format(", until {} unless confirmed", store::time_text(*revision.confirm_until));
  }
  return words + ": " + fmt::format("{}", fmt::join(revision.words, "; "));
}

}  // namespace

void Control::wire_configuration() {
  configuration_.set_rules(rules_with([this] { return ports_of(watch_.region()); }, true));
  configuration_.on_applied([this](const store::Committed& committed) { apply(committed); });
  dispatcher_.set_desk(desk_);
  dispatcher_.set_operator([this](const surface::VerbRequest& request, const auto& done) { operate(request, done); });
  dispatcher_.set_tester([this](const std::vector<Trial>& trials, const auto& done) {
    if (auto begun = trials_.start(trials, done); !begun) done(tl::unexpected<Error>{begun.error()});
  });
  dispatcher_.set_record([this](audit::Record deed, auto done) { record(std::move(deed), std::move(done)); });
  watch_confirmation();
  watch_schedule();
  tell_damage();
  if (file_.knows_file()) write_file_soon();  // who was killed may have left it behind
}

// What the disk has taken. Boot has put it into the log.
void Control::tell_damage() {
  damage_ = configuration_.history().damage();
  for (const std::string& words : damage_) tell(true, "configuration", "history", words);
  for (const std::string& words : configuration_.lost_candidates()) tell(true, "configuration", "history", words);
}

// The workers first: the rest can wait until they have it.
void Control::apply(const store::Committed& committed) {
  const store::Revision& revision = committed.revision;
  loaded_at_ = revision.when;
  tell_ended(forget_verbs(), "");
  rejected_.clear();
  damage_.clear();
  log(Level::notice, "revision {} of {} ({}): {}{}", revision.number, revision.author.who, revision.author.face,
      revision.words.empty() ? "" : revision.words.front(),
      revision.changes > 1
          ? fmt::format(" and {} more change{}", revision.changes - 1, revision.changes == 2 ? "" : "s")
          : "");
  tell(false, "configuration", fmt::format("revision {}", revision.number), account_of(revision));
  record_revision(revision);
  rename_rates(committed.changes);
  watch_servers();
  publish();
  if (network_.attached()) configure_network();
  if (api_ != nullptr) {
    api_->configure(model().management);
    api_->set_current(current());
  }
  watch_confirmation();
  write_file_soon();
}

void Control::write_file_soon() {
  if (std::exchange(file_due_, true)) return;
  file_timer_.expires_after(kFileDelay);
  file_timer_.async_wait([this](const error_code& error) {
    if (!error) write_file();
  });
}

void Control::write_file() {
  if (!std::exchange(file_due_, false)) return;
  const auto done = file_.write(configuration_);
  if (!done) {
    log(Level::warning, "the configuration is kept in its history, but not in the file: {}", done.error().words());
  } else if (*done) {
    log(Level::warning, "the file was edited by hand and not read: that text is now in {}", **done);
    tell(true, "configuration", config_file_,
         "somebody's edit, which was not read or was refused, is now in " + **done);
  }
}

void Control::watch_confirmation() {
  confirm_timer_.cancel();
  const auto left = configuration_.confirmation_left(system_clock::now());
  if (!left) return;
  confirm_timer_.expires_after(*left);
  confirm_timer_.async_wait([this](const error_code& error) {
    if (error) return;
    const auto back = configuration_.go_back(system_clock::now());
    if (back || back.error().code == Error::Code::not_found) return;
    log(Level::error, "cannot go back to the revision before: {}", back.error().words());
    confirm_timer_.expires_after(kRetryDelay);
    confirm_timer_.async_wait([this](const error_code& again) {
      if (!again) watch_confirmation();
    });
  });
}

void Control::confirmed(const store::Revision& revision, const std::string& who) {
  tell(false, "configuration", fmt::format("revision {}", revision.number),
       who.empty() ? "confirmed" : "confirmed by " + who);
  tell_ended(forget_verbs(), "");
}

void Control::scheduled(const store::Candidate& candidate) {
  const store::Schedule& schedule = *candidate.schedule;
  tell(false, "configuration", "candidate " + candidate.name,
       fmt::format("is to be committed at {}, by {}", store::time_text(schedule.at), schedule.author.who));
  watch_schedule();
}

void Control::watch_schedule() {
  schedule_timer_.cancel();
  const auto due = configuration_.next_due();
  if (!due) return;
  // Short waits, because this clock may be set.
  const auto left = std::max(*due - system_clock::now(), system_clock::duration{0});
  schedule_timer_.expires_after(std::min<system_clock::duration>(left, std::chrono::minutes{1}));
  schedule_timer_.async_wait([this](const error_code& error) {
    if (!error) judge_due();
  });
}

// Who might do it when it was scheduled need not be allowed any more: the account may have gone since, or its role, or
// the token. That is known on the API's thread. What changes while it is asked is due, and asked, again.
void Control::judge_due() {
  struct Round {
    std::map<std::string, std::pair<store::Time, std::string>> objections;  // by candidate, as it was then
    std::size_t left = 1;
  };
  const auto round = std::make_shared<Round>();
  const auto judged = [this, round] {
    if (--round->left != 0) return;
    commit_due([round](const store::Candidate& one) -> std::optional<std::string> {
      if (one.schedule->author.face == "cli") return std::string{};  // root's word, at the console
      const auto found = round->objections.find(one.name);
      if (found == round->objections.end() || found->second.first != one.changed) return std::nullopt;
      return found->second.second;
    });
  };
  for (const store::Candidate& one : configuration_.due(system_clock::now())) {
    if (one.schedule->author.face == "cli") continue;
    if (api_ == nullptr) {
      round->objections[one.name] = {one.changed, "nobody's rights can be told: " + api_problem_};
      continue;
    }
    ++round->left;
    api_->judge(one.schedule->author.who, configuration_.current(), compare(one.base_document, one.document),
                [this, round, judged, name = one.name, changed = one.changed](const std::string& objection) {
                  boost::asio::post(loop_, [round, judged, name, changed, objection] {
                    round->objections[name] = {changed, objection};
                    judged();
                  });
                });
  }
  judged();
}

// Each of these is on record as what it is: nobody's face was there to do it.
void Control::commit_due(const store::Configuration::Objection& objection) {
  const std::uint64_t before = configuration_.history().newest().number;
  for (const store::Candidate& one : configuration_.commit_due(system_clock::now(), objection)) {
    const store::Schedule& schedule = *one.schedule;
    const std::string at = store::time_text(schedule.at);
    log(Level::error, "candidate {} of {} was not committed at {}: {}", one.name, schedule.author.who, at,
        schedule.refused);
    tell(true, "configuration", "candidate " + one.name,
         fmt::format("was not committed at {} for {}: {}", at, schedule.author.who, schedule.refused));
    record({.who = schedule.author.who,
            .face = "timer",
            .source = "local",
            .action = "commit-candidate",
            .object = "candidate " + one.name,
            .result = "refused",
            .note = schedule.refused},
           [] {});
  }
  for (const store::Revision& revision : configuration_.history().revisions()) {
    if (revision.number <= before) continue;
    record({.who = revision.author.who,
            .face = "timer",
            .source = "local",
            .action = "commit-candidate",
            .object = fmt::format("configuration (revision {})", revision.number),
            .result = "done",
            .note = revision.author.why},
           [] {});
  }
  watch_schedule();
}

void Control::answer_acknowledged() {
  if (waiting_.empty()) return;
  const bool fits = publish_problem_.empty();
  const bool done = fits && publisher_.attached() && !slots_full_ && !publish_at_ && publisher_.acknowledged();
  std::string reason = done ? std::string{} : waiting_for();
  const bool hopeless = !done && (!fits || !alive_ || !publisher_.attached());
  const std::chrono::nanoseconds now = monotonic_now();
  std::vector<Waiting> late;
  for (Waiting& one : std::exchange(waiting_, {})) {
    if (done || hopeless || now >= one.until) {
      if (!done && reason.empty()) reason = "waiting for the workers to take it up";
      one.answer(reason);
    } else {
      late.push_back(std::move(one));
    }
  }
  for (Waiting& one : late) waiting_.push_back(std::move(one));
}

void Control::wait_for_acknowledgement(std::function<void(const std::string& waiting_for)> answer) {
  waiting_.push_back({std::move(answer), monotonic_now() + kAcknowledgeMax});
  tick();
}

nlohmann::json Control::radius_of(const model::Model& configured, const std::vector<document::Change>& changes) {
  roster::Overlay verbs = overlay_;
  verbs.follow(model(), configured);
  const auto laid_over = verbs.over(std::make_shared<const model::Model>(configured));
  const model::Model& planned = *laid_over;
  BlastRadius radius;
  const Snapshot* running = publisher_.newest();
  nlohmann::json connections;
  if (running != nullptr) {
    const auto snapshot = std::make_unique<Snapshot>();
    const auto all_routes = routes();
    const auto compiled = compile({.model = planned,
                                   .routes = all_routes,
                                   .generation = running->generation + 1,
                                   .now = to_tick(monotonic_now()),
                                   .now_s = unix_seconds(),
                                   .previous = running,
                                   .state = [this](const ServerEndpoint& endpoint) { return state_of(endpoint); },
                                   .has_connections = [](ServerId) { return true; },
                                   .is_full = [this](std::uint16_t limit) { return is_full(*watch_.region(), limit); },
                                   .is_called_back = {},
                                   .neighbour = {}},
                                  *snapshot);
    if (compiled) {
      radius = fulcrum::radius_of(*watch_.region(), *running, *snapshot);
      connections = {{"kept", radius.kept},
                     {"drained", radius.drained},
                     {"reset", radius.reset},
                     {"lost", radius.lost},
                     {"closing", radius.closing}};
    }
  }
  add_changes(radius, model(), planned, changes);
  nlohmann::json losing = nlohmann::json::array();
  for (const LostWeight& one : radius.losing_weight) {
    losing.push_back(
        {{"farm", one.farm}, {"server", one.server}, {"why", one.why}, {"from", one.from}, {"to", one.to}});
  }
  return {{"connections", connections}, {"farms", radius.farms}, {"losing_weight", losing}};
}

}  // namespace fulcrum
