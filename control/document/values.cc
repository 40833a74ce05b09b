// Single values from words, with what is wrong with them.
#include <charconv>

#include "control/document/document.h"
#include "dataplane/base/settings_words.h"

namespace fulcrum::document {
namespace {

using settings::Field;
using settings::Kind;
using settings::Value;

Result<Value> number_from(const std::string& text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc{} && stopped == end) return Value{number};
  const bool too_large = error == std::errc::result_out_of_range && stopped == end;
  return fail(Error::Code::invalid, "",
              settings::quoted(text) + (too_large ? " is out of range" : " is not an integer"));
}

Result<Value> boolean_from(const std::string& text) {
  if (text == "true" || text == "false") return Value{text == "true"};
  return fail(Error::Code::invalid, "", settings::quoted(text) + " is neither true nor false");
}

Result<Value> parsed(const Field& field, const std::string& text) {
  if (field.kind == Kind::boolean) return boolean_from(text);
  if (field.kind == Kind::integer) return number_from(text);
  return field.parse(text);
}

}  // namespace

Result<Value> value_from_text(const Field& field, const std::string& text) {
  auto value = parsed(field, text);
  if (value) {
    if (const auto checked = field.check(*value); !checked) value = tl::unexpected<Error>{checked.error()};
  }
  if (!value && field.sensitive) return fail(Error::Code::invalid, "", "must be: " + field.type_words());
  return value;
}

Answer<std::vector<Value>> values_from_words(const Field& field, std::span<const std::string> words,
                                             const std::string& path) {
  if (field.kind == Kind::group) {
    return refuse(Error::Code::invalid, path, "is a group: set what is in it, one by one");
  }
  if (!field.list && words.size() != 1) {
    return refuse(Error::Code::invalid, path, "takes one value: " + field.type_words());
  }
  if (field.list && (words.size() < field.count_min || words.size() > field.count_max)) {
    return refuse(Error::Code::invalid, path, "takes a " + field.type_words());
  }
  std::vector<Value> values;
  Refusal refusal;
  for (const std::string& word : words) {
    auto value = value_from_text(field, word);
    if (value) {
      values.push_back(std::move(*value));
    } else {
      refusal.problems.push_back({.file = {}, .line = 0, .path = path, .text = value.error().text});
    }
  }
  if (!refusal.problems.empty()) return tl::unexpected<Refusal>{std::move(refusal)};
  return values;
}

}  // namespace fulcrum::document
