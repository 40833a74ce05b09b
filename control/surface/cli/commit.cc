// Commands that put something in force.
#include <fmt/format.h>

#include <optional>

#include "control/surface/cli/answer_parts.h"
#include "control/surface/cli/handlers.h"
#include "control/surface/cli/table.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

constexpr std::int64_t kMinutes = 5;  // `confirmed` without a number

std::string problem_lines(const json& problems) {
  std::string text;
  for (const json& one : problems) {
    const std::string path = text_in(one, "path", "");
    text += "  " + (path.empty() ? "" : path + ": ") + text_in(one, "text", "") + "\n";
  }
  return text;
}

std::string radius_lines(const json& radius) {
  if (!radius.is_object()) return {};
  std::string text;
  if (const json connections = radius.value("connections", json()); connections.is_object()) {
    text += fmt::format("Connections: {} kept, {} drained, {} reset, {} lost.\n", text_in(connections, "kept", ""),
                        text_in(connections, "drained", ""), text_in(connections, "reset", ""),
                        text_in(connections, "lost", ""));
    if (const std::uint64_t closing = count_in(connections, "closing"); closing != 0)
      text += fmt::format("{} more are closing already.\n", closing);
  }
  std::string farms;
  for (const json& farm : radius.value("farms", json::array())) {
    if (farm.is_string()) farms += (farms.empty() ? "" : ", ") + farm.get<std::string>();
  }
  if (!farms.empty()) text += "Farms touched: " + farms + ".\n";
  for (const json& one : radius.value("losing_weight", json::array())) {
    const std::string why = text_in(one, "why", "weight");
    text += fmt::format("{}/{} loses weight: {} to {}{}.\n", text_in(one, "farm", ""), text_in(one, "server", ""),
                        text_in(one, "from", ""), text_in(one, "to", ""), why == "weight" ? "" : " (" + why + ")");
  }
  return text;
}

// What does not show at once, because an operator has said otherwise.
std::string hidden_lines(const json& answer, std::size_t width) {
  std::string text;
  for (const json& one : answer.value("hidden", json::array())) {
    if (one.is_string()) text += folded("Not at once: " + one.get<std::string>() + ".", width);
  }
  return text;
}

// What others did since the candidate was opened.
std::string since_lines(const json& check) {
  const json since = check.value("since", json::array());
  if (since.empty()) return {};
  std::string text = "Others have committed since you began:\n" + change_lines(since);
  const json conflicts = check.value("conflicts", json::array());
  if (conflicts.empty()) return text + "None of it touches what you changed: `rebase` carries your changes over.\n";
  text += "This touches the same:\n";
  for (const json& one : conflicts) {
    text += fmt::format("  yours: {}\n  theirs: {}\n", text_in(one, "mine", ""), text_in(one, "theirs", ""));
  }
  return text + "`rebase mine` keeps yours of each pair, `rebase theirs` what they committed.\n";
}

// Why a checked candidate cannot be committed as it is.
std::optional<Trouble> obstacle(const json& check) {
  if (const json problems = check.value("problems", json::array()); !problems.empty()) {
    const bool one = problems.size() == 1;
    return Trouble{.status = Status::invalid,
                   .text = fmt::format("{} problem{} in the way, nothing was committed:\n{}", problems.size(),
                                       one ? " stands" : "s stand", problem_lines(problems)),
                   .json = {{"error", {{"code", "invalid"}, {"problems", problems}}}}};
  }
  if (const std::string since = since_lines(check); !since.empty()) {
    return Trouble{
        .status = Status::conflict, .text = since, .json = {{"error", {{"code", "conflict"}, {"text", since}}}}};
  }
  return std::nullopt;
}

std::string committed_text(const json& answer, std::optional<std::int64_t> minutes, std::size_t width) {
  const json revision = answer.value("revision", json::object());
  std::string text = fmt::format("Revision {}", text_in(revision, "revision", ""));
  const std::string waiting = text_in(answer, "waiting_for", "");
  if (answer.value("acknowledged", false)) {
    text += fmt::format(" is in force on every worker, after {:.1f} ms.\n", answer.value("took_ms", 0.0));
  } else {
    text = folded(text + " is committed, but not in force everywhere yet" + (waiting.empty() ? "" : ": " + waiting),
                  width);
  }
  text += change_lines(answer.value("changes", json::array())) + hidden_lines(answer, width);
  if (minutes) text += fmt::format("It goes back by itself in {} min. `confirm` makes it stay.\n", *minutes);
  return text;
}

struct Wish {
  std::optional<std::int64_t> minutes;
  json question;
};

Wish wish_of(const Parsed& parsed) {
  Wish wish{.minutes = {}, .question = {{"face", "cli"}}};
  if (parsed.has("comment")) wish.question["why"] = parsed.get("comment");
  if (parsed.has("confirmed")) {
    const std::string word = parsed.get("confirmed");
    wish.minutes = word.empty() ? kMinutes : number_of(word);
  }
  return wish;
}

