#include "control/document/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "control/document/json.h"
#include "dataplane/base/settings_words.h"

namespace fulcrum::document {
namespace {

using settings::Field;
using settings::Kind;
using settings::Permission;
using Shape = settings::Shape;
using settings::Value;

std::vector<std::string> names_of(const Shape& shape) {
  std::vector<std::string> names;
  for (const Field& field : shape.fields) names.push_back(field.name);
  return names;
}

std::size_t number_of(const std::string& digits) {
  std::size_t number = SIZE_MAX;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

// One field of the key of `shape`, from its part of a key.
Answer<NodePtr> key_part(const Field& field, const std::string& text, const std::string& path) {
  auto value = value_from_text(field, text);
  if (!value) return refuse(Error::Code::invalid, path, value.error().text);
  return make_values(field, {std::move(*value)});
}

// `element` with its key fields set to what `key` says.
Answer<NodePtr> with_key(const Shape& shape, const NodePtr& element, const std::string& key, const std::string& path) {
  const auto positions = shape.key();
  std::vector<NodePtr> children = element->children;
  std::string_view rest = key;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const bool is_last = i + 1 == positions.size();
    const std::size_t end = is_last ? rest.size() : std::min(rest.find('/'), rest.size());
    if (!is_last && end == rest.size()) {
      std::string form;
      for (const std::size_t position : positions) form += (form.empty() ? "" : "/") + shape.fields[position].name;
      return refuse(Error::Code::invalid, path, fmt::format("is no key here: a key is {}", form));
    }
    auto part = key_part(shape.fields[positions[i]], std::string{rest.substr(0, end)}, path);
    if (!part) return tl::unexpected<Refusal>{std::move(part.error())};
    children[positions[i]] = std::move(*part);
    rest.remove_prefix(is_last ? end : end + 1);
  }
  return make_group(shape, std::move(children), element->remarks);
}

// One step at a time from the root towards what a path names.
class Walk {
 public:
  Walk(const Shape& shape, NodePtr root, bool make_elements) : make_elements_{make_elements} {
    place_.group = &shape;
    place_.node = std::move(root);
  }
  // What is wrong with the step; nothing when it was taken.
  std::optional<Refusal> take(const Step& step) {
    if (place_.group != nullptr) return take_field(step);
    if (place_.field->list && !place_.is_element) {
      return place_.field->kind == Kind::group ? take_element(step) : take_value(step);
    }
    return wrong(Error::Code::invalid, place_.path,
                 fmt::format("holds a value: nothing is called \"{}\" in it", step.word));
  }
  Place done() && { return std::move(place_); }

 private:
  static Refusal wrong(Error::Code code, const Path& path, std::string text) {
    return {code, {settings::Problem{.file = {}, .line = 0, .path = text_of(path), .text = std::move(text)}}};
  }
  Refusal wrong_at(Error::Code code, const Step& step, std::string text) const {
    Path path = place_.path;
    path.push_back(step);
    return wrong(code, path, std::move(text));
  }

  std::optional<Refusal> take_field(const Step& step) {
    const Shape& shape = *place_.group;
    const Field* field = step.is_position ? nullptr : shape.find(step.word);
    if (field == nullptr) {
      return wrong_at(Error::Code::not_found, step, "is not known; " + settings::proposal(step.word, names_of(shape)));
    }
    const auto position = static_cast<std::size_t>(field - shape.fields.data());
    place_.node = place_.node == nullptr ? nullptr : place_.node->children[position];
    place_.field = field;
    place_.owner = &shape;
    place_.is_element = false;
    place_.group = field->kind == Kind::group && !field->list ? field->shape.get() : nullptr;
    if (field->permission != Permission::inherit) place_.permission = field->permission;
    place_.sensitive = place_.sensitive || field->sensitive;
    advance(step, position);
    return std::nullopt;
  }

  std::optional<Refusal> take_element(const Step& step) {
    const Shape& shape = *place_.field->shape;
    const std::span<const NodePtr> elements =
        place_.node == nullptr ? std::span<const NodePtr>{} : std::span<const NodePtr>{place_.node->children};
    const bool has_key = !shape.key().empty();
    std::size_t position = elements.size();
    if (step.is_position) position = number_of(step.word);
    if (!step.is_position && has_key) position = find_element(shape, elements, step.word);
    if (position >= elements.size()) {
      if (auto refused = refuse_element(step, elements, position)) return refused;
    }
    const bool is_there = position < elements.size();
    const std::string key = is_there && has_key ? key_of(shape, *elements[position]) : std::string{};
    place_.node = is_there ? elements[position] : nullptr;
    place_.is_element = true;
    place_.group = &shape;
    advance(key.empty() ? step : Step{key, false}, position);
    return std::nullopt;
  }

