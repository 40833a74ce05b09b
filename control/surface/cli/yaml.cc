#include "control/surface/cli/yaml.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace fulcrum::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kStep = 2;  // columns

// Words that a reader of this or an earlier YAML takes for a truth value or nothing.
bool means_something(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::array<std::string_view, 9> kWords{"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

bool is_plain(const std::string& text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto may_follow = [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '/';
  };
  return !text.empty() && is_letter(text.front()) && std::all_of(text.begin(), text.end(), may_follow) &&
         !means_something(text);
}

std::string scalar(const Json& value) {
  if (value.is_string() && is_plain(value.get_ref<const std::string&>())) return value.get<std::string>();
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_block(const Json& value) { return value.is_structured() && !value.empty(); }

// The value's lines. The first one goes on a line that has been begun, the others get `indent` columns.
void put(const Json& value, std::size_t indent, std::string& text) {
  if (!is_block(value)) {
    text += scalar(value) + '\n';
    return;
  }
  bool begun = true;
  for (const auto& [key, member] : value.items()) {
    if (!begun) text.append(indent, ' ');
    begun = false;
    if (value.is_array()) {
      text += "- ";
      put(member, indent + kStep, text);
      continue;
    }
    text += scalar(key) + ':';
    if (!is_block(member)) {
      text += ' ' + scalar(member) + '\n';
      continue;
    }
    text += '\n' + std::string(indent + kStep, ' ');
    put(member, indent + kStep, text);
  }
}

}  // namespace

std::string yaml_text(const Json& value) {
  std::string text;
  put(value, 0, text);
  return text;
}

}  // namespace fulcrum::cli
