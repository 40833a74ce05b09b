#include "control/document/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "dataplane/base/settings_words.h"

namespace fulcrum::document {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using settings::Field;
using settings::Kind;
using settings::Shape;
using settings::Value;

ordered_json value_to_json(const Field& field, const Value& value, JsonStyle style) {
  if (field.sensitive && !style.secrets) return kHidden;
  if (field.kind == Kind::boolean) return std::get<bool>(value);
  if (field.kind == Kind::integer) return std::get<std::int64_t>(value);
  return text_of(field, value);
}

ordered_json group_to_json(const Shape& shape, const Node* group, JsonStyle style) {
  ordered_json object = ordered_json::object();
  for (std::size_t i = 0; i < shape.fields.size(); ++i) {
    const Field& field = shape.fields[i];
    const NodePtr child = group == nullptr ? nullptr : group->children[i];
    const bool has_default = style.defaults && !field.required;
    if (child != nullptr || has_default) object[field.name] = node_to_json(field, shape, child, false, style);
  }
  return object;
}

std::string kind_of(const json& value) {
  if (value.is_null()) return "null";
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number()) return "the number " + value.dump();
  if (value.is_string()) return "the text " + settings::quoted(value.get_ref<const std::string&>());
  return value.is_array() ? "an array" : "an object";
}

class Reader {
 public:
  explicit Reader(Path path) : path_{std::move(path)} {}
  Refusal take_refusal() { return std::move(refusal_); }
  [[nodiscard]] bool failed() const { return !refusal_.problems.empty(); }

  // Null when it was refused.
  NodePtr field(const Field& field, bool is_element, const json& value, const NodePtr& before) {
    if (field.kind == Kind::group) {
      if (field.list && !is_element) return list(field, value, before);
      return group(*field.shape, value, before);
    }
    return field.list ? values(field, value, before) : single(field, value, before);
  }

  NodePtr group(const Shape& shape, const json& value, const NodePtr& before) {
    if (!value.is_object()) return wrong("must be an object, is " + kind_of(value));
    std::vector<NodePtr> children(shape.fields.size());
    for (const auto& [name, inner] : value.items()) {
      const Field* field = shape.find(name);
      path_.push_back({name, false});
      if (field == nullptr) {
        std::vector<std::string> known;
        for (const Field& one : shape.fields) known.push_back(one.name);
        wrong("is not known; " + settings::proposal(name, known));
      } else if (!inner.is_null()) {  // null: not set
        const auto position = static_cast<std::size_t>(field - shape.fields.data());
        children[position] = this->field(*field, false, inner, before ? before->children[position] : nullptr);
      }
      path_.pop_back();
    }
    return make_group(shape, std::move(children), before == nullptr ? nullptr : before->remarks);
  }

 private:
  NodePtr wrong(std::string text) {
    if (refusal_.problems.size() < settings::kProblemsMax) {
      refusal_.problems.push_back({.file = {}, .line = 0, .path = text_of(path_), .text = std::move(text)});
    }
    return nullptr;
  }

  NodePtr single(const Field& field, const json& value, const NodePtr& before) {
    if (field.sensitive && value == kHidden && before != nullptr) return before;
    auto parsed = this->value(field, value);
    if (!parsed) return nullptr;
    return make_values(field, {std::move(*parsed)}, before == nullptr ? nullptr : before->remarks);
  }

  NodePtr values(const Field& field, const json& value, const NodePtr& before) {
    if (!value.is_array())
      return wrong(field.sensitive ? "must be an array" : "must be an array, is " + kind_of(value));
    if (!count_fits(field, value.size())) return nullptr;
    if (field.sensitive && before != nullptr && value.size() == before->values.size() &&
        std::all_of(value.begin(), value.end(), [](const json& one) { return one == kHidden; })) {
      return before;
    }
    std::vector<Value> made;
    for (std::size_t i = 0; i < value.size(); ++i) {
      path_.push_back({fmt::format("{}", i), true});
      if (auto parsed = this->value(field, value[i])) made.push_back(std::move(*parsed));
      path_.pop_back();
    }
    return make_values(field, std::move(made), before == nullptr ? nullptr : before->remarks);
  }

  NodePtr list(const Field& field, const json& value, const NodePtr& before) {
    if (!value.is_array()) return wrong("must be an array, is " + kind_of(value));
    if (!count_fits(field, value.size())) return nullptr;
    const Shape& shape = *field.shape;
    std::vector<NodePtr> elements;
    std::set<std::string> keys;
    for (std::size_t i = 0; i < value.size(); ++i) {
      path_.push_back({fmt::format("{}", i), true});
      // Hidden values and comments are those of the element with the same key.
      NodePtr element = group(shape, value[i], nullptr);
      if (element != nullptr) {
        const std::string key = key_of(shape, *element);
        const std::size_t old = before == nullptr ? 0 : find_element(shape, before->children, key);
        if (before != nullptr && old < before->children.size())
          element = group_again(shape, value[i], before->children[old]);
        if (!key.empty() && !keys.insert(key).second) wrong(fmt::format("\"{}\" is given twice in this list", key));
        elements.push_back(std::move(element));
      }
      path_.pop_back();
    }
    return make_list(std::move(elements), before == nullptr ? nullptr : before->remarks);
  }

