#include "control/surface/cli/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "control/model/model.h"
#include "control/surface/cli/commands.h"
#include "control/surface/cli/filters.h"
#include "control/surface/cli/redraw.h"
#include "control/surface/cli/yaml.h"
#include "dataplane/base/settings_words.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kPlaceShown = 28;     // columns of the prompt
constexpr std::size_t kPossibleShown = 12;  // lines below an error
constexpr std::size_t kWordColumns = 22;
constexpr std::size_t kHintColumns = 79;
constexpr std::size_t kColumnsLeast = 40;  // whatever a terminal says

void names_of(const json& answer, const char* key, const char* name, std::vector<Hint>& into, const std::string& farm) {
  std::set<std::string> seen;
  for (const json& row : answer.value(key, json::array())) {
    if (!farm.empty() && row.value("farm", "") != farm) continue;
    if (std::string word = row.value(name, ""); seen.insert(word).second) into.push_back({std::move(word), "", true});
  }
}

// Of answers that come in pages each object is an element of one list.
std::string yaml_of(const Reply& reply) {
  if (reply.json_lines.empty()) return reply.data.is_null() ? std::string{} : yaml_text(reply.data);
  nlohmann::ordered_json list;
  std::string_view rest = reply.json_lines;
  for (std::size_t end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
    list.push_back(nlohmann::ordered_json::parse(rest.substr(0, end), nullptr, false));
    rest.remove_prefix(end + 1);
  }
  return yaml_text(list);
}

// The lines of a text, each made fit for a terminal.
std::string lines_of(std::string_view text, std::string (*fit)(std::string_view)) {
  std::string made;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    made += fit(text.substr(0, end));
    if (end == text.npos) break;
    made += '\n';
    text.remove_prefix(end + 1);
  }
  return made;
}

}  // namespace

std::string hint_lines(const std::vector<Hint>& hints, std::size_t most) {
  std::string text;
  std::size_t shown = 0;
  for (const Hint& hint : hints) {
    if (shown++ == most) {
      text += fmt::format("  and {} more; ? lists them\n", hints.size() - most);
      break;
    }
    std::string line = "  " + (hint.is_literal ? typed(hint.word) : hint.word);
    if (!hint.help.empty()) {
      line.resize(std::max(line.size() + 2, kWordColumns), ' ');
      line += hint.help;
    }
    text += folded(settings::printable(line), kHintColumns, kWordColumns);
  }
  return text;
}

Session::Session(Box& box, Screen& screen, Settings settings)
    : box_{box}, screen_{screen}, settings_{std::move(settings)} {}

Grammar Session::grammar() {
  return {mode_ == Mode::operate ? operational_commands() : configuration_commands(), *model::description().shape(),
          place_, *this};
}

Completion Session::complete_line(std::string_view line) { return complete(line, grammar()); }

bool Session::is_complete(std::string_view line) {
  const auto parsed = parse(line, grammar());
  return parsed && parsed->command != nullptr;
}

// Of a command that the other mode has, and nothing like it this one: how to come to it.
std::optional<Trouble> Session::in_the_other_mode(std::string_view line) const {
  const auto words = split(line);
  if (!words || words->command().empty()) return std::nullopt;
  const std::string& word = words->command().front().text;
  const bool operates = mode_ == Mode::operate;
  const auto has = [&](const std::vector<Command>& commands, const auto& is) {
    return std::any_of(commands.begin(), commands.end(), [&](const Command& one) { return is(one.word); });
  };
  const auto& mine = operates ? operational_commands() : configuration_commands();
  const auto& others = operates ? configuration_commands() : operational_commands();
  if (has(mine, [&](const std::string& one) { return one.starts_with(word); })) return std::nullopt;
  if (!has(others, [&](const std::string& one) { return one == word; })) return std::nullopt;
  return Trouble{.status = Status::syntax,
                 .text = operates ? fmt::format("{} is a command of configuration: say `configure` first", word)
                                  : fmt::format("{} is no command of configuration: `exit` leaves it", word)};
}

