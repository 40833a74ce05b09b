#include "dataplane/base/settings_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "dataplane/base/settings.h"

namespace fulcrum::settings {
namespace {

// Levenshtein's distance: letters to change, add or remove.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

// The entry of `known` that the writer of `wrong` most likely meant; empty when nothing is near.
std::string nearest(std::string_view wrong, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 64;
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, wrong.size() / 3) + 1;
  if (wrong.size() > kLongest) return best;
  for (const std::string& name : known) {
    const std::size_t found = distance(wrong, name);
    if (found < best_distance && found < name.size()) {
      best = name;
      best_distance = found;
    }
  }
  return best;
}

std::string joined(const std::vector<std::string>& names) {
  std::string words;
  for (const std::string& name : names) words += (words.empty() ? "" : ", ") + name;
  return words;
}

template <class T>
Result<Value> parsed(const std::string& text) {
  constexpr std::size_t kLongestAddress = 64;
  if (text.size() > kLongestAddress)
    return fail(Error::Code::invalid, "", quoted(text) + " is too long for an address");
  auto value = T::parse(text);
  if (!value) return tl::unexpected<Error>{value.error()};
  return Value{*value};
}

Result<Value> choice_of(const Field& field, const std::string& text) {
  std::vector<std::string> known;
  for (const Choice& choice : field.choices) {
    if (choice.name == text) return Value{choice.value};
    known.push_back(choice.name);
  }
  return fail(Error::Code::invalid, "", fmt::format("{} is not known; {}", quoted(text), proposal(text, known)));
}

}  // namespace

std::string proposal(std::string_view wrong, const std::vector<std::string>& known) {
  const std::string near = nearest(wrong, known);
  return near.empty() ? "known here: " + joined(known) : "did you mean " + near + "?";
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 60;
  return text.size() <= kShown ? fmt::format("\"{}\"", text) : fmt::format("\"{}...\"", text.substr(0, kShown));
}

std::string printable(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too, which a terminal may obey.
    const bool c1 = code == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) {
      result += fmt::format("\\x{:02x}\\x{:02x}", code, static_cast<unsigned char>(text[++i]));
    } else if (code < 0x20 || code == 0x7F) {
      result += fmt::format("\\x{:02x}", code);
    } else {
      result += text[i];
    }
  }
  return result;
}

Result<Value> Field::parse(const std::string& text) const {
  switch (kind) {
    case Kind::choice:
      return choice_of(*this, text);
    case Kind::address:
      return parsed<Address>(text);
    case Kind::prefix:
      return parsed<Prefix>(text);
    case Kind::mac:
      return parsed<Mac>(text);
    default:
      return Value{text};
  }
}

}  // namespace fulcrum::settings
