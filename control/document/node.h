// A configuration as data: a tree of immutable, shared nodes that a description (base/settings.h) gives its meaning.
// A changed document shares with the one before everything but the way from its root to the change. So a copy costs
// nothing, and two documents are compared in the time that their differences take.
//
// A node stands for one field of a description, or one element of a list of groups, and holds
//   - a value, or a list of values:   `values`
//   - a group:                        `children`, one for each field of its shape, null where it is not set
//   - a list of groups:               `children`, its elements
// Values are within the bounds of their field. What is required may be missing until a document is to be committed.
//
// `hash` is of the contents without the remarks; it is the same in every process and every release, whatever fields are
// added to the description, and good for telling whether something changed. It is no protection against forgery.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/base/settings.h"

namespace fulcrum::document {

// The comments of a file that go with a setting, lines without their marks.
struct Remarks {
  std::string above, beside, below;  // below: at the end of the file, of the root only
  [[nodiscard]] bool empty() const { return above.empty() && beside.empty() && below.empty(); }
  friend bool operator==(const Remarks&, const Remarks&) = default;
};

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Node {
  std::vector<settings::Value> values;
  std::vector<NodePtr> children;
  std::shared_ptr<const Remarks> remarks;  // null: none
  std::uint64_t hash = 0;
};

// Each computes the hash. `remarks` may be null.
NodePtr make_values(const settings::Field& field, std::vector<settings::Value> values,
                    std::shared_ptr<const Remarks> remarks = {});
NodePtr make_group(const settings::Shape& shape, std::vector<NodePtr> children,
                   std::shared_ptr<const Remarks> remarks = {});
NodePtr make_list(std::vector<NodePtr> elements, std::shared_ptr<const Remarks> remarks = {});
// A group in which nothing is set.
NodePtr empty_group(const settings::Shape& shape);
// Null and a group in which nothing is set are the same.
bool is_empty_group(const Node* group);

// Whether both hold the same, whatever their remarks. Null is equal to null only.
inline bool same(const NodePtr& a, const NodePtr& b) {
  return a == b || (a != nullptr && b != nullptr && a->hash == b->hash);
}

// The values of a field that is no group, or its default where `node` is null.
std::vector<settings::Value> values_of(const settings::Field& field, const settings::Shape& owner, const Node* node);

// What names this element of a list among its siblings; empty when the shape has no key or it is not set.
std::string key_of(const settings::Shape& shape, const Node& element);
// The element with that key: its position, or the number of elements.
std::size_t find_element(const settings::Shape& shape, std::span<const NodePtr> elements, std::string_view key);

// A value in words, without quotes: "10.1.1.11", "weighted_round_robin".
std::string text_of(const settings::Field& field, const settings::Value& value);

}  // namespace fulcrum::document
