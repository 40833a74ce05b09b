// A configuration that can be looked at and changed by path (path.h): what a candidate is, and what a revision holds.
//
//   Document next = *document.set_words(*parse_path("farms.shop.servers.web3.weight"), {"5"});
//
// A Document is a value: changing it gives another one and leaves the first as it was, at the cost of the way to the
// change (node.h). Setting something in an element that is not there makes the element, with the key of the path. Each
// value is checked against its field at once; what is missing, and what does not fit together, is told by problems()
// and by control/validate.
//
// Immutable, so any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "control/document/node.h"
#include "control/document/path.h"
#include "control/document/refusal.h"
#include "dataplane/base/settings.h"

namespace fulcrum::document {

// What a path names.
struct Place {
  Path path;                               // canonical: keys instead of positions where there are keys
  const settings::Field* field = nullptr;  // the last field on the way; null: the whole document
  const settings::Shape* owner = nullptr;  // the shape that `field` is in
  bool is_element = false;                 // one element of the list `field`, not the field
  const settings::Shape* group = nullptr;  // of a group (the document, an element of a list of groups): its shape
  NodePtr node;                            // null: not set. An element of a list of values has none either
  std::vector<std::size_t> trail;          // positions of fields and elements from the root; of what is not there, the
                                           // position it would get
  settings::Permission permission = settings::Permission::administer;  // to change it; never `inherit`
  bool sensitive = false;
};

// What may stand after a path: for completion and help.
struct Suggestion {
  Step step;
  std::string help;
  bool is_element = false;  // an element that is there, else a field
};

class Document {
 public:
  using Shape = std::shared_ptr<const settings::Shape>;

  // In which nothing is set.
  explicit Document(Shape shape);
  Document(Shape shape, NodePtr root) : shape_{std::move(shape)}, root_{std::move(root)} {}

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] const NodePtr& root() const { return root_; }
  [[nodiscard]] std::uint64_t hash() const { return root_->hash; }

  // Errors: no such field; no such element (not_found), unless `make_elements`.
  [[nodiscard]] Answer<Place> find(const Path& path, bool make_elements = false) const;
  // Fields and elements that may follow `path`; empty after a value. Errors as find().
  [[nodiscard]] Answer<std::vector<Suggestion>> suggest(const Path& path) const;

  // Puts `value`, as JSON (json.h), in place of what is there. A group is replaced as a whole: what `value` does not
  // mention is not set afterwards. A key in the body of an element must be that of the path, or be left out.
  [[nodiscard]] Answer<Document> set(const Path& path, const nlohmann::json& value) const;
  // The same with words of a command line: one for a value, any number for a list of values. Not for groups.
  [[nodiscard]] Answer<Document> set_words(const Path& path, std::span<const std::string> words) const;
  // Appends to a list of values, or takes out of it. Errors: it is there already (conflict), it is not there.
  [[nodiscard]] Answer<Document> add_word(const Path& path, const std::string& word) const;
  [[nodiscard]] Answer<Document> remove_word(const Path& path, const std::string& word) const;
  // Takes a setting (its default counts from then on), a group or an element away. Errors: it is not there.
  [[nodiscard]] Answer<Document> erase(const Path& path) const;
  // Gives an element another key. Errors: another element has it (conflict), it is no key.
  [[nodiscard]] Answer<Document> rename(const Path& path, const std::string& key) const;
  // Puts the elements of a list into the order of these keys; those not named come after, in the order they had.
  [[nodiscard]] Answer<Document> order(const Path& list, std::span<const std::string> keys) const;
  // Puts a node that fits in place of what `path` names, or where it would be.
  [[nodiscard]] Answer<Document> put(const Path& path, NodePtr node) const;

  // What is required and missing, and lists with too few elements. What this has in common with `good`, a document
  // without such problems, is not looked at. Marks in `sources`, made by sources(), what rules should pass over.
  [[nodiscard]] std::vector<settings::Problem> gaps(settings::Sources& sources, const Document* good = nullptr) const;

  // A path in numbers ("farms[2].servers[0].weight"), as validation builds them, with keys.
  [[nodiscard]] std::string canonical(const std::string& numbered) const;
  // For rules that want to know how paths are called here.
  [[nodiscard]] settings::Sources sources() const;

  friend bool operator==(const Document& a, const Document& b) { return same(a.root_, b.root_); }

 private:
  [[nodiscard]] Document with(const Place& place, NodePtr node) const;

  Shape shape_;
  NodePtr root_;
};

// The words of a command line as values of a field. Errors: too many or few, not of its type, out of bounds.
Answer<std::vector<settings::Value>> values_from_words(const settings::Field& field, std::span<const std::string> words,
                                                       const std::string& path);
// One value from a text. Errors as above; those of a sensitive field do not repeat the text.
Result<settings::Value> value_from_text(const settings::Field& field, const std::string& text);

// A struct from a document and back. `object` is a fresh default of the struct that `shape` describes.
void fill(const settings::Shape& shape, const Node& group, void* object);
// What is set where `is_set` says so, by path in numbers; all that differs from the default when it is empty.
NodePtr node_of(const settings::Shape& shape, const void* object,
                const std::function<bool(const std::string& path)>& is_set = {});

template <class S>
S object_of(const Document& document) {
  S object{};
  fill(*document.shape(), *document.root(), &object);
  return object;
}

}  // namespace fulcrum::document
