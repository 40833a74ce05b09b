#include "control/document/schema.h"

#include <fmt/format.h>

#include <map>

#include "control/document/node.h"

namespace fulcrum::document {
namespace {

using nlohmann::ordered_json;
using settings::Field;
using settings::Kind;
using settings::Permission;
using settings::Shape;

// "<name>", or "<protocol>/<port>" where the key has parts; "0" where elements have none.
std::string placeholder(const Shape& shape) {
  std::string words;
  const auto key = shape.key();
  for (const std::size_t position : key) {
    words += fmt::format("{}<{}>", words.empty() ? "" : "/", shape.fields[position].name);
  }
  return key.size() == 1 && shape.fields[key[0]].kind == Kind::text ? "." + words
                                                                    : "[" + (words.empty() ? "0" : words) + "]";
}

void collect(const Shape& shape, const std::string& path, Permission permission, std::vector<Setting>& out) {
  for (const Field& field : shape.fields) {
    const std::string here = path.empty() ? field.name : path + "." + field.name;
    const Permission own = field.permission == Permission::inherit ? permission : field.permission;
    out.push_back({here, &field, &shape, false, own});
    if (field.kind != Kind::group) continue;
    const std::string inner = field.list ? here + placeholder(*field.shape) : here;
    if (field.list) out.push_back({inner, &field, &shape, true, own});
    collect(*field.shape, inner, own, out);
  }
}

// "servers" -> "Server": what one element of a list is called.
std::string type_name(const Field& field) {
  std::string name = field.name;
  if (field.list && name.size() > 1 && name.back() == 's') name.pop_back();
  bool up = true;
  std::string words;
  for (const char letter : name) {
    if (letter == '_') {
      up = true;
    } else {
      words += up && letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
      up = false;
    }
  }
  return words;
}

ordered_json value_schema(const Field& field) {
  ordered_json schema;
  switch (field.kind) {
    case Kind::boolean:
      schema["type"] = "boolean";
      break;
    case Kind::integer:
      schema["type"] = "integer";
      schema["format"] = "int64";
      if (field.min != INT64_MIN) schema["minimum"] = field.min;
      if (field.max != INT64_MAX) schema["maximum"] = field.max;
      break;
    case Kind::choice:
      schema["type"] = "string";
      for (const settings::Choice& choice : field.choices) schema["enum"].push_back(choice.name);
      break;
    case Kind::text:
      schema["type"] = "string";
      schema["minLength"] = field.length_min;
      schema["maxLength"] = field.length_max;
      if (!field.characters.empty()) schema["pattern"] = "^[" + field.characters + "]*$";
      break;
    default:
      schema["type"] = "string";
      schema["format"] = field.kind == Kind::address ? "ip" : field.kind == Kind::prefix ? "ip-prefix" : "mac";
  }
  if (field.sensitive) schema["format"] = "password";
  return schema;
}

ordered_json default_of(const Field& field, const Shape& owner) {
  const auto one = [&](const settings::Value& value) -> ordered_json {
    if (field.kind == Kind::boolean) return std::get<bool>(value);
    if (field.kind == Kind::integer) return std::get<std::int64_t>(value);
    return text_of(field, value);
  };
  const auto values = values_of(field, owner, nullptr);
  if (!field.list) return one(values.front());
  ordered_json list = ordered_json::array();
  for (const settings::Value& value : values) list.push_back(one(value));
  return list;
}

std::string description_of(const Field& field) {
  std::string words = field.help;
  for (const settings::Choice& choice : field.choices) {
    if (!choice.help.empty()) words += fmt::format(" {}: {}.", choice.name, choice.help);
  }
  return words;
}

class Schemas {
 public:
  ordered_json take() { return std::move(schemas_); }

  void add(const Shape& shape, const std::string& name, Permission permission) {
    ordered_json schema{{"type", "object"}, {"additionalProperties", false}};
    for (const std::size_t position : shape.key()) schema["x-key"].push_back(shape.fields[position].name);
    ordered_json properties = ordered_json::object();
    for (const Field& field : shape.fields) {
      const Permission own = field.permission == Permission::inherit ? permission : field.permission;
      const std::string inner = (name == root_ ? "" : name) + type_name(field);
      properties[field.name] = schema_of(field, shape, inner);
      properties[field.name]["x-permission"] = word(own);
      if (field.required) schema["required"].push_back(field.name);
      if (field.kind == Kind::group) add(*field.shape, inner, own);
    }
    schema["properties"] = std::move(properties);
    schemas_[name] = std::move(schema);
  }

  explicit Schemas(std::string root) : root_{std::move(root)} {}

 private:
  std::string root_;
  ordered_json schemas_;
};

}  // namespace

std::vector<Setting> settings_of(const Shape& shape) {
  std::vector<Setting> found;
  collect(shape, "", Permission::administer, found);
  return found;
}

std::string word(Permission permission) {
  switch (permission) {
    case Permission::operate:
      return "operate";
    case Permission::farms:
      return "farms";
    default:
      return "administer";
  }
}

std::string default_words(const Field& field, const Shape& owner) {
  if (field.kind == Kind::group || field.required) return {};
  const auto values = values_of(field, owner, nullptr);
  std::string words;
  for (const settings::Value& value : values) words += (words.empty() ? "" : ", ") + text_of(field, value);
  return field.list ? (words.empty() ? "[ ]" : "[ " + words + " ]") : words;
}

ordered_json schema_of(const Field& field, const Shape& owner, const std::string& group_name) {
  ordered_json schema;
  if (field.kind == Kind::group) {
    const ordered_json reference{{"$ref", "#/components/schemas/" + group_name}};
    // OpenAPI 3.0 ignores what stands beside a $ref, hence allOf.
    if (!field.list) schema["allOf"].push_back(reference);
    if (field.list) schema["items"] = reference;
  } else if (field.list) {
    schema["items"] = value_schema(field);
  } else {
    schema = value_schema(field);
  }
  if (field.list) {
    schema["type"] = "array";
    schema["minItems"] = field.count_min;
    schema["maxItems"] = field.count_max;
  }
  schema["description"] = description_of(field);
  if (!field.required && field.kind != Kind::group && !field.sensitive) schema["default"] = default_of(field, owner);
  if (!field.unit.empty()) schema["x-unit"] = field.unit;
  return schema;
}

ordered_json schemas(const Shape& shape, const std::string& root_name) {
  Schemas made{root_name};
  made.add(shape, root_name, Permission::administer);
  return made.take();
}

}  // namespace fulcrum::document
