#include "control/surface/cli/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "control/model/model.h"
#include "control/surface/cli/commands.h"
#include "control/surface/cli/filters.h"
#include "control/surface/cli/redraw.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kPlaceShown = 28;     // columns of the prompt
constexpr std::size_t kPossibleShown = 12;  // lines below an error
constexpr std::size_t kWordColumns = 22;

void names_of(const json& answer, const char* key, const char* name, std::vector<Hint>& into, const std::string& farm) {
  std::set<std::string> seen;
  for (const json& row : answer.value(key, json::array())) {
    if (!farm.empty() && row.value("farm", "") != farm) continue;
    if (std::string word = row.value(name, ""); seen.insert(word).second) into.push_back({std::move(word), "", true});
  }
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
    constexpr std::size_t kColumns = 79;
    if (line.size() > kColumns) line = line.substr(0, kColumns - 3) + "...";
    text += line + '\n';
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

Status Session::run(std::string_view line) {
  sensitive_ = true;  // until it is known to be none
  const auto parsed = parse(line, grammar());
  if (!parsed) return complain(parsed.error(), line);
  sensitive_ = parsed->sensitive;
  if (parsed->command == nullptr) return Status::good;
  for (const Filter& filter : parsed->filters) {
    if (filter.kind == Filter::Kind::every) return show_every(*parsed, filter.seconds);
  }
  if (parsed->command->every > 0) return show_every(*parsed, parsed->command->every);
  return show(parsed->command->run(*this, *parsed), *parsed);
}

std::string Session::text_of(const Reply& reply, const Parsed& parsed) const {
  if (!settings_.as_json && !parsed.has_filter(Filter::Kind::json)) return reply.text;
  if (!reply.json_lines.empty()) return reply.json_lines;
  if (reply.data.is_null()) return {};
  return reply.data.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
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
      text = filters->apply(counts ? std::move(all) : std::move(text));
      if (screen_.has_colour()) text = coloured(text);
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
  Redraw redraw{screen_.is_terminal() ? screen_.rows() : 0};
  for (;;) {
    const Outcome outcome = parsed.command->run(*this, parsed);
    if (!outcome) return complain(outcome.error(), {});
    std::string text = filters->apply(text_of(*outcome, parsed));
    if (screen_.has_colour()) text = coloured(text);
    if (!screen_.print(redraw.next(text), false)) return Status::failed;
    if (screen_.pause(std::chrono::seconds{seconds})) return outcome->status;
  }
}

Status Session::complain(const Trouble& trouble, std::string_view line) {
  std::string text;
  if (settings_.as_json) {
    json error = trouble.json;
    if (!error.is_object()) {
      constexpr const char* kCodes[] = {"good",      "failed",   "syntax",   "invalid",
                                        "not_found", "conflict", "restored", "unconfirmed"};
      error = {{"error", {{"code", kCodes[static_cast<std::size_t>(trouble.status)]}, {"text", trouble.text}}}};
    }
    text = error.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  } else {
    const std::string head = screen_.is_terminal() ? "" : "fulcrum: ";
    if (trouble.column && is_clean(line)) {
      // The line again: what was typed may have scrolled, and a script's line was never seen. Long ones in part.
      constexpr std::size_t kColumns = 76;
      const std::size_t from = *trouble.column > kColumns / 2 ? *trouble.column - kColumns / 2 : 0;
      text += fmt::format("  {}\n  {:>{}}\n", line.substr(std::min(from, line.size()), kColumns), "^",
                          *trouble.column - from + 1);
    }
    const bool red = screen_.has_colour();
    text += fmt::format("{}{}{}{}\n", red ? "\033[31m" : "", head, trouble.text, red ? "\033[0m" : "");
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

std::vector<Hint> Session::servers(const std::string& farm) {
  std::vector<Hint> hints;
  if (const auto answer = box_.ask({{"show", "servers"}})) names_of(*answer, "servers", "name", hints, farm);
  return hints;
}

}  // namespace fulcrum::cli
