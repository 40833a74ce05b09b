#include "control/surface/api/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "dataplane/base/settings_words.h"

namespace fulcrum::api {
namespace {

using nlohmann::json;

bool has_type(const std::string& type, const json& value) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  return type != "boolean" || value.is_boolean();
}

std::string below(const std::string& path, const std::string& name) { return path.empty() ? name : path + "." + name; }

void append(std::vector<Fault>& to, std::vector<Fault> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

std::vector<Fault> check_object(const Json& schema, const json& value, const std::string& path) {
  std::vector<Fault> faults;
  static const Json kNothing = Json::object();
  const Json& properties = schema.contains("properties") ? schema["properties"] : kNothing;
  for (const auto& [name, inner] : value.items()) {
    if (properties.contains(name)) {
      append(faults, check(properties[name], inner, below(path, name)));
    } else if (schema.value("additionalProperties", true) == false) {
      faults.push_back({below(path, name), "is not known here"});
    }
  }
  if (!schema.contains("required")) return faults;
  for (const Json& name : schema["required"]) {
    if (!value.contains(name.get<std::string>()))
      faults.push_back({below(path, name.get<std::string>()), "is missing"});
  }
  return faults;
}

std::vector<Fault> check_list(const Json& schema, const json& value, const std::string& path) {
  std::vector<Fault> faults;
  const std::size_t max = schema.value("maxItems", value.size());
  if (value.size() > max) return {{path, fmt::format("has {} elements, at most {}", value.size(), max)}};
  if (!schema.contains("items")) return faults;
  for (std::size_t i = 0; i < value.size(); ++i) {
    append(faults, check(schema["items"], value[i], fmt::format("{}[{}]", path, i)));
  }
  return faults;
}

// Whether every byte is part of a character (RFC 3629): what is not is left out by the dump.
bool is_utf8(const std::string& text) {
  const std::string dumped = json(text).dump(-1, ' ', false, json::error_handler_t::ignore);
  return json::parse(dumped, nullptr, false) == text;
}

std::string text_fault(const Json& schema, const std::string& text) {
  if (schema.value("format", "") == "password") return {};
  if (!is_utf8(text)) return "is no UTF-8";
  return settings::printable(text) == text ? "" : "holds a control character: leave it out";
}

std::string value_fault(const Json& schema, const json& value) {
  if (value.is_string()) {
    const std::size_t length = value.get_ref<const std::string&>().size();
    const std::size_t min = schema.value("minLength", std::size_t{0});
    const std::size_t max = schema.value("maxLength", length);
    if (length < min || length > max) return fmt::format("has {} bytes: {} to {}", length, min, max);
    if (std::string wrong = text_fault(schema, value.get_ref<const std::string&>()); !wrong.empty()) return wrong;
  }
  if (value.is_number_integer()) {
    const auto min = schema.value("minimum", INT64_MIN);
    const auto max = schema.value("maximum", INT64_MAX);
    const bool is_huge = value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX;
    if (is_huge || value.get<std::int64_t>() < min || value.get<std::int64_t>() > max) {
      return fmt::format("is out of range: {} to {}", min, max);
    }
  }
  if (schema.contains("enum") &&
      std::find(schema["enum"].begin(), schema["enum"].end(), Json(value)) == schema["enum"].end()) {
    std::string words;
    for (const Json& one : schema["enum"])
      words += (words.empty() ? "" : ", ") + (one.is_string() ? one.get<std::string>() : one.dump());
    return "is none of " + words;
  }
  return {};
}

// Of a text that is being parsed: where an object has the same key twice. JSON leaves open which of them counts (RFC
// 8259 4), so nobody can mean that.
class KeyWatch {
 public:
  bool see(json::parse_event_t event, const json& value) {
    using Event = json::parse_event_t;
    if (around_.empty() && event == Event::value) return true;
    if (event == Event::object_start || event == Event::array_start) {
      if (!around_.empty() && around_.back().is_list) ++around_.back().count;
      around_.push_back({.is_list = event == Event::array_start, .count = 0, .key = {}, .keys = {}});
    } else if (event == Event::object_end || event == Event::array_end) {
      around_.pop_back();
    } else if (event == Event::value) {
      if (around_.back().is_list) ++around_.back().count;
    } else {
      around_.back().key = value.get<std::string>();
      if (!around_.back().keys.insert(around_.back().key).second && !twice_) twice_ = path();
    }
    return true;
  }
  [[nodiscard]] const std::optional<std::string>& twice() const { return twice_; }

 private:
  struct Level {
    bool is_list = false;
    std::size_t count = 0;  // elements of a list that have begun
    std::string key;
    std::set<std::string> keys;
  };
  [[nodiscard]] std::string path() const {
    std::string path;
    for (const Level& level : around_)
      path = level.is_list ? fmt::format("{}[{}]", path, level.count - 1) : below(path, level.key);
    return settings::printable(path);
  }
  std::vector<Level> around_;
  std::optional<std::string> twice_;
};

}  // namespace

std::vector<Fault> check(const Json& schema, const json& value, const std::string& path) {
  const std::string type = schema.value("type", "");
  if (!has_type(type, value)) return {{path, fmt::format("is of type {}, not {}", value.type_name(), type)}};
  if (type == "object") return check_object(schema, value, path);
  if (type == "array") return check_list(schema, value, path);
  if (std::string wrong = value_fault(schema, value); !wrong.empty()) return {{path, wrong}};
  return {};
}

Result<json> parse_body(const std::string& text) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && depth > 0) --depth;
    if (depth > kBodyDepthMax) return fail(Error::Code::invalid, "", "the body is nested too deeply");
  }
  KeyWatch watch;
  const auto look = [&](int, json::parse_event_t event, const json& value) { return watch.see(event, value); };
  json parsed = json::parse(text, look, false);
  if (parsed.is_discarded()) return fail(Error::Code::invalid, "", "the body is no JSON");
  if (watch.twice()) return fail(Error::Code::invalid, *watch.twice(), "stands twice in its object");
  return parsed;
}

Json text_schema(std::size_t length_min, std::size_t length_max, const std::string& description) {
  Json schema{{"type", "string"}, {"minLength", length_min}, {"maxLength", length_max}};
  if (!description.empty()) schema["description"] = description;
  return schema;
}

Json word_of(std::initializer_list<const char*> words) { return {{"type", "string"}, {"enum", words}}; }

Json password_schema(std::size_t length_max) {
  Json schema = text_schema(1, length_max);
  schema["format"] = "password";
  return schema;
}

Json number_schema(std::int64_t min, std::int64_t max, const std::string& description) {
  Json schema{{"type", "integer"}, {"minimum", min}, {"maximum", max}};
  if (!description.empty()) schema["description"] = description;
  return schema;
}

Json object_schema(const Json& required, const Json& optional) {
  Json schema{{"type", "object"}, {"properties", Json::object()}};
  for (const auto& [name, inner] : required.items()) {
    schema["properties"][name] = inner;
    schema["required"].push_back(name);
  }
  for (const auto& [name, inner] : optional.items()) schema["properties"][name] = inner;
  schema["additionalProperties"] = false;
  return schema;
}

Json record_schema(const Json& members) {
  Json schema = object_schema(members);
  schema.erase("additionalProperties");
  return schema;
}

Json reference(const std::string& name) { return {{"$ref", "#/components/schemas/" + name}}; }

Json list_schema(const Json& items, std::size_t count_max, const std::string& description) {
  Json schema{{"type", "array"}, {"items", items}, {"maxItems", count_max}};
  if (!description.empty()) schema["description"] = description;
  return schema;
}

}  // namespace fulcrum::api
