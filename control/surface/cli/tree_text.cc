#include "control/surface/cli/tree_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "control/surface/cli/line.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;
using settings::Field;
using settings::Shape;

std::string word_of(const json& value) { return value.is_string() ? typed(value.get<std::string>()) : value.dump(); }

std::string words_of(const json& value) {
  if (!value.is_array()) return word_of(value);
  std::string words;
  for (const json& one : value) words += (words.empty() ? "" : " ") + word_of(one);
  return words;
}

// What an element is called among its siblings.
std::string name_of(const Shape& shape, const json& element, std::size_t position) {
  std::string name;
  for (const std::size_t i : shape.key()) {
    const Field& field = shape.fields[i];
    std::string part;
    if (const auto found = element.find(field.name); found != element.end()) {
      part = found->is_string() ? found->get<std::string>() : found->dump();
    } else if (!field.choices.empty()) {
      part = field.choices.front().name;
    }
    name += (name.empty() ? "" : "/") + part;
  }
  return name.empty() ? fmt::format("{}", position) : typed(name);
}

// Visits groups and settings in order.
class Writer {
 public:
  explicit Writer(bool as_lines) : as_lines_{as_lines} {}

  void group(const Shape& shape, const json& value, const std::string& above, std::size_t depth, bool is_element) {
    const auto keys = is_element ? shape.key() : std::vector<std::size_t>{};
    for (std::size_t i = 0; i < shape.fields.size(); ++i) {
      const auto found = value.find(shape.fields[i].name);
      if (found == value.end() || found->is_null()) continue;
      if (std::find(keys.begin(), keys.end(), i) == keys.end()) field(shape.fields[i], *found, above, depth);
    }
  }

  void field(const Field& field, const json& value, const std::string& above, std::size_t depth) {
    const std::string here = above + field.name;
    if (field.kind != settings::Kind::group) {
      put(above, field.name + " " + words_of(value), depth);
    } else if (!field.list) {
      put_group(above, field.name, depth);
      group(*field.shape, value, here + " ", depth + 1, false);
    } else {
      for (std::size_t i = 0; i < value.size(); ++i) element(field, value[i], i, above, depth);
    }
  }

  void element(const Field& field, const json& value, std::size_t position, const std::string& above,
               std::size_t depth) {
    const std::string words = field.name + " " + name_of(*field.shape, value, position);
    put_group(above, words, depth);
    const std::size_t before = lines_;
    group(*field.shape, value, above + words + " ", depth + 1, true);
    if (as_lines_ && lines_ == before) put(above, words, depth);
  }

  std::string text;

 private:
  void put_group(const std::string& above, const std::string& words, std::size_t depth) {
    if (!as_lines_) put(above, words, depth);
  }
  void put(const std::string& above, const std::string& words, std::size_t depth) {
    text += as_lines_ ? fmt::format("set {}{}\n", above, words) : fmt::format("{:{}}{}\n", "", 2 * depth, words);
    ++lines_;
  }
  bool as_lines_;
  std::size_t lines_ = 0;
};

std::string written(const Shape& root, const document::Path& path, const json& value, bool as_lines) {
  Writer writer{as_lines};
  if (value.is_null()) return {};
  const Shape* shape = &root;
  const Field* field = nullptr;
  bool is_element = false;
  std::string above;  // words before the last step
  std::string words;  // all
  for (const document::Step& step : path) {
    is_element = field != nullptr && field->list;
    if (!is_element) {
      above = words;
      field = shape->find(step.word);
      if (field == nullptr) return {};
      if (field->kind == settings::Kind::group) shape = field->shape.get();
    }
    words += typed(step.word) + " ";
    if (is_element) field = nullptr;
  }
  if (path.empty() || is_element || (field->kind == settings::Kind::group && !field->list)) {
    writer.group(*shape, value, words, 0, is_element);
  } else {
    writer.field(*field, value, above, 0);
  }
  return writer.text;
}

}  // namespace

std::string tree_text(const Shape& root, const document::Path& path, const json& value) {
  return written(root, path, value, false);
}

std::string set_lines(const Shape& root, const document::Path& path, const json& value) {
  return written(root, path, value, true);
}

}  // namespace fulcrum::cli
