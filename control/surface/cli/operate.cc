// Commands that look at traffic, and end some of it.
#include <fmt/format.h>

#include <algorithm>

#include "control/surface/cli/answer_parts.h"
#include "control/surface/cli/commands.h"
#include "control/surface/cli/explain.h"
#include "control/surface/cli/handlers.h"
#include "control/surface/cli/show.h"
#include "dataplane/base/settings_words.h"

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

// An address and port of a service ("port" to "last_port", "protocol") that a packet from `source` may go to; empty:
// none. `port` 0: any.
std::string endpoint_in(const json& service, const json& packet, std::int64_t port) {
  const std::string source = packet.value("source", "");
  const std::string address = text_in(service, "address");
  const std::int64_t first = signed_in(service, "port");
  const std::int64_t last = std::max(first, signed_in(service, "last_port"));
  const bool is_v6 = address.find(':') != address.npos;
  if (text_in(service, "protocol") != packet.value("protocol", "") || is_v6 != source.starts_with('[') ||
      (port != 0 && (port < first || port > last))) {
    return {};
  }
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", address, is_v6 ? "]" : "", port == 0 ? first : port);
}

// The address and port of a destination that is named by its farm, "shop:80" or "shop", in the family of the source.
// What is an address already stays as it is.
tl::expected<std::string, Trouble> address_of(Session& session, const json& packet) {
  const std::string destination = packet.value("destination", "");
  const std::size_t colon = destination.find(':');
  const std::string name = destination.substr(0, colon);
  if (name.find_first_not_of("0123456789.") == name.npos || name.front() == '[') return destination;
  const std::int64_t port = colon == destination.npos ? 0 : number_of(destination.substr(colon + 1));
  const auto answer = session.box().ask({{"show", "farms"}});
  if (!answer) return refused(answer.error());
  for (const json& farm : part_in(*answer, "farms")) {
    if (text_in(farm, "name") != name) continue;
    for (const json& service : part_in(farm, "services")) {
      if (std::string found = endpoint_in(service, packet, port); !found.empty()) return found;
    }
    return refused(Status::not_found,
                   fmt::format("farm {} has no such service for this source; `show farms` lists what it has", name));
  }
  return refused(Status::not_found,
                 fmt::format("{} is neither an address with a port nor a farm", settings::quoted(destination)));
}

Outcome shown(Session& session, const std::string& what, const json& question) {
  const auto answer = session.box().ask(question);
  if (!answer) return refused(answer.error());
  return Reply{.data = *answer, .text = page(what, *answer, session.columns())};
}

// Page after page, each as soon as it is there: of millions of entries the reader sees the first at once, and neither
// end ever holds more than a page.
Outcome next_page(Session& session, const std::string& what, json question) {
  auto answer = session.box().ask(question);
  if (!answer) return refused(answer.error());
  const json next = answer->value("next", json());
  (*answer)["next"] = nullptr;
  Reply reply{.data = *answer, .text = page(what, *answer, session.columns())};
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
    "except, count, json, yaml, table, every, no-more.\n"
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

Outcome show_interfaces(Session& session, const Parsed&) {
  const auto answer = session.box().ask({{"show", "drops"}});
  if (!answer) return refused(answer.error());
  nlohmann::ordered_json data = nlohmann::ordered_json::object();
  for (const char* key : {"dataplane", "ports", "lost_before_receive"}) data[key] = part_in(*answer, key);
  return Reply{.data = std::move(data), .text = page("interfaces", *answer, session.columns())};
}

Outcome show_health(Session& session, const Parsed& parsed) {
  json question{{"show", "health"}};
  if (const std::string place = parsed.get("place"); !place.empty()) {
    const std::size_t slash = place.find('/');
    question["farm"] = place.substr(0, slash);
    if (slash != place.npos) question["server"] = place.substr(slash + 1);
  }
  return shown(session, "health", question);
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
  auto destination = address_of(session, packet);
  if (!destination) return refused(destination.error());
  packet["destination"] = std::move(*destination);
  question["explain"] = std::move(packet);
  const auto answer = session.box().ask(question);
  if (!answer) return refused(answer.error());
  return Reply{.data = *answer, .text = explain_page(*answer, session.columns())};
}

Outcome show_entries(Session& session, const Parsed& parsed) {
  json question = question_of(parsed, "show");
  const std::string table = parsed.command->word == "flows" ? "connections" : parsed.command->word;
  question["show"] = table;
  if (!parsed.has("all")) return shown(session, table, question);
  constexpr int kPage = 1000;
  question["limit"] = kPage;
  return next_page(session, table, std::move(question));
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