  // Why an element that is not there cannot be named; nothing when it may be made.
  std::optional<Refusal> refuse_element(const Step& step, std::span<const NodePtr> elements,
                                        std::size_t position) const {
    const Shape& shape = *place_.field->shape;
    const bool has_key = !shape.key().empty();
    const bool may_be_made = has_key ? !step.is_position : step.is_position && position == elements.size();
    if (make_elements_ && may_be_made) {
      Path path = place_.path;
      path.push_back(step);
      if (!has_key) return std::nullopt;
      const auto made = with_key(shape, empty_group(shape), step.word, text_of(path));
      return made ? std::nullopt : std::optional{made.error()};
    }
    if (!has_key && !step.is_position) {
      return wrong_at(Error::Code::invalid, step, "has no name here: write the position, [0] for the first");
    }
    constexpr std::size_t kListed = 20;
    std::vector<std::string> keys;
    for (const NodePtr& element : elements) keys.push_back(key_of(shape, *element));
    std::string text = "does not exist";
    if (elements.empty()) text += fmt::format(": {} is empty", place_.field->name);
    if (!elements.empty() && has_key && keys.size() <= kListed) text += "; " + settings::proposal(step.word, keys);
    return wrong_at(Error::Code::not_found, step, std::move(text));
  }

  std::optional<Refusal> take_value(const Step& step) {
    const auto values = values_of(*place_.field, *place_.owner, place_.node.get());
    const std::size_t position = step.is_position ? number_of(step.word) : SIZE_MAX;
    if (position >= values.size() && !(make_elements_ && position == values.size())) {
      return wrong_at(Error::Code::not_found, step,
                      fmt::format("does not exist: the list has {} elements", values.size()));
    }
    place_.node = nullptr;
    place_.is_element = true;
    advance(step, position);
    return std::nullopt;
  }

  void advance(const Step& step, std::size_t position) {
    place_.path.push_back(step);
    place_.trail.push_back(position);
  }

  Place place_;
  bool make_elements_;
};

// The way back from a change to a new root.
class Rebuild {
 public:
  Rebuild(const Place& place, NodePtr node) : place_{place}, node_{std::move(node)} {}

  NodePtr group(const Shape& shape, const NodePtr& before, std::size_t depth) {
    if (depth == place_.trail.size()) return node_;
    std::vector<NodePtr> children = before == nullptr ? std::vector<NodePtr>(shape.fields.size()) : before->children;
    const std::size_t position = place_.trail[depth];
    children[position] = field(shape.fields[position], children[position], depth + 1);
    return make_group(shape, std::move(children), before == nullptr ? nullptr : before->remarks);
  }

 private:
  NodePtr field(const Field& field, const NodePtr& before, std::size_t depth) {
    if (depth == place_.trail.size()) return node_;
    if (!field.list) return group(*field.shape, before, depth);
    std::vector<NodePtr> elements = before == nullptr ? std::vector<NodePtr>{} : before->children;
    const std::size_t position = place_.trail[depth];
    const bool is_there = position < elements.size();
    NodePtr element = group(*field.shape, is_there ? elements[position] : fresh(*field.shape, depth), depth + 1);
    if (element == nullptr) {
      if (is_there) elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(position));
    } else if (is_there) {
      elements[position] = std::move(element);
    } else {
      elements.push_back(std::move(element));
    }
    return elements.empty() ? nullptr : make_list(std::move(elements), before == nullptr ? nullptr : before->remarks);
  }

  // The walk has seen that the key is one.
  [[nodiscard]] NodePtr fresh(const Shape& shape, std::size_t depth) const {
    const Step& step = place_.path[depth];
    return step.is_position ? empty_group(shape) : *with_key(shape, empty_group(shape), step.word, "");
  }

