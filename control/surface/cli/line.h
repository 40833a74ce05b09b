// A line of a person or a script, as words:
//
//   show connections farm "shop" | match 10\.1 | count
//
// Words are separated by blanks. A word, or part of one, may stand in 'single' or "double" quotes, to hold blanks, '|',
// '?' and '#'; in double quotes \" and \\ stand for " and \. A '|' begins a filter. A '#' at the beginning of a word
// begins a comment. Each word knows its place, so that what is wrong can be pointed at.
#pragma once

#include <tl/expected.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "control/surface/cli/trouble.h"

namespace fulcrum::cli {

inline constexpr std::size_t kLineMax = 65536;  // bytes

struct Word {
  std::string text;
  std::size_t begin = 0, end = 0;  // bytes of the line
};

struct Line {
  std::vector<std::vector<Word>> parts;  // at least one: the command, then one for each '|'
  bool open_quote = false;               // the last word's quote is not closed
  std::size_t end = 0;                   // where the next word would stand

  [[nodiscard]] const std::vector<Word>& command() const { return parts.front(); }
};

// Errors (syntax): control characters or bytes that are no UTF-8, too long. An open quote is for the caller to judge.
tl::expected<Line, Trouble> split(std::string_view line);

// A word as it must be typed.
std::string typed(const std::string& word);

// Whether all of it is well-formed UTF-8 without control characters.
bool is_clean(std::string_view text);

// A line of JSON, for a terminal: what JSON lets stand in a string and a terminal may obey (delete, and the controls of
// ISO 6429's 8-bit form) as \u009b. It says what it said.
std::string printable_json(std::string_view line);

}  // namespace fulcrum::cli
