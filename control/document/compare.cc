#include "control/document/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "control/document/json.h"
#include "control/document/schema.h"

namespace fulcrum::document {
namespace {

using settings::Field;
using settings::Kind;
using settings::Shape;

// Where each key stands. Empty when an element has none: such lists are compared as one value.
using Keys = std::unordered_map<std::string, std::size_t>;
std::vector<std::string> keys_of(const Shape& shape, const std::vector<NodePtr>& elements) {
  std::vector<std::string> keys;
  keys.reserve(elements.size());
  for (const NodePtr& element : elements) keys.push_back(key_of(shape, *element));
  return keys;
}

Keys positions_of(const std::vector<std::string>& keys) {
  Keys positions;
  for (std::size_t i = 0; i < keys.size(); ++i) positions.emplace(keys[i], i);
  return positions;
}

// What an element holds besides its key, as a number.
std::uint64_t rest_of(const Shape& shape, const Node& element) {
  std::vector<NodePtr> children = element.children;
  for (const std::size_t position : shape.key()) children[position] = nullptr;
  return make_group(shape, std::move(children))->hash;
}

class Comparison {
 public:
  std::vector<Change> take() { return std::move(changes_); }

  void group(const Shape& shape, const NodePtr& from, const NodePtr& to) {
    if (same(from, to)) return;
    for (std::size_t i = 0; i < shape.fields.size(); ++i) {
      const NodePtr before = from == nullptr ? nullptr : from->children[i];
      const NodePtr after = to == nullptr ? nullptr : to->children[i];
      if (same(before, after)) continue;
      const Field& field = shape.fields[i];
      path_.push_back({field.name, false});
      if (field.kind != Kind::group) {
        add(Change::Kind::set, field, shape, before, after);
      } else if (!field.list) {
        group(*field.shape, before, after);
      } else {
        list(field, shape, before, after);
      }
      path_.pop_back();
    }
  }

 private:
  void add(Change::Kind kind, const Field& field, const Shape& owner, NodePtr from, NodePtr to,
           std::size_t position = 0) {
    changes_.push_back({kind, path_, &field, &owner, std::move(from), std::move(to), {}, {}, position});
  }

  void list(const Field& field, const Shape& owner, const NodePtr& from, const NodePtr& to) {
    const Shape& shape = *field.shape;
    const std::vector<NodePtr> none;
    const auto& before = from == nullptr ? none : from->children;
    const auto& after = to == nullptr ? none : to->children;
    if (shape.key().empty()) return add(Change::Kind::set, field, owner, from, to);
    if (elements_in_place(shape, before, after)) return;
    const auto old_keys = keys_of(shape, before);
    const auto new_keys = keys_of(shape, after);
    const Keys old_positions = positions_of(old_keys);
    const Keys new_positions = positions_of(new_keys);
    std::vector<std::size_t> gone;
    std::vector<std::size_t> fresh;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (new_positions.count(old_keys[i]) == 0) gone.push_back(i);
    }
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (old_positions.count(new_keys[i]) == 0) fresh.push_back(i);
    }
    std::vector<std::string> order = old_keys;  // as it is after the changes so far
    pair_renamed(field, owner, before, after, gone, fresh, order, new_keys);
    for (const std::size_t i : gone) {
      const auto at = std::find(order.begin(), order.end(), old_keys[i]);
      const auto position = static_cast<std::size_t>(at - order.begin());
      step_into(old_keys[i], [&] { add(Change::Kind::removed, field, owner, before[i], nullptr, position); });
      order.erase(at);
    }
    for (std::size_t i = 0; i < before.size(); ++i) {
      const auto found = new_positions.find(old_keys[i]);
      if (found == new_positions.end() || same(before[i], after[found->second])) continue;
      step_into(old_keys[i], [&] { group(shape, before[i], after[found->second]); });
    }
    std::vector<std::string> kept;  // of `after`, without what is added
    for (std::size_t i = 0, next = 0; i < after.size(); ++i) {
      if (next < fresh.size() && fresh[next] == i) {
        ++next;
      } else {
        kept.push_back(new_keys[i]);
      }
    }
    if (order != kept) {
      changes_.push_back({Change::Kind::ordered, path_, &field, &owner, {}, {}, std::move(order), std::move(kept), 0});
    }
    for (const std::size_t i : fresh) {
      step_into(new_keys[i], [&] { add(Change::Kind::added, field, owner, nullptr, after[i], i); });
    }
  }

  // The usual case: the same elements in the same places, some of them changed.
  bool elements_in_place(const Shape& shape, const std::vector<NodePtr>& before, const std::vector<NodePtr>& after) {
    if (before.size() != after.size()) return false;
    std::vector<std::pair<std::size_t, std::string>> differing;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (same(before[i], after[i])) continue;
      std::string key = key_of(shape, *before[i]);
      if (key != key_of(shape, *after[i])) return false;
      differing.emplace_back(i, std::move(key));
    }
    for (const auto& [i, key] : differing) step_into(key, [&, i = i] { group(shape, before[i], after[i]); });
    return true;
  }

  // One that went and one that came with the same contents are the same under another name.
  void pair_renamed(const Field& field, const Shape& owner, const std::vector<NodePtr>& before,
                    const std::vector<NodePtr>& after, std::vector<std::size_t>& gone, std::vector<std::size_t>& fresh,
                    std::vector<std::string>& order, const std::vector<std::string>& new_keys) {
    const Shape& shape = *field.shape;
    for (auto old = gone.begin(); old != gone.end();) {
      const std::uint64_t rest = rest_of(shape, *before[*old]);
      const auto twin =
          std::find_if(fresh.begin(), fresh.end(), [&](std::size_t i) { return rest_of(shape, *after[i]) == rest; });
      if (twin == fresh.end()) {
        ++old;
        continue;
      }
      const std::string key = key_of(shape, *before[*old]);
      step_into(key, [&] { add(Change::Kind::renamed, field, owner, nullptr, nullptr); });
      changes_.back().keys_from = {key};
      changes_.back().keys_to = {new_keys[*twin]};
      *std::find(order.begin(), order.end(), key) = new_keys[*twin];
      fresh.erase(twin);
      old = gone.erase(old);
    }
  }

  template <class Body>
  void step_into(const std::string& key, Body body) {
    path_.push_back({key, false});
    body();
    path_.pop_back();
  }

  std::vector<Change> changes_;
  Path path_;
};

