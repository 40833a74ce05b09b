#include "control/document/path.h"

#include <fmt/format.h>

#include <algorithm>

namespace fulcrum::document {
namespace {

bool is_digits(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

tl::unexpected<Error> no_path(std::string_view text, std::size_t at, std::string_view why) {
  return fail(Error::Code::invalid, std::string{text.substr(0, at)}, std::string{why});
}

bool needs_brackets(const std::string& word) { return word.empty() || word.find_first_of(".[]/ \t") != word.npos; }

}  // namespace

Result<Path> parse_path(std::string_view text) {
  Path path;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '[') {
      const std::size_t end = text.find(']', at);
      if (path.empty()) return no_path(text, at, "a path begins with a name, not with a bracket");
      if (end == std::string_view::npos) return no_path(text, at, "the bracket after this is never closed");
      const std::string_view word = text.substr(at + 1, end - at - 1);
      if (word.empty()) return no_path(text, at, "nothing stands between the brackets after this");
      path.push_back({std::string{word}, is_digits(word)});
      at = end + 1;
      if (at < text.size() && text[at] != '.' && text[at] != '[') {
        return no_path(text, at, "a dot or a bracket must follow this");
      }
    } else {
      if (!path.empty()) ++at;  // the dot
      const std::size_t end = std::min(text.find_first_of(".[", at), text.size());
      const std::string_view word = text.substr(at, end - at);
      if (word.empty()) return no_path(text, at, "a name is missing here");
      if (word.find_first_of("] \t") != std::string_view::npos) {
        return no_path(text, at, fmt::format("\"{}\" is no name: keys with blanks or brackets go in brackets", word));
      }
      path.push_back({std::string{word}, false});
      at = end;
      if (at + 1 == text.size()) return no_path(text, at, "a name is missing after this");
    }
  }
  return path;
}

std::string text_of(const Path& path) {
  std::string text;
  for (const Step& step : path) {
    if (step.is_position || needs_brackets(step.word)) {
      text += "[" + step.word + "]";
    } else {
      text += (text.empty() ? "" : ".") + step.word;
    }
  }
  return text;
}

bool is_within(const Path& path, const Path& above) {
  return path.size() >= above.size() && std::equal(above.begin(), above.end(), path.begin());
}

}  // namespace fulcrum::document
