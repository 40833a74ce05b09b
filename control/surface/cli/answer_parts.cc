#include "control/surface/cli/answer_parts.h"

#include <algorithm>
#include <charconv>

#include "dataplane/base/settings_words.h"

namespace fulcrum::cli {

using nlohmann::json;

const json& part_in(const json& row, const char* key) {
  static const json nothing;
  const auto found = row.find(key);  // in what is no object there is nothing
  return found == row.end() ? nothing : *found;
}

std::string text_in(const json& row, const char* key, const char* otherwise) {
  const json& found = part_in(row, key);
  if (found.is_null()) return otherwise;
  return found.is_string() ? settings::printable(found.get<std::string>()) : found.dump();
}

std::int64_t signed_in(const json& row, const char* key) {
  const json& found = part_in(row, key);
  return found.is_number() ? found.get<std::int64_t>() : 0;
}

std::uint64_t count_in(const json& row, const char* key) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(signed_in(row, key), 0));
}

bool flag_in(const json& row, const char* key) {
  const json& found = part_in(row, key);
  return found.is_boolean() && found.get<bool>();
}

std::vector<std::string> listed_words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char letter : text + ' ') {
    if (letter != ' ' && letter != ',' && letter != '\t') {
      word += letter;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

std::int64_t number_of(const std::string& word) {
  std::int64_t number = 0;
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

}  // namespace fulcrum::cli
