#include "control/document/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
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

constexpr std::size_t kGone = SIZE_MAX;

// Where each element of a list is in another one: under its key, else under another. It is the same one under another
// name when everything else is the same, or when it still has one of its addresses: by these a farm and a server keep
// their connections and clients (compile.h), also while their old name is somebody else's already.
class Homes {
 public:
  Homes(const Shape& shape, const std::vector<NodePtr>& before, const std::vector<NodePtr>& after,
        const std::vector<std::string>& old_keys, const std::vector<std::string>& new_keys)
      : shape_{shape}, before_{before}, after_{after} {
    const Keys places = positions_of(new_keys);
    std::vector<bool> is_taken(after.size());
    for (const std::string& key : old_keys) {
      const auto found = places.find(key);
      homes_.push_back(found == places.end() ? kGone : found->second);
      if (homes_.back() != kGone) is_taken[homes_.back()] = true;
    }
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (is_taken[i]) continue;
      by_rest_.emplace(rest_of(shape, *after[i]), i);
      for (const std::string& address : addresses_of(*after[i])) by_address_.emplace(address, i);
    }
    if (by_rest_.empty()) return;
    for (std::size_t i = 0; i < before.size(); ++i) settle_replaced(i);
    for (std::size_t i = 0; i < before.size(); ++i) settle_gone(i, by_rest_.equal_range(rest_of(shape, *before[i])));
    for (std::size_t i = 0; i < before.size(); ++i) settle_gone_by_address(i);
  }
  std::vector<std::size_t> take() { return std::move(homes_); }

 private:
  [[nodiscard]] std::vector<std::string> addresses_of(const Node& element) const {
    std::vector<std::string> addresses;
    for (std::size_t i = 0; i < shape_.fields.size(); ++i) {
      const Field& field = shape_.fields[i];
      if (field.name != "addresses" || field.kind == Kind::group || element.children[i] == nullptr) continue;
      for (const settings::Value& value : element.children[i]->values) addresses.push_back(text_of(field, value));
    }
    return addresses;
  }
  [[nodiscard]] bool share_addresses(const Node& a, const Node& b) const {
    const auto ours = addresses_of(a), theirs = addresses_of(b);
    return std::any_of(ours.begin(), ours.end(), [&](const std::string& one) {
      return std::find(theirs.begin(), theirs.end(), one) != theirs.end();
    });
  }
  [[nodiscard]] std::size_t likeness(const Node& a, const Node& b) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < shape_.fields.size(); ++i) count += same(a.children[i], b.children[i]) ? 1 : 0;
    return count;
  }
  // The one most like it of those that came with an address of its.
  [[nodiscard]] std::size_t twin_by_address(const Node& element) const {
    std::size_t best = kGone;
    for (const std::string& address : addresses_of(element)) {
      const auto [first, last] = by_address_.equal_range(address);
      for (auto one = first; one != last; ++one) {
        const bool is_free = given_.count(one->second) == 0;
        const auto is_better = [&] {
          return best == kGone || likeness(element, *after_[one->second]) > likeness(element, *after_[best]);
        };
        if (is_free && is_better()) best = one->second;
      }
    }
    return best;
  }
  void give(std::size_t i, std::size_t home) {
    homes_[i] = home;
    given_.insert(home);
  }
  // Its name is somebody else's by now.
  void settle_replaced(std::size_t i) {
    if (homes_[i] == kGone || same(before_[i], after_[homes_[i]])) return;
    const std::size_t twin = twin_by_address(*before_[i]);
    if (twin != kGone && !share_addresses(*before_[i], *after_[homes_[i]])) give(i, twin);
  }
  template <class Range>
  void settle_gone(std::size_t i, const Range& range) {
    for (auto one = range.first; one != range.second && homes_[i] == kGone; ++one) {
      if (given_.count(one->second) == 0) give(i, one->second);
    }
  }
  void settle_gone_by_address(std::size_t i) {
    if (homes_[i] != kGone) return;
    if (const std::size_t twin = twin_by_address(*before_[i]); twin != kGone) give(i, twin);
  }

  const Shape& shape_;
  const std::vector<NodePtr>& before_;
  const std::vector<NodePtr>& after_;
  std::multimap<std::uint64_t, std::size_t> by_rest_;  // of those that came under new names
  std::multimap<std::string, std::size_t> by_address_;
  std::set<std::size_t> given_;
  std::vector<std::size_t> homes_;
};

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
    const std::vector<std::size_t> homes = Homes{shape, before, after, old_keys, new_keys}.take();
    std::vector<bool> is_fresh(after.size(), true);
    for (const std::size_t home : homes) {
      if (home != kGone) is_fresh[home] = false;
    }
    std::vector<std::string> order = old_keys;  // as it is after the changes so far
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (homes[i] == kGone || old_keys[i] == new_keys[homes[i]]) continue;
      step_into(old_keys[i], [&] { add(Change::Kind::renamed, field, owner, nullptr, nullptr); });
      changes_.back().keys_from = {old_keys[i]};
      changes_.back().keys_to = {new_keys[homes[i]]};
      *std::find(order.begin(), order.end(), old_keys[i]) = new_keys[homes[i]];
    }
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (homes[i] != kGone) continue;
      const auto at = std::find(order.begin(), order.end(), old_keys[i]);
      const auto position = static_cast<std::size_t>(at - order.begin());
      step_into(old_keys[i], [&] { add(Change::Kind::removed, field, owner, before[i], nullptr, position); });
      order.erase(at);
    }
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (homes[i] == kGone || same(before[i], after[homes[i]])) continue;
      step_into(new_keys[homes[i]], [&] { group_but_key(shape, before[i], after[homes[i]]); });
    }
    std::vector<std::string> kept;  // of `after`, without what is added
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (!is_fresh[i]) kept.push_back(new_keys[i]);
    }
    if (order != kept) {
      changes_.push_back({Change::Kind::ordered, path_, &field, &owner, {}, {}, std::move(order), std::move(kept), 0});
    }
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (is_fresh[i]) step_into(new_keys[i], [&] { add(Change::Kind::added, field, owner, nullptr, after[i], i); });
    }
  }

  // Two of one list under the same name by now: what names them has been told.
  void group_but_key(const Shape& shape, const NodePtr& from, const NodePtr& to) {
    std::vector<NodePtr> children = from->children;
    for (const std::size_t position : shape.key()) children[position] = to->children[position];
    group(shape, make_group(shape, std::move(children)), to);
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
