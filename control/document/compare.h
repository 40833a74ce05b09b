// What differs between two documents: setting by setting, so that a difference can be read, applied, undone, and
// carried over to another document.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <utility>
#include <vector>

#include "control/document/document.h"

namespace fulcrum::document {

// Borrows fields of the documents' description, which must outlive it.
struct Change {
  enum class Kind : std::uint8_t {
    set,      // a setting got another value; `from` null: it was not set; `to` null: it no longer is
    added,    // an element of a list
    removed,  // an element of a list
    renamed,  // an element got the key `keys_to`[0]; `path` is the old one's
    ordered,  // the elements of a list, `keys_from` to `keys_to`
  };
  Kind kind = Kind::set;
  Path path;
  const settings::Field* field = nullptr;  // the setting, or the list
  const settings::Shape* owner = nullptr;  // of the field
  NodePtr from, to;
  std::vector<std::string> keys_from, keys_to;
  std::size_t position = 0;  // added: the place it gets in its list; removed: the place it had

  // "farms.shop.servers.web3 weight 10 to 5", "farms.shop.servers.web9 added: addresses 10.1.1.9". No secrets.
  [[nodiscard]] std::string words() const;
  // {"path", "change": "set", "from", "to"}, {"path", "change": "ordered", "from": [keys], "to": [keys]} and so on.
  [[nodiscard]] nlohmann::ordered_json json(bool secrets = false) const;
};

// In an order in which they can be applied. Remarks do not count.
std::vector<Change> compare(const Document& from, const Document& to);

// `document` with the changes made. Errors: one of them cannot be made, because what it changes is not there
// (conflict).
Answer<Document> with_changes(const Document& document, const std::vector<Change>& changes);
// Whether both make the same of the same.
bool same_change(const Change& a, const Change& b);
// What undoes them.
std::vector<Change> inverse(const std::vector<Change>& changes);
// From the JSON that json(true) made, by the shape of today. Errors: it does not fit any more.
Answer<std::vector<Change>> changes_from_json(const Document& document, const nlohmann::json& list);

// Changes of two people to the same object: the group that a setting is in (a server, a farm, the health check of a
// farm), or the setting itself where that is the whole configuration. Whoever adds, removes or renames an element
// touches everything in it. Two that make the same change do not conflict.
struct Conflict {
  Change mine, theirs;
};
std::vector<Conflict> conflicts(const std::vector<Change>& mine, const std::vector<Change>& theirs);

}  // namespace fulcrum::document