  const Place& place_;
  NodePtr node_;
};

bool is_key_field(const Place& place) {
  if (place.path.size() < 2 || place.is_element) return false;
  const auto positions = place.owner->key();
  const auto position = static_cast<std::size_t>(place.field - place.owner->fields.data());
  return std::find(positions.begin(), positions.end(), position) != positions.end();
}

tl::unexpected<Refusal> names_its_group(const Place& place) {
  return refuse(Error::Code::invalid, text_of(place.path),
                "tells its group from the others: rename the group instead of setting this");
}

}  // namespace

Document::Document(Shape shape) : shape_{std::move(shape)}, root_{empty_group(*shape_)} {}

Answer<Place> Document::find(const Path& path, bool make_elements) const {
  Walk walk{*shape_, root_, make_elements};
  for (const Step& step : path) {
    if (auto refused = walk.take(step)) return tl::unexpected<Refusal>{std::move(*refused)};
  }
  return std::move(walk).done();
}

Answer<std::vector<Suggestion>> Document::suggest(const Path& path) const {
  const auto place = find(path, true);
  if (!place) return tl::unexpected<Refusal>{place.error()};
  std::vector<Suggestion> suggestions;
  if (place->group != nullptr) {
    for (const Field& field : place->group->fields) {
      suggestions.push_back({.step = Step{field.name, false}, .help = field.help, .is_element = false});
    }
  } else if (place->field->kind == Kind::group && place->node != nullptr) {
    for (std::size_t i = 0; i < place->node->children.size(); ++i) {
      Step step{key_of(*place->field->shape, *place->node->children[i]), false};
      if (step.word.empty()) step = Step{fmt::format("{}", i), true};
      suggestions.push_back({std::move(step), {}, true});
    }
  }
  return suggestions;
}

Document Document::with(const Place& place, NodePtr node) const {
  NodePtr root = Rebuild{place, std::move(node)}.group(*shape_, root_, 0);
  return Document{shape_, root == nullptr ? empty_group(*shape_) : std::move(root)};
}

Answer<Document> Document::set(const Path& path, const nlohmann::json& value) const {
  if (path.empty()) return document_from_json(shape_, value, this);
  const auto place = find(path, true);
  if (!place) return tl::unexpected<Refusal>{place.error()};
  if (is_key_field(*place)) return names_its_group(*place);
  if (place->is_element && place->field->kind != Kind::group) {
    return refuse(Error::Code::invalid, text_of(path), "is one of several values: set the whole list");
  }
  auto node = node_from_json(*place->field, place->is_element, value, place->path, place->node);
  if (!node) return tl::unexpected<Refusal>{std::move(node.error())};
  if (place->is_element && !place->path.back().is_position) {
    const std::string& key = place->path.back().word;
    const std::string given = key_of(*place->group, **node);
    const auto named = with_key(*place->group, *node, key, text_of(path));
    if (!named) return tl::unexpected<Refusal>{named.error()};
    const auto positions = place->group->key();
    const bool has_own = std::any_of(positions.begin(), positions.end(),
                                     [&](std::size_t position) { return (*node)->children[position] != nullptr; });
    if (has_own && given != key) {
      return refuse(Error::Code::invalid, text_of(path),
                    fmt::format("the body says \"{}\": leave that out, or rename first", given));
    }
    node = *named;
  }
  return with(*place, std::move(*node));
}

Answer<Document> Document::set_words(const Path& path, std::span<const std::string> words) const {
  const auto place = find(path, true);
  if (!place) return tl::unexpected<Refusal>{place.error()};
  if (place->field == nullptr || place->group != nullptr || place->is_element) {
    return refuse(Error::Code::invalid, text_of(path), "is not one setting: name one in it");
  }
  if (is_key_field(*place)) return names_its_group(*place);
  auto values = values_from_words(*place->field, words, text_of(place->path));
  if (!values) return tl::unexpected<Refusal>{std::move(values.error())};
  auto remarks = place->node == nullptr ? nullptr : place->node->remarks;
  return with(*place, make_values(*place->field, std::move(*values), std::move(remarks)));
}