std::string words_of(const Field& field, const Shape& owner, const NodePtr& node) {
  if (field.kind == Kind::group) return node == nullptr ? "nothing" : "another list";
  const auto values = values_of(field, owner, node.get());
  std::string words;
  for (const settings::Value& value : values) words += (words.empty() ? "" : ", ") + text_of(field, value);
  if (words.empty()) words = node == nullptr ? "nothing" : "empty";
  if (!field.unit.empty()) words += " " + field.unit;
  return node == nullptr && words != "nothing" ? words + " (default)" : words;
}

// "addresses 10.1.1.9; weight 5": the settings of an element besides its key.
std::string summary_of(const Shape& shape, const Node& element) {
  const auto key = shape.key();
  std::string words;
  for (std::size_t i = 0; i < shape.fields.size(); ++i) {
    const Field& field = shape.fields[i];
    const NodePtr& child = element.children[i];
    if (child == nullptr || std::find(key.begin(), key.end(), i) != key.end()) continue;
    words += words.empty() ? "" : "; ";
    if (field.kind == Kind::group) {
      words += field.list ? fmt::format("{} {}", child->children.size(), field.name) : field.name;
    } else {
      words += field.name + " " + (field.sensitive ? kHidden : words_of(field, shape, child));
    }
  }
  return words;
}

std::string joined(const std::vector<std::string>& keys) {
  std::string words;
  for (const std::string& key : keys) words += (words.empty() ? "" : " ") + key;
  return words;
}

// The object that a change is about; see Conflict.
Path object_of(const Change& change) {
  if (change.kind != Change::Kind::set) return change.path;
  Path object = change.path;
  object.pop_back();
  return object.empty() ? change.path : object;
}

bool touches_all_of_it(const Change& change) {
  return change.kind == Change::Kind::added || change.kind == Change::Kind::removed ||
         change.kind == Change::Kind::renamed;
}

bool collide(const Change& mine, const Change& theirs) {
  if (same_change(mine, theirs)) return false;
  const Path a = object_of(mine);
  const Path b = object_of(theirs);
  if (a == b) return true;
  if (touches_all_of_it(mine) && is_within(theirs.path, mine.path)) return true;
  if (touches_all_of_it(theirs) && is_within(mine.path, theirs.path)) return true;
  const auto takes = [](const Change& renamed, const Change& other) {
    Path made = renamed.path;
    made.back() = Step{renamed.kind == Change::Kind::renamed ? renamed.keys_to[0] : made.back().word, false};
    return renamed.kind == Change::Kind::renamed && is_within(other.path, made);
  };
  return takes(mine, theirs) || takes(theirs, mine);
}

}  // namespace

std::string Change::words() const {
  Path above = path;
  switch (kind) {
    case Kind::added: {
      const std::string summary = summary_of(*field->shape, *to);
      return fmt::format("{} added{}{}", text_of(path), summary.empty() ? "" : ": ", summary);
    }
    case Kind::removed:
      return text_of(path) + " removed";
    case Kind::renamed:
      return fmt::format("{} renamed to {}", text_of(path), keys_to[0]);
    case Kind::ordered:
      return fmt::format("{} order {} to {}", text_of(path), joined(keys_from), joined(keys_to));
    case Kind::set:
      break;
  }
  above.pop_back();
  const std::string object = above.empty() ? "" : text_of(above) + " ";
  if (field->sensitive) return fmt::format("{}{} {}", object, field->name, to == nullptr ? "taken away" : "changed");
  return fmt::format("{}{} {} to {}", object, field->name, words_of(*field, *owner, from),
                     words_of(*field, *owner, to));
}

std::vector<Change> compare(const Document& from, const Document& to) {
  Comparison comparison;
  comparison.group(*from.shape(), from.root(), to.root());
  return comparison.take();
}

bool same_change(const Change& a, const Change& b) {
  return a.kind == b.kind && a.path == b.path && same(a.to, b.to) && a.keys_to == b.keys_to;
}

std::vector<Change> inverse(const std::vector<Change>& changes) {
  std::vector<Change> undone;
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    Change back = *change;
    std::swap(back.from, back.to);
    std::swap(back.keys_from, back.keys_to);
    if (change->kind == Change::Kind::added) back.kind = Change::Kind::removed;
    if (change->kind == Change::Kind::removed) back.kind = Change::Kind::added;
    if (change->kind == Change::Kind::renamed) back.path.back() = Step{back.keys_from[0], false};
    undone.push_back(std::move(back));
  }
  return undone;
}

std::vector<Conflict> conflicts(const std::vector<Change>& mine, const std::vector<Change>& theirs) {
  std::vector<Conflict> found;
  for (const Change& one : mine) {
    for (const Change& other : theirs) {
      if (collide(one, other)) found.push_back({one, other});
    }
  }
  return found;
}

}  // namespace fulcrum::document
