// Documents as JSON, for the API, the store and --json. A group is an object, a list an array, a choice its name, an
// address a text. The root has no "version": formats of the file are the file's business.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

#include "control/document/document.h"

namespace fulcrum::document {

// Stands for the value of a sensitive field that is set. Given back, it leaves the value as it is.
inline constexpr const char* kHidden = "(hidden)";

struct JsonStyle {
  bool defaults = false;  // also what is not set, with its default
  bool secrets = false;   // sensitive values in clear: for the store only
};

// Of what `place` names; null when it is not set and `defaults` is off.
nlohmann::ordered_json to_json(const Document& document, const Place& place, JsonStyle style = {});
nlohmann::ordered_json to_json(const Document& document, JsonStyle style = {});
// Of a field's node (or of one element of its list).
nlohmann::ordered_json node_to_json(const settings::Field& field, const settings::Shape& owner, const NodePtr& node,
                                    bool is_element, JsonStyle style);

// All problems, each with its path, which begins with `path`. `before` is what stood there, for hidden values; null
// where there was nothing.
Answer<NodePtr> node_from_json(const settings::Field& field, bool is_element, const nlohmann::json& value,
                               const Path& path, const NodePtr& before = nullptr);
// Of a whole document. `before` as above.
Answer<Document> document_from_json(Document::Shape shape, const nlohmann::json& value,
                                    const Document* before = nullptr);

// Parses a text. Errors: no JSON, or nested deeper than configurations are.
Answer<nlohmann::json> parse_json(std::string_view text);

}  // namespace fulcrum::document