Answer<Document> Document::add_word(const Path& path, const std::string& word) const {
  const auto place = find(path, true);
  if (!place) return tl::unexpected<Refusal>{place.error()};
  if (place->field == nullptr || !place->field->list || place->field->kind == Kind::group || place->is_element) {
    return refuse(Error::Code::invalid, text_of(path), "is not a list of values");
  }
  auto value = value_from_text(*place->field, word);
  if (!value) return refuse(Error::Code::invalid, text_of(place->path), value.error().text);
  auto values = place->node == nullptr ? std::vector<Value>{} : place->node->values;
  if (std::find(values.begin(), values.end(), *value) != values.end()) {
    return refuse(Error::Code::conflict, text_of(place->path), fmt::format("has {} already", settings::quoted(word)));
  }
  if (values.size() == place->field->count_max) {
    return refuse(Error::Code::limit, text_of(place->path), fmt::format("is full: at most {}", values.size()));
  }
  values.push_back(std::move(*value));
  auto remarks = place->node == nullptr ? nullptr : place->node->remarks;
  return with(*place, make_values(*place->field, std::move(values), std::move(remarks)));
}

Answer<Document> Document::remove_word(const Path& path, const std::string& word) const {
  const auto place = find(path);
  if (!place) return tl::unexpected<Refusal>{place.error()};
  if (place->field == nullptr || !place->field->list || place->field->kind == Kind::group || place->is_element) {
    return refuse(Error::Code::invalid, text_of(path), "is not a list of values");
  }
  const auto value = value_from_text(*place->field, word);
  if (!value) return refuse(Error::Code::invalid, text_of(place->path), value.error().text);
  auto values = place->node == nullptr ? std::vector<Value>{} : place->node->values;
  const auto found = std::find(values.begin(), values.end(), *value);
  if (found == values.end()) {
    return refuse(Error::Code::not_found, text_of(place->path), fmt::format("has no {}", settings::quoted(word)));
  }
  values.erase(found);
  return with(*place, make_values(*place->field, std::move(values), place->node->remarks));
}

Answer<Document> Document::erase(const Path& path) const {
  const auto place = find(path);
  if (!place) return tl::unexpected<Refusal>{place.error()};
  if (place->field == nullptr) return Document{shape_};
  if (is_key_field(*place)) return names_its_group(*place);
  if (place->is_element && place->field->kind != Kind::group) {
    return refuse(Error::Code::invalid, text_of(path), "is one of several values: set the list, or take the value out");
  }
  if (place->node == nullptr) return refuse(Error::Code::not_found, text_of(place->path), "is not set");
  return with(*place, nullptr);
}

Answer<Document> Document::rename(const Path& path, const std::string& key) const {
  const auto place = find(path);
  if (!place) return tl::unexpected<Refusal>{place.error()};
  if (!place->is_element || place->group == nullptr || place->group->key().empty()) {
    return refuse(Error::Code::invalid, text_of(path), "has no name of its own");
  }
  auto renamed = with_key(*place->group, place->node, key, text_of(place->path));
  if (!renamed) return tl::unexpected<Refusal>{std::move(renamed.error())};
  Path list = place->path;
  list.pop_back();
  const auto siblings = find(list);
  const auto& elements = siblings->node->children;
  const std::size_t other = find_element(*place->group, elements, key_of(*place->group, **renamed));
  if (other < elements.size() && other != place->trail.back()) {
    list.push_back({key, false});
    return refuse(Error::Code::conflict, text_of(list), "exists already");
  }
  return with(*place, std::move(*renamed));
}

Answer<Document> Document::order(const Path& list, std::span<const std::string> keys) const {
  const auto place = find(list);
  if (!place) return tl::unexpected<Refusal>{place.error()};
  if (place->field == nullptr || place->field->kind != Kind::group || !place->field->list || place->is_element) {
    return refuse(Error::Code::invalid, text_of(list), "is not a list of groups");
  }
  const auto before = place->node == nullptr ? std::vector<NodePtr>{} : place->node->children;
  std::vector<NodePtr> after;
  std::vector<bool> taken(before.size());
  for (const std::string& key : keys) {
    const std::size_t position = find_element(*place->field->shape, before, key);
    if (position == before.size() || taken[position]) {
      return refuse(Error::Code::not_found, text_of(list), fmt::format("has no \"{}\", or it is given twice", key));
    }
    taken[position] = true;
    after.push_back(before[position]);
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!taken[i]) after.push_back(before[i]);
  }
  return with(*place, after.empty() ? nullptr : make_list(std::move(after), place->node->remarks));
}

Answer<Document> Document::put(const Path& path, NodePtr node) const {
  const auto place = find(path, true);
  if (!place) return tl::unexpected<Refusal>{place.error()};
  return with(*place, std::move(node));
}

}  // namespace fulcrum::document
