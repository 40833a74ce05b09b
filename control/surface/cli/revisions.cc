// Commands that look at the configuration and its history.
#include <fmt/format.h>

#include "control/model/model.h"
#include "control/surface/cli/answer_parts.h"
#include "control/surface/cli/handlers.h"
#include "control/surface/cli/table.h"
#include "control/surface/cli/tree_text.h"
#include "dataplane/base/settings_words.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

// "2026-07-24 11:57:03": nobody reads the milliseconds of a commit.
std::string short_time(const std::string& iso) {
  if (iso.size() < 19 || iso[10] != 'T') return iso;
  return iso.substr(0, 10) + " " + iso.substr(11, 8);
}

std::string first_words(const json& revision) {
  const std::string why = text_in(revision, "why");
  if (why != "-" && !why.empty()) return why;
  const json words = revision.value("words", json::array());
  if (words.empty() || !words[0].is_string()) return "-";
  const std::size_t more = revision.value("changes", words.size()) - 1;
  return settings::printable(words[0].get<std::string>()) + (more > 0 ? fmt::format(" (and {} more)", more) : "");
}

// The changes of a revision, each with the number that `revert` knows it by.
std::string numbered_lines(const json& steps) {
  std::string text;
  std::size_t number = 0;
  for (const json& step : steps) text += fmt::format("  {:>3}  {}\n", ++number, text_in(step, "words"));
  return text;
}

// What is to become of a candidate by itself, or has not.
std::string schedule_line(const json& candidate, std::size_t width) {
  if (!candidate.value("commit_at", json()).is_string()) return {};
  const std::string name = text_in(candidate, "candidate"), at = short_time(text_in(candidate, "commit_at"));
  const std::string who = text_in(candidate, "commit_for");
  if (!candidate.value("commit_refused", json()).is_string()) {
    return folded(fmt::format("{} is committed at {} for {}; `discard {}` cancels that.", name, at, who, name), width);
  }
  return folded(
      fmt::format("{} was not committed at {} for {}: {}.", name, at, who, text_in(candidate, "commit_refused")),
      width);
}

Outcome got(Session& session, const Parsed& parsed, bool as_lines) {
  json question{{"path", document::text_of(parsed.has_path ? parsed.path : session.place())}};
  const bool earlier = parsed.has("revision");
  if (earlier) question["revision"] = number_of(parsed.get("revision"));
  const auto answer = session.ask_config("get", question, !earlier);
  if (!answer) return refused(answer.error());
  const auto path = document::parse_path(answer->value("path", ""));
  const json value = answer->value("value", json());
  const auto& shape = *model::description().shape();
  if (!path) return refused(Status::failed, path.error().words());
  std::string text = as_lines ? set_lines(shape, *path, value) : tree_text(shape, *path, value);
  if (text.empty()) text = "Nothing is set here.\n";
  return Reply{.data = value, .text = std::move(text)};
}

}  // namespace

std::string change_lines(const json& changes) {
  std::string text;
  for (const json& change : changes) {
    text +=
        "  " + (change.is_string() ? settings::printable(change.get<std::string>()) : text_in(change, "words")) + "\n";
  }
  return text;
}

Outcome show_configuration(Session& session, const Parsed& parsed) { return got(session, parsed, false); }

Outcome show_commands(Session& session, const Parsed& parsed) { return got(session, parsed, true); }

Outcome show_history(Session& session, const Parsed& parsed) {
  json question = json::object();
  for (const auto& [key, value] : parsed.given) question[key] = number_of(value);
  const auto answer = session.ask_config("history", question, false);
  if (!answer) return refused(answer.error());
  Table table{{{.title = "REVISION", .align = Align::right},
               {.title = "WHEN (UTC)"},
               {.title = "WHO", .wrap = Wrap::when_needed},
               {.title = "FACE"},
               {.title = "WHY", .wrap = Wrap::below}}};
  for (const json& one : answer->value("revisions", json::array())) {
    table.add({text_in(one, "revision"), short_time(text_in(one, "when")), text_in(one, "who"), text_in(one, "face"),
               first_words(one)});
  }
  std::string text = table.text(session.columns());
  const std::string until = text_in(*answer, "confirm_until");
  if (until != "-") {
    text += fmt::format("\nThe newest goes back by itself at {} unless you say `confirm`.\n", short_time(until));
  }
  return Reply{.data = *answer, .text = std::move(text)};
}

