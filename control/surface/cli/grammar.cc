#include "control/surface/cli/grammar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "dataplane/base/settings_words.h"

namespace fulcrum::cli {
namespace {

using Kind = Argument::Kind;

std::optional<Trouble> wrong(Status status, std::string text, std::vector<Hint> possible = {}) {
  return Trouble{.status = status, .text = std::move(text), .column = {}, .possible = std::move(possible), .json = {}};
}

std::optional<std::int64_t> number_in(const std::string& word) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return number;
}

// Goes along the tree with the words of one command.
class Match {
 public:
  explicit Match(const Grammar& grammar) : grammar_{grammar} {}

  std::optional<Trouble> take(const std::string& word) {
    if (walk_) return walk_->take(word, grammar_.names);
    if (awaited_ != nullptr) {
      auto refused = take_value(word);
      if (!refused || awaited_->required) return refused;
      awaited_ = nullptr;  // it does without
    }
    const auto known = hints();
    bool ambiguous = false;
    const Hint* chosen = choose(known, word, ambiguous);
    if (chosen != nullptr && take_word(chosen->word)) return std::nullopt;
    if (const Argument* argument = next_argument(); argument != nullptr) return take_argument(*argument, word);
    if (ambiguous) {
      return wrong(Status::syntax, fmt::format("{} is ambiguous", settings::quoted(word)), beginning_with(known, word));
    }
    if (known.empty()) return wrong(Status::syntax, "nothing may follow here");
    const std::string what = command_ == nullptr ? "no command" : "not known here";
    return wrong(Status::syntax, fmt::format("{} is {}", settings::quoted(word), what), known);
  }

  [[nodiscard]] std::vector<Hint> hints() const {
    if (walk_) return walk_->hints(grammar_.names);
    if (awaited_ != nullptr) return hints_of(*awaited_);
    std::vector<Hint> hints;
    if (command_ == nullptr || (given_.empty() && argument_ == 0)) {
      for (const Command& one : command_ == nullptr ? grammar_.commands : command_->below) {
        hints.push_back({one.word, one.help, true});
      }
    }
    if (command_ == nullptr) return hints;
    if (const Argument* argument = next_argument(); argument != nullptr) {
      const auto more = hints_of(*argument);
      hints.insert(hints.end(), more.begin(), more.end());
      if (argument->required) return hints;
    }
    for (const Option& option : command_->options) {
      if (given_.count(option.word) == 0) hints.push_back({option.word, option.help, true});
    }
    return hints;
  }

  // Whether the command may end here.
  std::optional<Trouble> finish(Parsed& parsed) {
    if (command_ == nullptr) return std::nullopt;
    if (awaited_ != nullptr && awaited_->required) return wrong(Status::syntax, "this is not complete", hints());
    if (command_->run == nullptr) return wrong(Status::syntax, "this is not complete", hints());
    if (!walk_ && next_argument() != nullptr && next_argument()->kind == Kind::setting && next_argument()->required) {
      begin_walk(*next_argument());
    }
    if (walk_) {
      if (auto missing = walk_->unfinished(grammar_.names)) return missing;
      parsed.has_path = true;
      parsed.path = walk_->path();
      parsed.edits = walk_->edits();
      parsed.sensitive = walk_->sensitive();
      if (walk_->words_behind()) given_["words"] = *walk_->words_behind();
    } else if (next_argument() != nullptr && next_argument()->required) {
      return wrong(Status::syntax, "this is not complete", hints());
    }
    parsed.command = command_;
    parsed.way = way_;
    parsed.given = given_;
    parsed.sensitive = parsed.sensitive || command_->sensitive;
    return std::nullopt;
  }

 private:
  [[nodiscard]] const Argument* next_argument() const {
    if (command_ == nullptr || argument_ >= command_->arguments.size()) return nullptr;
    return &command_->arguments[argument_];
  }

  // A word of the tree; false when it is one of an argument's.
  bool take_word(const std::string& word) {
    if (command_ == nullptr || (given_.empty() && argument_ == 0)) {
      for (const Command& one : command_ == nullptr ? grammar_.commands : command_->below) {
        if (one.word != word) continue;
        command_ = &one;
        way_.push_back(word);
        return true;
      }
    }
    if (command_ == nullptr || (next_argument() != nullptr && next_argument()->required)) return false;
    for (const Option& option : command_->options) {
      if (option.word != word || given_.count(word) != 0) continue;
      given_[word] = {};
      option_ = word;
      awaited_ = option.value.kind == Kind::nothing ? nullptr : &option.value;
      return true;
    }
    return false;
  }

  std::optional<Trouble> take_value(const std::string& word) {
    if (auto refused = check(*awaited_, word)) return refused;
    given_[option_] = value(*awaited_, word);
    awaited_ = nullptr;
    return std::nullopt;
  }

  void begin_walk(const Argument& argument) {
    walk_.emplace(grammar_.shape, grammar_.base, argument.purpose);
    given_[argument.name] = {};
    ++argument_;
  }

