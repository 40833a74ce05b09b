// Between structs and nodes.
#include <fmt/format.h>

#include "control/document/document.h"

namespace fulcrum::document {
namespace {

using settings::Field;
using settings::Kind;
using settings::Shape;
using settings::Value;
using IsSet = std::function<bool(const std::string& path)>;

std::vector<Value> values_in(const Field& field, const void* object) {
  std::vector<Value> values;
  const std::size_t count = field.access->count(object);
  values.reserve(count);
  for (std::size_t i = 0; i < count; ++i) values.push_back(field.access->get(object, i));
  return values;
}

class Maker {
 public:
  explicit Maker(const IsSet& is_set) : is_set_{is_set} {}

  NodePtr group(const Shape& shape, const void* object, const std::string& path) {
    std::vector<NodePtr> children(shape.fields.size());
    for (std::size_t i = 0; i < children.size(); ++i) {
      const Field& field = shape.fields[i];
      const std::string here = !is_set_ ? path : path.empty() ? field.name : path + "." + field.name;
      if (is_set_ && !is_set_(here)) continue;
      children[i] = field.kind == Kind::group ? nested(field, object, here) : leaf(field, shape, object);
    }
    return make_group(shape, std::move(children));
  }

 private:
  NodePtr leaf(const Field& field, const Shape& shape, const void* object) const {
    std::vector<Value> values = values_in(field, object);
    if (!is_set_ && !field.required && values == values_in(field, shape.defaults.get())) return nullptr;
    return make_values(field, std::move(values));
  }

  NodePtr nested(const Field& field, const void* object, const std::string& path) {
    if (!field.list) return group(*field.shape, field.access->at(object, 0), path);
    std::vector<NodePtr> elements;
    for (std::size_t i = 0; i < field.access->count(object); ++i) {
      const std::string here = is_set_ ? fmt::format("{}[{}]", path, i) : path;
      if (is_set_) is_set_(here);  // an element is there in any case; whoever listens learns its path
      elements.push_back(group(*field.shape, field.access->at(object, i), here));
    }
    return elements.empty() ? nullptr : make_list(std::move(elements));
  }

  const IsSet& is_set_;
};

}  // namespace

void fill(const Shape& shape, const Node& group, void* object) {
  for (std::size_t i = 0; i < shape.fields.size(); ++i) {
    const Node* node = group.children[i].get();
    const Field& field = shape.fields[i];
    if (node == nullptr) continue;
    if (field.list) field.access->clear(object);
    if (field.kind != Kind::group) {
      for (const Value& value : node->values) field.access->put(object, value);
    } else if (!field.list) {
      fill(*field.shape, *node, field.access->enter(object));
    } else {
      for (const NodePtr& element : node->children) fill(*field.shape, *element, field.access->enter(object));
    }
  }
}

NodePtr node_of(const Shape& shape, const void* object, const IsSet& is_set) {
  return Maker{is_set}.group(shape, object, "");
}

}  // namespace fulcrum::document
