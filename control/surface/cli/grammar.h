// The commands as a tree of data, and how a line is matched against it. One tree serves the prompt, single commands of
// the shell, scripts, completion, help and the manual page.
//
// Words may be shortened as long as they are unique. A command has words below it, or arguments in order, or options
// (a word, most with a value) in any order behind the required arguments, or all of these. Matching goes word by word;
// what may stand at a place is the same list for matching, for completion, for `?` and for telling what would have been
// right.
#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/surface/cli/line.h"
#include "control/surface/cli/setting_walk.h"

namespace fulcrum::cli {

class Session;
struct Parsed;
struct Reply;
using Outcome = tl::expected<Reply, Trouble>;
using Run = Outcome (*)(Session&, const Parsed&);

struct Argument {
  enum class Kind : std::uint8_t {
    word,
    number,
    farm,
    server,
    member,  // "farm/server"; the word "server" may stand before it
    place,   // a farm, or "farm/server"
    port,
    setting,
    nothing
  };
  std::string name;
  std::string help;
  Kind kind = Kind::word;
  bool required = true;
  std::int64_t min = 0, max = std::numeric_limits<std::int64_t>::max();  // number
  SettingWalk::Purpose purpose = SettingWalk::Purpose::name;             // setting: takes all words that follow
  std::vector<Hint> choices{};                                           // word: to be completed
  bool is_closed = false;                                                // word: others than `choices` are refused
};

struct Option {
  std::string word;
  std::string help;
  Argument value;  // kind nothing: none
};

struct Command {
  std::string word;
  std::string help;
  std::vector<Command> below{};
  std::vector<Argument> arguments{};
  std::vector<Option> options{};
  Run run = nullptr;       // null: must be followed by one of `below`
  std::int64_t every = 0;  // seconds; shown again and again by itself
  bool sensitive = false;  // its words may hold a secret: no history file keeps them
};

struct Filter {
  enum class Kind : std::uint8_t { match, except, count, json, yaml, table, every, no_more };
  Kind kind = Kind::count;
  std::string pattern;       // match, except
  std::int64_t seconds = 0;  // every
};

// A line that can be carried out.
struct Parsed {
  const Command* command = nullptr;          // null: an empty line
  std::vector<std::string> way;              // its words, in full
  std::map<std::string, std::string> given;  // arguments by name, options by word
  bool has_path = false;
  document::Path path;
  std::vector<Edit> edits;
  bool sensitive = false;
  std::vector<Filter> filters;

  [[nodiscard]] bool has(const std::string& name) const { return given.count(name) != 0; }
  [[nodiscard]] std::string get(const std::string& name) const { return has(name) ? given.at(name) : std::string{}; }
  [[nodiscard]] bool has_filter(Filter::Kind kind) const;
};

// What lines are matched against.
struct Grammar {
  const std::vector<Command>& commands;
  const settings::Shape& shape;  // of the configuration
  document::Path base;           // where paths begin
  Names& names;
};

tl::expected<Parsed, Trouble> parse(std::string_view line, const Grammar& grammar);

// What may stand at the end of `line`, which is the part before the cursor.
struct Completion {
  std::size_t begin = 0;           // where the word that is being typed begins
  std::string word;                // as it stands, without quotes
  std::vector<Hint> hints;         // that go with it
  std::string extended;            // what the word may be extended to without a choice; `word` when there is nothing
  bool is_whole = false;           // `extended` is the only one there is: a blank may follow
  std::optional<Trouble> trouble;  // something before it is wrong
};
Completion complete(std::string_view line, const Grammar& grammar);

// The filters, for help and the manual.
const std::vector<Hint>& filter_hints();

}  // namespace fulcrum::cli
