#include "control/document/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fulcrum::document {
namespace {

using settings::Field;
using settings::Kind;
using settings::Shape;
using settings::Value;

// FNV-1a, and a finish that spreads it (the constants are those of FNV and of splitmix64).
class Hash {
 public:
  void add(std::string_view bytes) {
    for (const char byte : bytes) state_ = (state_ ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
    state_ = (state_ ^ 0xFFU) * 0x100000001B3U;
  }
  void add(std::uint64_t word) {
    for (int i = 0; i < 8; ++i, word >>= 8U) state_ = (state_ ^ (word & 0xFFU)) * 0x100000001B3U;
  }
  [[nodiscard]] std::uint64_t value() const {
    std::uint64_t mixed = (state_ ^ state_ >> 30U) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ mixed >> 27U) * 0x94D049BB133111EBU;
    return mixed ^ mixed >> 31U;
  }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325U;
};

constexpr std::uint64_t kListMark = 0x4C;
constexpr std::uint64_t kGroupMark = 0x47;

std::uint64_t hash_of(const Field& field, const std::vector<Value>& values) {
  Hash hash;
  for (const Value& value : values) {
    if (const auto* number = std::get_if<std::int64_t>(&value); number != nullptr && field.kind == Kind::integer) {
      hash.add(static_cast<std::uint64_t>(*number));
    } else {
      hash.add(text_of(field, value));
    }
  }
  return hash.value();
}

}  // namespace

NodePtr make_values(const Field& field, std::vector<Value> values, std::shared_ptr<const Remarks> remarks) {
  auto node = std::make_shared<Node>();
  node->hash = hash_of(field, values);
  node->values = std::move(values);
  node->remarks = std::move(remarks);
  return node;
}

// A sum over the fields that are set, so that neither their order nor fields nobody set matter.
NodePtr make_group(const Shape& shape, std::vector<NodePtr> children, std::shared_ptr<const Remarks> remarks) {
  auto node = std::make_shared<Node>();
  std::uint64_t sum = kGroupMark;
  for (std::size_t i = 0; i < children.size(); ++i) {
    const Field& field = shape.fields[i];
    // A group or list of groups with nothing in it is as good as none.
    if (field.kind == Kind::group && is_empty_group(children[i].get())) children[i] = nullptr;
    if (children[i] == nullptr) continue;
    Hash hash;
    hash.add(field.name);
    hash.add(children[i]->hash);
    sum += hash.value();
  }
  node->hash = sum;
  node->children = std::move(children);
  node->remarks = std::move(remarks);
  return node;
}

NodePtr make_list(std::vector<NodePtr> elements, std::shared_ptr<const Remarks> remarks) {
  auto node = std::make_shared<Node>();
  Hash hash;
  hash.add(kListMark);
  for (const NodePtr& element : elements) hash.add(element->hash);
  node->hash = hash.value();
  node->children = std::move(elements);
  node->remarks = std::move(remarks);
  return node;
}

NodePtr empty_group(const Shape& shape) { return make_group(shape, std::vector<NodePtr>(shape.fields.size())); }

bool is_empty_group(const Node* group) {
  return group == nullptr || (group->values.empty() && std::all_of(group->children.begin(), group->children.end(),
                                                                   [](const NodePtr& child) { return !child; }));
}

std::vector<Value> values_of(const Field& field, const Shape& owner, const Node* node) {
  if (node != nullptr) return node->values;
  std::vector<Value> values;
  const void* defaults = owner.defaults.get();
  for (std::size_t i = 0; i < field.access->count(defaults); ++i) values.push_back(field.access->get(defaults, i));
  return values;
}

std::string key_of(const Shape& shape, const Node& element) {
  std::string key;
  for (const std::size_t position : shape.key()) {
    const Field& field = shape.fields[position];
    const NodePtr& child = element.children[position];
    if (child == nullptr && field.required) return {};
    const auto values = values_of(field, shape, child.get());
    if (values.empty()) return {};
    key += (key.empty() ? "" : "/") + text_of(field, values.front());
  }
  return key;
}

std::size_t find_element(const Shape& shape, std::span<const NodePtr> elements, std::string_view key) {
  if (key.empty()) return elements.size();
  const auto positions = shape.key();
  // The common case, without making a text of each key.
  if (positions.size() == 1 && shape.fields[positions[0]].kind == Kind::text) {
    const auto found = std::find_if(elements.begin(), elements.end(), [&](const NodePtr& element) {
      const NodePtr& name = element->children[positions[0]];
      return name != nullptr && std::get<std::string>(name->values.front()) == key;
    });
    return static_cast<std::size_t>(found - elements.begin());
  }
  const auto found = std::find_if(elements.begin(), elements.end(),
                                  [&](const NodePtr& element) { return key_of(shape, *element) == key; });
  return static_cast<std::size_t>(found - elements.begin());
}

std::string text_of(const Field& field, const Value& value) {
  switch (field.kind) {
    case Kind::boolean:
      return std::get<bool>(value) ? "true" : "false";
    case Kind::integer:
      return fmt::format("{}", std::get<std::int64_t>(value));
    case Kind::text:
      return std::get<std::string>(value);
    case Kind::address:
      return std::get<Address>(value).text();
    case Kind::prefix:
      return std::get<Prefix>(value).text();
    case Kind::mac:
      return std::get<Mac>(value).text();
    case Kind::choice:
      for (const settings::Choice& choice : field.choices) {
        if (choice.value == std::get<std::int64_t>(value)) return choice.name;
      }
      break;
    case Kind::group:
      break;
  }
  return {};
}

}  // namespace fulcrum::document