Status Session::run(std::string_view line) {
  sensitive_ = true;  // until it is known to be none
  const auto parsed = parse(line, grammar());
  if (!parsed) return complain(in_the_other_mode(line).value_or(parsed.error()), line);
  sensitive_ = parsed->sensitive;
  if (parsed->command == nullptr) return Status::good;
  const bool picks = parsed->has_filter(Filter::Kind::match) || parsed->has_filter(Filter::Kind::except);
  columns_ = parsed->has_filter(Filter::Kind::count) ? Table::counted
             : picks                                 ? Table::unbounded
                                                     : std::max(screen_.columns(), kColumnsLeast);
  for (const Filter& filter : parsed->filters) {
    if (filter.kind == Filter::Kind::every) return show_every(*parsed, filter.seconds);
  }
  if (parsed->command->every > 0) return show_every(*parsed, parsed->command->every);
  return show(parsed->command->run(*this, *parsed), *parsed);
}

// json, yaml or table: the last that was said.
Filter::Kind Session::form_of(const Parsed& parsed) const {
  Filter::Kind form = settings_.as_json ? Filter::Kind::json : Filter::Kind::table;
  for (const Filter& filter : parsed.filters) {
    if (filter.kind == Filter::Kind::json || filter.kind == Filter::Kind::yaml || filter.kind == Filter::Kind::table) {
      form = filter.kind;
    }
  }
  return form;
}

std::string Session::text_of(const Reply& reply, const Parsed& parsed) const {
  switch (form_of(parsed)) {
    case Filter::Kind::table:
      return lines_of(columns_ == Table::counted ? rows_of(reply.text) : reply.text, settings::printable);
    case Filter::Kind::yaml:
      return lines_of(yaml_of(reply), printable_json);
    default:
      break;
  }
  if (!reply.json_lines.empty()) return lines_of(reply.json_lines, printable_json);
  if (reply.data.is_null()) return {};
  return lines_of(reply.data.dump(2, ' ', false, json::error_handler_t::replace) + "\n", printable_json);
}

// What filters leave of a text, as the screen gets it: their rows may be wider than it.
std::string Session::drawn(std::string text, const TextFilters& filters) const {
  constexpr std::size_t kIndent = 4;
  text = filters.apply(std::move(text));
  if (!filters.empty() && screen_.columns() != Table::unbounded) {
    text = folded(text, std::max(screen_.columns(), kColumnsLeast), kIndent);
  }
  return screen_.has_colour() ? coloured(text) : text;
}

Status Session::show(Outcome outcome, const Parsed& parsed) {
  auto filters = TextFilters::make(parsed.filters);
  if (!filters) return complain(filters.error(), {});
  const bool counts = parsed.has_filter(Filter::Kind::count);
  std::string all;
  for (;;) {
    if (!outcome) return complain(outcome.error(), {});
    std::string text = text_of(*outcome, parsed);
    if (counts) {
      all += text;  // one number for all pages
      text.clear();
    }
    if (counts ? !outcome->next : true) {
      text = drawn(counts ? std::move(all) : std::move(text), *filters);
      if (!screen_.print(text, !parsed.has_filter(Filter::Kind::no_more))) {
        return screen_.is_terminal() ? outcome->status : Status::failed;
      }
    }
    if (!outcome->next) return outcome->status;
    outcome = outcome->next();
  }
}

// Draws over what it drew before where it may, and only what has changed: at 9600 baud a whole page takes a second.
Status Session::show_every(const Parsed& parsed, std::int64_t seconds) {
  auto filters = TextFilters::make(parsed.filters);
  if (!filters) return complain(filters.error(), {});
  Redraw redraw{screen_.only_prints() ? 0 : screen_.rows()};
  for (;;) {
    const Outcome outcome = parsed.command->run(*this, parsed);
    if (!outcome) return complain(outcome.error(), {});
    const std::string text = drawn(text_of(*outcome, parsed), *filters);
    if (!screen_.print(redraw.next(text), false)) return Status::failed;
    if (screen_.pause(std::chrono::seconds{seconds})) return outcome->status;
  }
}