// A mistake in these settings cuts off who made it. So a person is offered a way back, and a script must say which.
std::optional<Trouble> advise(Session& session, const Parsed& parsed, Wish& wish, std::int64_t seconds) {
  if (wish.minutes || parsed.has("now")) return std::nullopt;
  const std::int64_t minutes = std::max<std::int64_t>(seconds / 60, 1);
  const auto answer = session.screen().ask(
      fmt::format("This could cut you off. Go back by itself in {} min unless confirmed?", minutes), true);
  if (!answer) {
    return Trouble{
        .status = Status::unconfirmed,
        .text = "this could cut you off, and nothing was committed: say `commit confirmed 5`, or `commit now`"};
  }
  if (*answer) wish.minutes = minutes;
  return std::nullopt;
}

Outcome put_in_force(Session& session, const std::string& verb, const Wish& wish, bool with_candidate) {
  json question = wish.question;
  if (wish.minutes) question["confirm_s"] = *wish.minutes * 60;
  const auto answer = session.ask_config(verb, question, with_candidate);
  if (!answer) return refused(answer.error());
  return Reply{.data = *answer,
               .text = committed_text(*answer, wish.minutes, session.columns()),
               .status = answer->value("acknowledged", false) ? Status::good : Status::pending};
}

// The candidate waits for its time, and the session goes on without it.
Outcome leave_to_commit(Session& session, const std::string& at, const Wish& wish) {
  json question = wish.question;
  question["at"] = at;
  if (wish.minutes) question["confirm_s"] = *wish.minutes * 60;
  const auto answer = session.ask_config("schedule", question);
  if (!answer) return refused(answer.error());
  const std::string name = session.candidate();
  session.leave_configuration();
  std::string text = fmt::format("Candidate {} is committed at {} if nothing is in the way then.\n", name,
                                 text_in(*answer, "commit_at"));
  if (wish.minutes)
    text += fmt::format("It goes back by itself {} min later unless somebody says `confirm`.\n", *wish.minutes);
  return said(text + fmt::format("`discard {}` cancels that.\n", name), *answer);
}

// Of an earlier revision, as a new one. The candidate stays as it is, but its base is behind then.
Outcome from_history(Session& session, const Parsed& parsed) {
  if (session.changes() > 0) {
    return refused(
        Status::conflict,
        fmt::format("you have {} changes that are not committed: commit or discard them first", session.changes()));
  }
  Wish wish = wish_of(parsed);
  wish.question["revision"] = number_of(parsed.get("revision"));
  if (parsed.has("change")) wish.question["change"] = number_of(parsed.get("change"));
  Outcome outcome = put_in_force(session, parsed.command->word, wish, false);
  if (outcome) session.ask_config("rebase");
  return outcome;
}

}  // namespace

Outcome check(Session& session, const Parsed&) {
  const auto answer = session.ask_config("check");
  if (!answer) return refused(answer.error());
  Reply reply{.data = *answer};
  const json problems = answer->value("problems", json::array());
  const json changes = answer->value("changes", json::array());
  if (changes.empty()) {
    reply.text = "Nothing has changed.\n";
    return reply;
  }
  reply.text = "Changes:\n" + change_lines(changes);
  if (!problems.empty()) {
    reply.text += "Problems:\n" + problem_lines(problems);
    reply.status = Status::invalid;
  }
  if (const std::string since = since_lines(*answer); !since.empty()) {
    reply.text += since;
    if (problems.empty()) reply.status = Status::conflict;
  }
  reply.text += radius_lines(answer->value("radius", json())) + hidden_lines(*answer, session.columns());
  if (answer->value("confirm_advised_s", json()).is_number()) {
    reply.text += "This could cut you off: `commit confirmed` goes back by itself unless you confirm it.\n";
  }
  if (reply.status == Status::good) reply.text += "Nothing stands in the way of a commit.\n";
  return reply;
}

Outcome commit(Session& session, const Parsed& parsed) {
  const auto checked = session.ask_config("check");
  if (!checked) return refused(checked.error());
  if (checked->value("changes", json::array()).empty()) return refused(Status::conflict, "there is nothing to commit");
  if (auto trouble = obstacle(*checked)) return refused(std::move(*trouble));
  Wish wish = wish_of(parsed);
  if (const json seconds = checked->value("confirm_advised_s", json()); seconds.is_number()) {
    if (auto trouble = advise(session, parsed, wish, seconds.get<std::int64_t>())) return refused(std::move(*trouble));
  }
  if (parsed.has("at")) return leave_to_commit(session, parsed.get("at"), wish);
  Outcome outcome = put_in_force(session, "commit", wish, true);
  if (!outcome) return outcome;
  // The next changes are to what is in force now.
  const std::string name = session.candidate();
  const auto place = session.place();
  const auto opened = session.ask_config("open", {{"candidate", name}}, false);
  session.enter(name, 0);
  session.set_place(place);
  if (!opened) outcome->text += "No new candidate could be opened: " + opened.error().text + "\n";
  return outcome;
}

Outcome rebase(Session& session, const Parsed& parsed) {
  json question = json::object();
  if (parsed.has("winner")) question["wins"] = parsed.get("winner");
  const auto answer = session.ask_config("rebase", std::move(question));
  if (!answer) return refused(answer.error());
  return said("Your changes are to what is in force now.\n", *answer);
}

Outcome rollback(Session& session, const Parsed& parsed) { return from_history(session, parsed); }

Outcome revert(Session& session, const Parsed& parsed) { return from_history(session, parsed); }

}  // namespace fulcrum::cli