  std::optional<Trouble> take_argument(const Argument& argument, const std::string& word) {
    if (argument.kind == Kind::setting) {
      begin_walk(argument);
      return walk_->take(word, grammar_.names);
    }
    if (argument.kind == Kind::member && word == "server") return std::nullopt;
    if (auto refused = check(argument, word)) return refused;
    given_[argument.name] = value(argument, word);
    ++argument_;
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Trouble> check(const Argument& argument, const std::string& word) const {
    if (argument.kind != Kind::number) {
      if (word.empty()) return wrong(Status::invalid, "an empty word means nothing here", hints_of(argument));
      if (!argument.is_closed || full(argument, word) != nullptr) return std::nullopt;
      return wrong(Status::invalid, fmt::format("{} is no {}", settings::quoted(word), argument.name),
                   argument.choices);
    }
    const auto number = number_in(word);
    if (number && *number >= argument.min && *number <= argument.max) return std::nullopt;
    return wrong(Status::invalid, fmt::format("{} is {}: {}", settings::quoted(word),
                                              number ? "out of bounds" : "not a number", bounds_words(argument)));
  }

  // The choice that `word` stands for, shortened or not; null: none.
  static const Hint* full(const Argument& argument, const std::string& word) {
    bool ambiguous = false;
    return choose(argument.choices, word, ambiguous);
  }

  static std::string value(const Argument& argument, const std::string& word) {
    const Hint* chosen = argument.is_closed ? full(argument, word) : nullptr;
    return chosen == nullptr ? word : chosen->word;
  }

  static std::string bounds_words(const Argument& argument) {
    if (argument.max == std::numeric_limits<std::int64_t>::max()) return fmt::format("from {}", argument.min);
    return fmt::format("{} to {}", argument.min, argument.max);
  }

  [[nodiscard]] std::vector<Hint> hints_of(const Argument& argument) const {
    std::vector<Hint> hints = argument.choices;
    if (argument.kind == Kind::setting)
      return SettingWalk{grammar_.shape, grammar_.base, argument.purpose}.hints(grammar_.names);
    if (argument.kind == Kind::farm) hints = grammar_.names.farms();
    if (argument.kind == Kind::member) hints = grammar_.names.members();
    if (argument.kind == Kind::place) {
      hints = grammar_.names.farms();
      for (Hint& one : grammar_.names.members()) hints.push_back(std::move(one));
    }
    if (argument.kind == Kind::port) hints = grammar_.names.elements({{"ports", false}});
    if (argument.kind == Kind::server) {
      const auto farm = given_.find("farm");
      hints = grammar_.names.servers(farm == given_.end() ? std::string{} : farm->second);
    }
    std::string help = argument.help;
    if (argument.kind == Kind::number) help += ": a number, " + bounds_words(argument);
    if (!argument.is_closed) hints.push_back({fmt::format("<{}>", argument.name), std::move(help), false});
    return hints;
  }

  const Grammar& grammar_;
  const Command* command_ = nullptr;
  const Argument* awaited_ = nullptr;  // value of option_
  std::string option_;
  std::size_t argument_ = 0;
  std::optional<SettingWalk> walk_;
  std::vector<std::string> way_;
  std::map<std::string, std::string> given_;
};

// One part behind a '|'.
class FilterMatch {
 public:
  std::optional<Trouble> take(const std::string& word) {
    if (!kind_) {
      bool ambiguous = false;
      const Hint* chosen = choose(filter_hints(), word, ambiguous);
      if (chosen == nullptr) {
        return wrong(Status::syntax,
                     fmt::format("{} is {}", settings::quoted(word), ambiguous ? "ambiguous" : "no filter"),
                     ambiguous ? beginning_with(filter_hints(), word) : filter_hints());
      }
      kind_ = static_cast<Filter::Kind>(chosen - filter_hints().data());
      return std::nullopt;
    }
    if (is_complete() || !takes_value()) return wrong(Status::syntax, "nothing may follow here but another '|'");
    if (*kind_ == Filter::Kind::every) {
      const auto seconds = number_in(word);
      if (!seconds || *seconds < 1 || *seconds > 3600) {
        return wrong(Status::invalid, fmt::format("{} is not a number of seconds, 1 to 3600", settings::quoted(word)));
      }
      seconds_ = *seconds;
    } else {
      pattern_ = word;
    }
    has_value_ = true;
    return std::nullopt;
  }

  [[nodiscard]] std::vector<Hint> hints() const {
    if (!kind_) return filter_hints();
    if (has_value_ || !takes_value()) return {{"|", "another filter", false}};
    if (*kind_ == Filter::Kind::every) return {{"<seconds>", "1 to 3600; until a key is pressed", false}};
    return {{"<pattern>", "extended regular expression; in quotes when it has blanks or a '|'", false}};
  }