Status Session::complain(const Trouble& trouble, std::string_view line) {
  std::string text;
  if (settings_.as_json) {
    json error = trouble.json;
    if (!error.is_object()) {
      constexpr const char* kCodes[] = {"good",     "failed",   "syntax",      "invalid", "not_found",
                                        "conflict", "restored", "unconfirmed", "pending"};
      error = {{"error", {{"code", kCodes[static_cast<std::size_t>(trouble.status)]}, {"text", trouble.text}}}};
    }
    text = lines_of(error.dump(2, ' ', false, json::error_handler_t::replace) + "\n", printable_json);
  } else {
    const std::string head = screen_.is_terminal() ? "" : "fulcrum: ";
    if (trouble.column && is_clean(line)) {
      // The line again: what was typed may have scrolled, and a script's line was never seen. Long ones in part.
      constexpr std::size_t kColumns = 76;
      const std::size_t from = *trouble.column > kColumns / 2 ? *trouble.column - kColumns / 2 : 0;
      text += fmt::format("  {}\n  {:>{}}\n", line.substr(std::min(from, line.size()), kColumns), "^",
                          *trouble.column - from + 1);
    }
    std::string told = lines_of(trouble.text, settings::printable);
    told.erase(told.find_last_not_of('\n') + 1);
    const bool red = screen_.has_colour();
    text += fmt::format("{}{}{}{}\n", red ? "\033[31m" : "", head, told, red ? "\033[0m" : "");
    text += hint_lines(trouble.possible, kPossibleShown);
  }
  screen_.complain(text);
  return trouble.status;
}

std::string Session::prompt() const {
  if (mode_ == Mode::operate) return settings_.host + "> ";
  std::string place = document::text_of(place_);
  if (place.size() > kPlaceShown) place = "..." + place.substr(place.size() - kPlaceShown + 3);
  if (!place.empty()) place = " " + place;
  return fmt::format("{} [edit{}]{}# ", settings_.host, place, changes_ > 0 ? "*" : "");
}

void Session::enter(std::string candidate, std::size_t changes) {
  mode_ = Mode::configure;
  candidate_ = std::move(candidate);
  changes_ = changes;
  place_.clear();
}

void Session::leave_configuration() {
  mode_ = Mode::operate;
  candidate_.clear();
  place_.clear();
  changes_ = 0;
}

Box::Answer Session::ask_config(const std::string& verb, json question, bool with_candidate) {
  question["config"] = verb;
  if (with_candidate && !candidate_.empty()) question["candidate"] = candidate_;
  auto answer = box_.ask(question);
  if (answer && answer->contains("candidate")) {
    if (const auto changes = answer->find("changes"); changes != answer->end() && changes->is_number_unsigned()) {
      changes_ = changes->get<std::size_t>();
    }
  }
  return answer;
}

std::vector<Hint> Session::elements(const document::Path& path) {
  std::vector<Hint> hints;
  const auto answer = ask_config("suggest", {{"path", document::text_of(path)}});
  if (!answer) return hints;
  for (const json& one : answer->value("suggestions", json::array())) {
    if (one.value("element", false)) hints.push_back({one.value("word", ""), one.value("help", ""), true});
  }
  return hints;
}

std::vector<Hint> Session::farms() {
  std::vector<Hint> hints;
  if (const auto answer = box_.ask({{"show", "farms"}})) names_of(*answer, "farms", "name", hints, "");
  return hints;
}

std::vector<Hint> Session::members() {
  std::vector<Hint> hints;
  const auto answer = box_.ask({{"show", "servers"}});
  if (!answer) return hints;
  std::set<std::string> seen;
  for (const json& row : answer->value("servers", json::array())) {
    std::string word = row.value("farm", "") + "/" + row.value("name", "");
    if (seen.insert(word).second) hints.push_back({std::move(word), "", true});
  }
  return hints;
}

std::vector<Hint> Session::servers(const std::string& farm) {
  std::vector<Hint> hints;
  if (const auto answer = box_.ask({{"show", "servers"}})) names_of(*answer, "servers", "name", hints, farm);
  return hints;
}

}  // namespace fulcrum::cli
