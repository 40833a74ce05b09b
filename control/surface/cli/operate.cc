// Commands that look at traffic, and end some of it.
#include <fmt/format.h>

#include <algorithm>

#include "control/surface/cli/answer_parts.h"
#include "control/surface/cli/commands.h"
#include "control/surface/cli/explain.h"
#include "control/surface/cli/handlers.h"
#include "control/surface/cli/show.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

bool is_number(const Command& command, const std::string& key) {
  return std::any_of(command.options.begin(), command.options.end(), [&](const Option& option) {
    return option.word == key && option.value.kind == Argument::Kind::number;
  });
}

// What was given to a command, under the keys of a question.
json given_of(const Parsed& parsed) {
  json question = json::object();
  for (const auto& [key, value] : parsed.given) {
    question[key] = is_number(*parsed.command, key) ? json(number_of(value)) : json(value);
  }
  return question;
}

// The question that a command with filters asks.
json question_of(const Parsed& parsed, const char* verb) {
  json question = given_of(parsed);
  question.erase("all");
  question[verb] = parsed.command->word;
  return question;
}

Outcome shown(Session& session, const std::string& what, const json& question) {
  const auto answer = session.box().ask(question);
  if (!answer) return refused(answer.error());
  return Reply{.data = *answer, .text = page(what, *answer)};
}

// Page after page, each as soon as it is there: of millions of entries the reader sees the first at once, and neither
// end ever holds more than a page.
Outcome next_page(Session& session, const std::string& what, json question) {
  auto answer = session.box().ask(question);
  if (!answer) return refused(answer.error());
  const json next = answer->value("next", json());
  (*answer)["next"] = nullptr;
  Reply reply{.data = *answer, .text = page(what, *answer)};
  for (const json& entry : answer->value(what, json::array())) reply.json_lines += entry.dump() + "\n";
  if (reply.json_lines.empty()) reply.data = nullptr;
  if (next.is_number()) {
    question["offset"] = next;
    reply.next = [&session, what, question] { return next_page(session, what, question); };
  }
  return reply;
}

constexpr const char* kHelp =
    "Press ? for what may stand where the cursor is, Tab to complete it. Words may\n"
    "be shortened as long as they are unique. Behind a | stand filters: match,\n"
    "except, count, json, every, no-more.\n"
    "\n"
    "  Left, Right, Ctrl-A, Ctrl-E    move      Ctrl-W, Ctrl-U, Ctrl-K   delete\n"
    "  Up, Down                       history   Ctrl-C                   give up\n"
    "  Ctrl-L                         redraw    Ctrl-D                   leave\n"
    "  Ctrl-V                         the next key as it is (for a ?)\n";

}  // namespace

Reply said(std::string text, nlohmann::ordered_json data) {
  Reply reply{.data = std::move(data), .text = std::move(text)};
  return reply;
}

tl::unexpected<Trouble> refused(Trouble trouble) { return tl::unexpected<Trouble>{std::move(trouble)}; }

tl::unexpected<Trouble> refused(Status status, std::string text) {
  return refused(Trouble{.status = status, .text = std::move(text)});
}

Outcome show_table(Session& session, const Parsed& parsed) {
  return shown(session, parsed.command->word, question_of(parsed, "show"));
}

Outcome show_rates(Session& session, const Parsed& parsed) {
  json question{{"show", "rates"}};
  if (parsed.command->word != "rates") question["of"] = parsed.command->word;
  if (!parsed.has("name") && !parsed.given.empty()) {
    return refused(Status::syntax, "the past of what? Name it: `show rates farms NAME minutes 5`");
  }
  if (parsed.has("name")) question["name"] = parsed.get("name");
  if (parsed.has("minutes")) question["from"] = -60 * number_of(parsed.get("minutes"));
  if (parsed.has("step")) question["step"] = number_of(parsed.get("step"));
  if (parsed.has("maximum")) question["function"] = "maximum";
  return shown(session, "rates", question);
}

Outcome explain(Session& session, const Parsed& parsed) {
  json packet = given_of(parsed);
  json question = json::object();
  for (const char* key : {"candidate", "revision"}) {
    if (!packet.contains(key)) continue;
    question[key] = packet[key];
    packet.erase(key);
  }
  question["explain"] = std::move(packet);
  const auto answer = session.box().ask(question);
  if (!answer) return refused(answer.error());
  return Reply{.data = *answer, .text = explain_page(*answer)};
}

Outcome show_entries(Session& session, const Parsed& parsed) {
  json question = question_of(parsed, "show");
  if (!parsed.has("all")) return shown(session, parsed.command->word, question);
  constexpr int kPage = 1000;
  question["limit"] = kPage;
  return next_page(session, parsed.command->word, std::move(question));
}

Outcome clear_entries(Session& session, const Parsed& parsed) {
  json question = question_of(parsed, "clear");
  if (parsed.has("all")) {
    question["all"] = true;
    const auto agreed = session.screen().ask(fmt::format("Clear all {}?", parsed.command->word), false);
    if (!agreed.value_or(!session.screen().is_terminal())) return said("Nothing was cleared.\n");
  }
  const auto answer = session.box().ask(question);
  if (!answer) return refused(answer.error());
  return Reply{.data = *answer, .text = cleared_text(parsed.command->word, *answer)};
}

Outcome show_help(Session& session, const Parsed&) {
  const auto& commands = session.mode() == Mode::operate ? operational_commands() : configuration_commands();
  std::vector<Hint> hints;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Command& command : commands) {
    hints.push_back({command.word, command.help, true});
    list.push_back({{"command", command.word}, {"help", command.help}});
  }
  return said(hint_lines(hints, hints.size()) + "\n" + kHelp, {{"commands", list}});
}

Outcome leave(Session& session, const Parsed&) {
  session.end();
  return Reply{};
}

}  // namespace fulcrum::cli