Outcome show_revision(Session& session, const Parsed& parsed) {
  const auto answer = session.ask_config("show", {{"revision", number_of(parsed.get("revision"))}}, false);
  if (!answer) return refused(answer.error());
  std::string text =
      fmt::format("Revision {} of {} by {} ({})\n", text_in(*answer, "revision"), short_time(text_in(*answer, "when")),
                  text_in(*answer, "who"), text_in(*answer, "face"));
  const std::string why = text_in(*answer, "why");
  if (!why.empty() && why != "-") text += "  \"" + why + "\"\n";
  for (const json& editor : answer->value("editors", json::array())) {
    if (editor.is_string()) text += "  edited by " + settings::printable(editor.get<std::string>()) + "\n";
  }
  return Reply{.data = *answer, .text = text + numbered_lines(answer->value("steps", json::array()))};
}

Outcome show_candidates(Session& session, const Parsed&) {
  const auto answer = session.ask_config("candidates", json::object(), false);
  if (!answer) return refused(answer.error());
  Table table{{{.title = "CANDIDATE", .wrap = Wrap::when_needed},
               {.title = "WHO", .wrap = Wrap::when_needed},
               {.title = "BASE", .align = Align::right},
               {.title = "CHANGES", .align = Align::right},
               {.title = "CHANGED (UTC)"}}};
  std::string notes;
  for (const json& one : answer->value("candidates", json::array())) {
    table.add({text_in(one, "candidate"), text_in(one, "who"), text_in(one, "base"), text_in(one, "changes"),
               short_time(text_in(one, "changed"))});
    notes += schedule_line(one, session.columns());
  }
  return Reply{.data = *answer,
               .text = table.text_or("There are none.\n", session.columns()) + (notes.empty() ? "" : "\n") + notes};
}

Outcome compare(Session& session, const Parsed& parsed) {
  const bool to = parsed.has("to");
  const bool from = parsed.has("from");
  if (!from && !to && session.candidate().empty()) {
    return refused(Status::syntax, "compare what? `compare from N`, `compare from N to M`");
  }
  Box::Answer answer;
  if (!from && !to) {
    answer = session.ask_config("diff");
  } else {
    json question = json::object();
    auto current = session.ask_config("history", {{"limit", 1}}, false);
    if (!current) return refused(current.error());
    question["from"] = from ? number_of(parsed.get("from")) : current->value("current", std::int64_t{1});
    if (to) question["to"] = number_of(parsed.get("to"));
    answer = session.ask_config("compare", question, !to);
  }
  if (!answer) return refused(answer.error());
  std::string text = change_lines(answer->value("changes", json::array()));
  if (text.empty()) text = "There is no difference.\n";
  return Reply{.data = *answer, .text = std::move(text)};
}

// Who comes too late is told so: the box may be at the revision before by now.
Outcome confirm(Session& session, const Parsed&) {
  auto answer = session.ask_config("confirm", json::object(), false);
  if (answer) {
    return Reply{.data = *answer,
                 .text = fmt::format("Revision {} stays in force.\n",
                                     text_in(answer->value("revision", json::object()), "revision"))};
  }
  const auto history = session.ask_config("history", {{"limit", 1}}, false);
  if (history) {
    const json revisions = history->value("revisions", json::array());
    if (!revisions.empty() && text_in(revisions[0], "face") == "timer") {
      return refused(Status::restored,
                     fmt::format("too late: nobody confirmed in time, and the box went back at {} (revision {})",
                                 short_time(text_in(revisions[0], "when")), text_in(revisions[0], "revision")));
    }
  }
  return refused(answer.error());
}

}  // namespace fulcrum::cli
