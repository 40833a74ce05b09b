// What can be derived from a description alone: lists, schemas and pages that never drift from it.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "dataplane/base/settings.h"

namespace fulcrum::document {

// One setting of a description, in the order of the file.
struct Setting {
  std::string path;  // with the names of keys in angle brackets: "farms.<name>.servers.<name>.weight"
  const settings::Field* field = nullptr;
  const settings::Shape* owner = nullptr;
  bool is_element = false;  // the element of the list of groups `field`: "farms.<name>"
  settings::Permission permission = settings::Permission::administer;  // to change it; never `inherit`
};

// Every value, group, list and element that has a path.
std::vector<Setting> settings_of(const settings::Shape& shape);

// The permission in words: "operate".
std::string word(settings::Permission permission);
// The default in words, as people write it: "10", "[ 5, 6 ]"; empty where there is none (groups, required fields).
std::string default_words(const settings::Field& field, const settings::Shape& owner);

// OpenAPI 3.0's "components/schemas": one object schema for each shape, named after the way to it ("Farm",
// "FarmServer"), the whole under `root_name`. Extensions: x-unit, x-permission, x-key, x-default-words.
nlohmann::ordered_json schemas(const settings::Shape& shape, const std::string& root_name);
// The schema of one field: a type, or a reference into the above.
nlohmann::ordered_json schema_of(const settings::Field& field, const settings::Shape& owner,
                                 const std::string& group_name);

// fulcrum.cfg(5) as roff.
std::string manual_page(const settings::Shape& shape, const std::string& name, const std::string& version);

}  // namespace fulcrum::document
