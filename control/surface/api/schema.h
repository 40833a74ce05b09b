// Checks JSON against the part of JSON Schema that our OpenAPI document uses for what is not configuration: type,
// properties, required, additionalProperties: false, enum, minLength, maxLength, minimum, maximum, items, maxItems. So
// what the document promises of a body is what is checked, by construction. Beyond that no text may hold control
// characters or what is no UTF-8: it is shown on terminals later, and kept in files that other programs read.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "control/surface/api/answer.h"

namespace fulcrum::api {

// All that is wrong; the paths begin with `path`.
std::vector<Fault> check(const Json& schema, const nlohmann::json& value, const std::string& path = {});

// Parses a body. Faults: no JSON, nested too deeply, a key that stands twice in its object (with its path).
inline constexpr std::size_t kBodyDepthMax = 32;
Result<nlohmann::json> parse_body(const std::string& text);

// Schemas in short.
Json text_schema(std::size_t length_min, std::size_t length_max, const std::string& description = {});
Json word_of(std::initializer_list<const char*> words);
Json password_schema(std::size_t length_max);  // a text that may hold any character
Json number_schema(std::int64_t min, std::int64_t max, const std::string& description = {});
// `required` and `optional` are objects: name to schema. Nothing else may be there.
Json object_schema(const Json& required, const Json& optional = Json::object());
// Of an answer: all of these are there, and a later release may add more.
Json record_schema(const Json& members);
// "#/components/schemas/NAME"; check() does not follow it.
Json reference(const std::string& name);
Json list_schema(const Json& items, std::size_t count_max, const std::string& description = {});

}  // namespace fulcrum::api
