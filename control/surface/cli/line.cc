#include "control/surface/cli/line.h"

#include <fmt/format.h>

#include <algorithm>

namespace fulcrum::cli {
namespace {

// Bytes of the character at the front, 0 when it is no character (RFC 3629) or steers a terminal.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x20 || first == 0x7F) return 0;
  if (first < 0x80) return 1;
  if (first == 0xC2 && byte(1) < 0xA0) return 0;  // C1 controls
  if (first >= 0xC2 && first < 0xE0) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) >= 0xA0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) >= 0x90;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

bool is_blank(char letter) { return letter == ' ' || letter == '\t'; }

// The word at `at`, which is no blank; moves `at` behind it. False: a quote is open.
bool take_word(std::string_view line, std::size_t& at, Word& word) {
  char quote = 0;
  word.begin = at;
  for (; at < line.size(); ++at) {
    const char letter = line[at];
    if (quote == 0 && (is_blank(letter) || letter == '|')) break;
    if (quote == 0 && (letter == '"' || letter == '\'')) {
      quote = letter;
    } else if (letter == quote) {
      quote = 0;
    } else if (quote == '"' && letter == '\\' && at + 1 < line.size() &&
               (line[at + 1] == '"' || line[at + 1] == '\\')) {
      word.text += line[++at];
    } else {
      word.text += letter;
    }
  }
  word.end = at;
  return quote == 0;
}

}  // namespace

bool is_clean(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable_json(std::string_view line) {
  std::string made;
  while (!line.empty()) {
    const std::size_t length = character_length(line);
    const auto first = static_cast<unsigned char>(line.front());
    if (length != 0) {
      made += line.substr(0, length);
    } else if (first != 0xC2) {  // the byte after that one has the number of the control
      made += fmt::format("\\u{:04x}", first);
    }
    line.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return made;
}

tl::expected<Line, Trouble> split(std::string_view line) {
  if (line.size() > kLineMax) {
    return tl::unexpected<Trouble>{
        Trouble{.status = Status::syntax, .text = fmt::format("the line is longer than {} bytes", kLineMax)}};
  }
  for (std::size_t i = 0; i < line.size();) {
    const std::size_t length = line[i] == '\t' ? 1 : character_length(line.substr(i));
    if (length == 0) {
      return tl::unexpected<Trouble>{
          Trouble{.status = Status::syntax, .text = "a character that no line can have stands here", .column = i}};
    }
    i += length;
  }
  Line result;
  result.parts.emplace_back();
  std::size_t at = 0;
  while (at < line.size()) {
    if (is_blank(line[at])) {
      ++at;
    } else if (line[at] == '#') {
      break;
    } else if (line[at] == '|') {
      result.parts.emplace_back();
      ++at;
    } else {
      Word word;
      if (!take_word(line, at, word)) result.open_quote = true;
      result.parts.back().push_back(std::move(word));
    }
  }
  result.end = at;
  return result;
}

std::string typed(const std::string& word) {
  const bool is_plain = !word.empty() && word.find_first_of(" \t|\"'\\?") == std::string::npos && word.front() != '#';
  if (is_plain) return word;
  std::string out = "\"";
  for (const char letter : word) {
    if (letter == '"' || letter == '\\') out += '\\';
    out += letter;
  }
  return out + '"';
}

}  // namespace fulcrum::cli