  std::optional<Trouble> finish(Parsed& parsed) const {
    if (!kind_) return wrong(Status::syntax, "a filter is missing after the '|'", hints());
    if (!is_complete()) return wrong(Status::syntax, "this filter is not complete", hints());
    parsed.filters.push_back({*kind_, pattern_, seconds_});
    return std::nullopt;
  }

 private:
  [[nodiscard]] bool takes_value() const {
    return kind_ && (*kind_ == Filter::Kind::match || *kind_ == Filter::Kind::except || *kind_ == Filter::Kind::every);
  }
  [[nodiscard]] bool is_complete() const { return kind_ && (has_value_ || !takes_value()); }

  std::optional<Filter::Kind> kind_;
  std::string pattern_;
  std::int64_t seconds_ = 0;
  bool has_value_ = false;
};

template <class Matcher>
std::optional<Trouble> take_all(Matcher& matcher, const std::vector<Word>& words, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (auto trouble = matcher.take(words[i].text)) {
      trouble->column = words[i].begin;
      return trouble;
    }
  }
  return std::nullopt;
}

// Where the next word of a part would stand.
std::size_t end_of(const std::vector<Word>& words, std::size_t otherwise) {
  return words.empty() ? otherwise : words.back().end + 1;
}

template <class Matcher>
void suggest(Matcher matcher, const std::vector<Word>& words, std::size_t whole, Completion& completion) {
  completion.trouble = take_all(matcher, words, whole);
  if (completion.trouble) return;
  const auto all = matcher.hints();
  completion.hints = beginning_with(all, completion.word);
  if (!completion.hints.empty()) {
    completion.extended = completion.hints.front().word;
    for (const Hint& hint : completion.hints) {
      const auto [here, there] =
          std::mismatch(completion.extended.begin(), completion.extended.end(), hint.word.begin(), hint.word.end());
      completion.extended.erase(here, completion.extended.end());
    }
    completion.is_whole = completion.hints.size() == 1;
  }
  // What may be anything is told too, but only named.
  std::copy_if(all.begin(), all.end(), std::back_inserter(completion.hints),
               [](const Hint& hint) { return !hint.is_literal; });
}

}  // namespace

bool Parsed::has_filter(Filter::Kind kind) const {
  return std::any_of(filters.begin(), filters.end(), [&](const Filter& filter) { return filter.kind == kind; });
}

const std::vector<Hint>& filter_hints() {
  static const std::vector<Hint> hints{
      {"match", "only rows that match a regular expression", true},
      {"except", "only rows that do not", true},
      {"count", "how many rows there are", true},
      {"json", "as JSON", true},
      {"yaml", "as YAML", true},
      {"table", "as text, also after --json", true},
      {"every", "again every so many seconds, until a key is pressed", true},
      {"no-more", "without stopping at the end of the screen", true},
  };
  return hints;
}

tl::expected<Parsed, Trouble> parse(std::string_view text, const Grammar& grammar) {
  auto line = split(text);
  if (!line) return tl::unexpected<Trouble>{std::move(line.error())};
  if (line->open_quote) {
    return tl::unexpected<Trouble>{
        Trouble{.status = Status::syntax, .text = "a quote is not closed", .column = line->parts.back().back().begin}};
  }
  Parsed parsed;
  Match match{grammar};
  const auto fail_at = [&](std::optional<Trouble> trouble, std::size_t column) {
    if (!trouble->column) trouble->column = column;
    return tl::unexpected<Trouble>{std::move(*trouble)};
  };
  if (auto trouble = take_all(match, line->command(), line->command().size())) return fail_at(trouble, 0);
  if (auto trouble = match.finish(parsed)) return fail_at(trouble, end_of(line->command(), line->end));
  if (parsed.command == nullptr && line->parts.size() > 1) {
    return fail_at(wrong(Status::syntax, "a command is missing before the '|'"), 0);
  }
  for (std::size_t i = 1; i < line->parts.size(); ++i) {
    FilterMatch filter;
    const auto& words = line->parts[i];
    if (auto trouble = take_all(filter, words, words.size())) return fail_at(trouble, 0);
    if (auto trouble = filter.finish(parsed)) return fail_at(trouble, end_of(words, line->end));
  }
  return parsed;
}

Completion complete(std::string_view text, const Grammar& grammar) {
  Completion completion;
  completion.begin = text.size();
  const auto line = split(text);
  if (!line) {
    completion.trouble = line.error();
    return completion;
  }
  const auto& words = line->parts.back();
  const bool begun = !words.empty() && words.back().end == text.size();
  if (begun) {
    completion.begin = words.back().begin;
    completion.word = words.back().text;
  }
  const std::size_t whole = words.size() - (begun ? 1 : 0);
  completion.extended = completion.word;
  if (line->parts.size() == 1) {
    suggest(Match{grammar}, words, whole, completion);
  } else {
    suggest(FilterMatch{}, words, whole, completion);
  }
  return completion;
}

}  // namespace fulcrum::cli
