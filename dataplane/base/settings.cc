#include "dataplane/base/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/base/settings_words.h"

namespace fulcrum::settings {
namespace {

std::string range_words(const Field& field) {
  const std::string unit = field.unit.empty() ? "" : " " + field.unit;
  const bool bounded_below = field.min != INT64_MIN;
  const bool bounded_above = field.max != INT64_MAX;
  if (bounded_below && field.min == field.max) return fmt::format("only {}{}", field.min, unit);
  if (bounded_below && bounded_above) return fmt::format("{} to {}{}", field.min, field.max, unit);
  if (bounded_below) return fmt::format("at least {}{}", field.min, unit);
  return bounded_above ? fmt::format("at most {}{}", field.max, unit) : "any number";
}

std::string span_words(std::size_t min, std::size_t max) {
  if (min == max) return fmt::format("{}", min);
  return min == 0 ? fmt::format("at most {}", max) : fmt::format("{} to {}", min, max);
}

std::string choice_names(const std::vector<Choice>& choices) {
  std::string names;
  for (const Choice& choice : choices) names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", choice.name);
  return names;
}

std::string element_words(const Field& field) {
  switch (field.kind) {
    case Kind::boolean:
      return "true or false";
    case Kind::integer:
      return "integer, " + range_words(field);
    case Kind::choice:
      return (field.choices.size() == 1 ? "only " : "one of ") + choice_names(field.choices);
    case Kind::address:
      return "IP address";
    case Kind::prefix:
      return "IP address with prefix length";
    case Kind::mac:
      return "MAC address";
    case Kind::group:
      return "group";
    case Kind::text:
      break;
  }
  std::string words = fmt::format("text, {} characters", span_words(field.length_min, field.length_max));
  if (!field.characters.empty()) words += " of " + field.characters;
  return words;
}

// Whether `letter` is one of "A-Za-z0-9._-"; a '-' at the end stands for itself.
bool allows(std::string_view characters, char letter) {
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (i + 2 < characters.size() && characters[i + 1] == '-') {
      if (letter >= characters[i] && letter <= characters[i + 2]) return true;
      i += 2;
    } else if (letter == characters[i]) {
      return true;
    }
  }
  return false;
}

Result<void> check_integer(const Field& field, std::int64_t value) {
  if (value >= field.min && value <= field.max) return {};
  // The scanner writes the largest number for those beyond 64 bits.
  const bool shown = value != INT64_MAX && value > -INT64_MAX;
  const std::string number = shown ? fmt::format("{}", value) : "the number";
  return fail(Error::Code::invalid, "", fmt::format("{} is out of range: {}", number, range_words(field)));
}

Result<void> check_text(const Field& field, const std::string& value) {
  if (value.size() < field.length_min || value.size() > field.length_max) {
    const std::string what = value.empty() ? "must not be empty" : fmt::format("has {} characters", value.size());
    return fail(Error::Code::invalid, "",
                fmt::format("{}: {} are allowed", what, span_words(field.length_min, field.length_max)));
  }
  if (printable(value) != value) {
    return fail(Error::Code::invalid, "", fmt::format("{} holds a control character", quoted(value)));
  }
  for (const char letter : value) {
    if (!field.characters.empty() && !allows(field.characters, letter)) {
      return fail(Error::Code::invalid, "", fmt::format("{}: only {} are allowed", quoted(value), field.characters));
    }
  }
  return {};
}

// The position after the last component of `path`, from its end: "a.b[1]" -> "a.b" -> "a" -> "".
std::string_view parent_of(std::string_view path) {
  const auto cut = path.find_last_of(".[");
  return cut == std::string_view::npos ? std::string_view{} : path.substr(0, cut);
}

}  // namespace

std::string Field::type_words() const {
  if (!list) return element_words(*this);
  const std::string count = span_words(count_min, count_max);
  if (kind == Kind::group) return fmt::format("list of {} groups", count);
  return fmt::format("list of {}, each: {}", count, element_words(*this));
}

Result<void> Field::check(const Value& value) const {
  if (kind == Kind::integer) return check_integer(*this, std::get<std::int64_t>(value));
  if (kind == Kind::text) return check_text(*this, std::get<std::string>(value));
  return {};
}

const Field* Shape::find(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

std::vector<std::size_t> Shape::key() const {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].key) positions.push_back(i);
  }
  for (std::size_t i = 0; i < fields.size() && positions.empty(); ++i) {
    if (fields[i].name == "name" && fields[i].kind == Kind::text && !fields[i].list) return {i};
  }
  return positions;
}

std::string Problem::words() const {
  std::string words = file;
  if (line != 0) words += fmt::format(":{}", line);
  if (!words.empty()) words += ": ";
  if (!path.empty()) words += path + ": ";
  return printable(words + text);
}

void Sources::add(const std::string& path, unsigned line, std::string name) {
  places_[path] = Place{line, std::move(name)};
}

unsigned Sources::line(std::string path) const {
  while (!path.empty()) {
    const auto found = places_.find(path);
    if (found != places_.end()) return found->second.line;
    path = parent_of(path);
  }
  return 0;
}

std::string Sources::shown(const std::string& path) const {
  if (shown_) return shown_(path);
  std::string result;
  std::size_t at = 0;
  while (at < path.size()) {
    const auto end = path[at] == '[' ? path.find(']', at) + 1 : std::min(path.find_first_of(".[", at + 1), path.size());
    const auto found = path[at] == '[' ? places_.find(path.substr(0, end)) : places_.end();
    if (found != places_.end() && !found->second.name.empty()) {
      result += "." + found->second.name;
    } else {
      result += path.substr(at, end - at);
    }
    at = end == 0 ? path.size() : end;
  }
  return result;
}

void Sources::mark_wrong(const std::string& path) {
  wrong_[path] = Wrong::itself;
  for (std::string_view above = path; !above.empty();) {
    above = parent_of(above);
    wrong_.emplace(above, Wrong::within);
  }
}

bool Sources::is_wrong(const std::string& path) const {
  const auto found = wrong_.find(path);
  return found != wrong_.end() && found->second == Wrong::itself;
}

bool Sources::wrong_within(const std::string& path) const { return wrong_.count(path) != 0; }

Problem Sources::problem(const std::string& path, std::string text) const {
  return Problem{file_, line(path), shown(path), std::move(text)};
}

std::vector<std::string> report(const std::vector<Problem>& problems, std::size_t shown_max) {
  std::vector<std::string> lines;
  for (const Problem& problem : problems) {
    if (lines.size() == shown_max) break;
    lines.push_back(problem.words());
  }
  if (problems.size() > shown_max) {
    const std::size_t more = problems.size() - shown_max;
    lines.push_back(fmt::format("and {} more problem{}", more, more == 1 ? "" : "s"));
  }
  return lines;
}

}  // namespace fulcrum::settings
