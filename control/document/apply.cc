// Changes made to a document, and written as JSON.
#include <fmt/format.h>

#include <algorithm>

#include "control/document/compare.h"
#include "control/document/json.h"

namespace fulcrum::document {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using settings::Kind;

constexpr std::pair<Change::Kind, const char*> kKinds[] = {{Change::Kind::set, "set"},
                                                           {Change::Kind::added, "added"},
                                                           {Change::Kind::removed, "removed"},
                                                           {Change::Kind::renamed, "renamed"},
                                                           {Change::Kind::ordered, "ordered"}};

Answer<Document> add(const Document& document, const Change& change) {
  if (document.find(change.path)) return refuse(Error::Code::conflict, text_of(change.path), "exists already");
  auto added = document.put(change.path, change.to);
  if (!added) return added;
  Path list = change.path;
  list.pop_back();
  const auto place = added->find(list);
  const auto& elements = place->node->children;
  if (change.position >= elements.size() - 1) return added;  // it stands at the end
  std::vector<std::string> keys;
  for (const NodePtr& element : elements) keys.push_back(key_of(*change.field->shape, *element));
  std::rotate(keys.begin() + static_cast<std::ptrdiff_t>(change.position), keys.end() - 1, keys.end());
  return added->order(list, keys);
}

Answer<Document> apply_one(const Document& document, const Change& change) {
  switch (change.kind) {
    case Change::Kind::added:
      return add(document, change);
    case Change::Kind::removed:
      return document.erase(change.path);
    case Change::Kind::renamed:
      return document.rename(change.path, change.keys_to[0]);
    case Change::Kind::ordered:
      return document.order(change.path, change.keys_to);
    case Change::Kind::set:
      break;
  }
  // Not through set(): what a change sets must be in something that is there.
  const auto place = document.find(change.path);
  if (!place) return tl::unexpected<Refusal>{place.error()};
  NodePtr node = change.to;
  if (node != nullptr && node->remarks == nullptr && place->node != nullptr && place->node->remarks != nullptr) {
    auto same_with_remarks = std::make_shared<Node>(*node);
    same_with_remarks->remarks = place->node->remarks;
    node = std::move(same_with_remarks);
  }
  return document.put(change.path, std::move(node));
}

Answer<std::vector<std::string>> keys_from(const json& list, const std::string& path) {
  std::vector<std::string> keys;
  if (!list.is_array()) return refuse(Error::Code::invalid, path, "keys must be an array");
  for (const json& key : list) {
    if (!key.is_string()) return refuse(Error::Code::invalid, path, "keys must be texts");
    keys.push_back(key.get<std::string>());
  }
  return keys;
}

// One change; `document` is asked for the fields along its path only.
Answer<Change> change_from(const Document& document, const json& given) {
  const auto text = [&](const char* key) {
    return given.is_object() && given.contains(key) && given[key].is_string() ? given[key].get<std::string>() : "";
  };
  const auto path = parse_path(text("path"));
  if (!path) return refuse(path.error());
  const auto place = document.find(*path, true);
  if (!place) return tl::unexpected<Refusal>{place.error()};
  Change change{.kind = {},
                .path = *path,
                .field = place->field,
                .owner = place->owner,
                .from = {},
                .to = {},
                .keys_from = {},
                .keys_to = {}};
  const auto kind =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& one) { return one.second == text("change"); });
  if (kind == std::end(kKinds) || place->field == nullptr) {
    return refuse(Error::Code::invalid, text_of(*path), "is no change of a setting");
  }
  change.kind = kind->first;
  const json from = given.value("from", json{});
  const json to = given.value("to", json{});
  if (given.contains("position") && given["position"].is_number_unsigned()) {
    change.position = given["position"].get<std::size_t>();
  }
  if (change.kind == Change::Kind::renamed || change.kind == Change::Kind::ordered) {
    auto before = keys_from(from, text_of(*path));
    auto after = keys_from(to, text_of(*path));
    if (!before) return tl::unexpected<Refusal>{before.error()};
    if (!after) return tl::unexpected<Refusal>{after.error()};
    change.keys_from = std::move(*before);
    change.keys_to = std::move(*after);
    if (change.kind == Change::Kind::renamed && (change.keys_to.size() != 1 || change.keys_from.size() != 1)) {
      return refuse(Error::Code::invalid, text_of(*path), "a new name needs one old and one new key");
    }
    return change;
  }
  for (const auto& [value, node] : {std::pair{&from, &change.from}, std::pair{&to, &change.to}}) {
    if (value->is_null()) continue;
    auto made = node_from_json(*place->field, place->is_element, *value, *path);
    if (!made) return tl::unexpected<Refusal>{made.error()};
    *node = std::move(*made);
  }
  return change;
}

}  // namespace

ordered_json Change::json(bool secrets) const {
  const auto kind_word =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& one) { return one.first == kind; })->second;
  ordered_json made{{"path", text_of(path)}, {"change", kind_word}};
  if (kind == Kind::renamed || kind == Kind::ordered) {
    made["from"] = keys_from;
    made["to"] = keys_to;
    return made;
  }
  const bool is_element = kind != Kind::set;
  if (is_element) made["position"] = position;
  const JsonStyle style{.defaults = false, .secrets = secrets};
  made["from"] = from == nullptr ? ordered_json{} : node_to_json(*field, *owner, from, is_element, style);
  made["to"] = to == nullptr ? ordered_json{} : node_to_json(*field, *owner, to, is_element, style);
  return made;
}

Answer<Document> with_changes(const Document& document, const std::vector<Change>& changes) {
  Document changed = document;
  for (const Change& change : changes) {
    auto next = apply_one(changed, change);
    if (!next) {
      next.error().code = Error::Code::conflict;
      return next;
    }
    changed = std::move(*next);
  }
  return changed;
}

Answer<std::vector<Change>> changes_from_json(const Document& document, const json& list) {
  std::vector<Change> changes;
  if (!list.is_array()) return refuse(Error::Code::invalid, "", "changes must be an array");
  for (const nlohmann::json& given : list) {
    auto change = change_from(document, given);
    if (!change) return tl::unexpected<Refusal>{change.error()};
    changes.push_back(std::move(*change));
  }
  return changes;
}

}  // namespace fulcrum::document