  // The problems of this element are known already.
  NodePtr group_again(const Shape& shape, const json& value, const NodePtr& before) {
    Refusal kept = std::move(refusal_);
    refusal_ = {};
    NodePtr element = group(shape, value, before);
    refusal_ = std::move(kept);
    return element;
  }

  bool count_fits(const Field& field, std::size_t count) {
    if (count >= field.count_min && count <= field.count_max) return true;
    wrong(fmt::format("{} elements; must be a {}", count, field.type_words()));
    return false;
  }

  std::optional<Value> value(const Field& field, const json& value) {
    if (!type_fits(field, value)) {
      const std::string is = field.sensitive ? "something else" : kind_of(value);
      Field one = field;
      one.list = false;
      wrong(fmt::format("must be: {}; is {}", one.type_words(), is));
      return std::nullopt;
    }
    Result<Value> made = parsed(field, value);
    if (made) {
      if (const auto checked = field.check(*made); !checked) made = tl::unexpected<Error>{checked.error()};
    }
    if (made) return std::move(*made);
    wrong(field.sensitive ? "must be: " + field.type_words() : made.error().text);
    return std::nullopt;
  }

  static bool type_fits(const Field& field, const json& value) {
    if (field.kind == Kind::boolean) return value.is_boolean();
    if (field.kind == Kind::integer) return value.is_number_integer();
    return value.is_string();
  }
  static Result<Value> parsed(const Field& field, const json& value) {
    if (field.kind == Kind::boolean) return Value{value.get<bool>()};
    if (field.kind != Kind::integer) return field.parse(value.get<std::string>());
    // Above what 64 bits with a sign hold no field has room.
    const bool is_huge =
        value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
    return Value{is_huge ? INT64_MAX : value.get<std::int64_t>()};
  }

  Path path_;
  Refusal refusal_;
};

}  // namespace

ordered_json node_to_json(const Field& field, const Shape& owner, const NodePtr& node, bool is_element,
                          JsonStyle style) {
  if (field.kind == Kind::group) {
    if (!field.list || is_element) return group_to_json(*field.shape, node.get(), style);
    ordered_json list = ordered_json::array();
    if (node == nullptr) return list;
    for (const NodePtr& element : node->children) list.push_back(group_to_json(*field.shape, element.get(), style));
    return list;
  }
  const auto values = values_of(field, owner, node.get());
  if (!field.list) return values.empty() ? ordered_json{} : value_to_json(field, values.front(), style);
  ordered_json list = ordered_json::array();
  for (const Value& value : values) list.push_back(value_to_json(field, value, style));
  return list;
}

ordered_json to_json(const Document& document, const Place& place, JsonStyle style) {
  if (place.field == nullptr) return to_json(document, style);
  if (place.is_element && place.field->kind != Kind::group) {
    Path list = place.path;
    list.pop_back();
    const auto whole = document.find(list);
    const auto values = values_of(*place.field, *place.owner, whole ? whole->node.get() : nullptr);
    return place.trail.back() < values.size() ? value_to_json(*place.field, values[place.trail.back()], style)
                                              : nullptr;
  }
  const bool has_default = style.defaults && !place.is_element && !place.field->required;
  if (place.node == nullptr && !has_default) return nullptr;
  return node_to_json(*place.field, *place.owner, place.node, place.is_element, style);
}

ordered_json to_json(const Document& document, JsonStyle style) {
  return group_to_json(*document.shape(), document.root().get(), style);
}

Answer<NodePtr> node_from_json(const Field& field, bool is_element, const json& value, const Path& path,
                               const NodePtr& before) {
  Reader reader{path};
  NodePtr node = reader.field(field, is_element, value, before);
  if (reader.failed()) return tl::unexpected<Refusal>{reader.take_refusal()};
  return node;
}

Answer<Document> document_from_json(Document::Shape shape, const json& value, const Document* before) {
  Reader reader{{}};
  NodePtr root = reader.group(*shape, value, before == nullptr ? nullptr : before->root());
  if (reader.failed()) return tl::unexpected<Refusal>{reader.take_refusal()};
  return Document{std::move(shape), std::move(root)};
}

Answer<json> parse_json(std::string_view text) {
  // The library's parser has no limit of its own, and whoever destroys or prints a deep value recurses.
  constexpr int kDepthMax = 32;
  bool too_deep = false;
  const json::parser_callback_t watch = [&](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > kDepthMax;
    return !too_deep;
  };
  json value = json::parse(text, watch, false);
  if (too_deep) return refuse(Error::Code::invalid, "", fmt::format("JSON nested deeper than {} levels", kDepthMax));
  if (value.is_discarded()) return refuse(Error::Code::invalid, "", "is not JSON");
  return value;
}

}  // namespace fulcrum::document
