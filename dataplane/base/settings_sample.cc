// The sample file: the description read aloud, in the order of the file.
#include <fmt/format.h>

#include <algorithm>

#include "dataplane/base/settings.h"

namespace fulcrum::settings {
namespace {

constexpr std::size_t kColumns = 80;

// `words` as comment lines, broken between words.
void comment(std::string& out, const std::string& indent, std::string_view words) {
  std::string line = indent + "#";
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    if (line.size() + 1 + end > kColumns && line.size() > indent.size() + 1) {
      out += line + "\n";
      line = indent + "#";
    }
    line += " " + std::string{words.substr(0, end)};
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  out += line + "\n";
}

std::string escaped(const std::string& text) {
  std::string result = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') result += '\\';
    result += letter;
  }
  return result + "\"";
}

// A value in the file's syntax.
std::string written(const Field& field, const Value& value) {
  switch (field.kind) {
    case Kind::boolean:
      return std::get<bool>(value) ? "true" : "false";
    case Kind::integer:
      return fmt::format("{}", std::get<std::int64_t>(value));
    case Kind::text:
      return escaped(std::get<std::string>(value));
    case Kind::address:
      return escaped(std::get<Address>(value).text());
    case Kind::prefix:
      return escaped(std::get<Prefix>(value).text());
    case Kind::mac:
      return escaped(std::get<Mac>(value).text());
    case Kind::choice:
      for (const Choice& choice : field.choices) {
        if (choice.value == std::get<std::int64_t>(value)) return escaped(choice.name);
      }
      break;
    case Kind::group:
      break;
  }
  return "\"\"";
}

std::string default_words(const Field& field, const void* defaults) {
  if (!field.list) return written(field, field.access->get(defaults, 0));
  std::string words = "[";
  const std::size_t count = field.access->count(defaults);
  for (std::size_t i = 0; i < count; ++i)
    words += (i == 0 ? " " : ", ") + written(field, field.access->get(defaults, i));
  return words + " ]";
}

void describe(std::string& out, const std::string& indent, const Field& field, const void* defaults) {
  comment(out, indent, field.help);
  std::string words = field.type_words();
  if (field.required) words += "; required";
  const bool has_default = !field.required && field.kind != Kind::group;
  const std::string value = has_default ? default_words(field, defaults) : "";
  if (has_default) words += "; default " + (value == "\"\"" ? std::string{"empty"} : value);
  comment(out, indent, "(" + words + ")");
  for (const Choice& choice : field.choices) {
    if (!choice.help.empty()) comment(out, indent, fmt::format("\"{}\": {}", choice.name, choice.help));
  }
}

void write_group(std::string& out, const Shape& shape, const std::string& indent);

void write_field(std::string& out, const Field& field, const Shape& shape, const std::string& indent) {
  describe(out, indent, field, shape.defaults.get());
  if (field.kind != Kind::group) {
    out += indent + field.name + " = " +
           (field.sample.empty() ? default_words(field, shape.defaults.get()) : field.sample) + ";\n";
    return;
  }
  out += fmt::format("{}{} = {}\n", indent, field.name, field.list ? "( {" : "{");
  write_group(out, *field.shape, indent + "  ");
  const std::string more = field.sample.empty() ? " );" : ",\n" + indent + field.sample + " );";
  out += indent + (field.list ? "}" + more + "\n" : "};\n");
}

void write_group(std::string& out, const Shape& shape, const std::string& indent) {
  bool first = true;
  for (const Field& field : shape.fields) {
    if (!first) out += "\n";
    first = false;
    write_field(out, field, shape, indent);
  }
}

}  // namespace

std::string sample_text(const Shape& shape) {
  std::string out;
  if (!shape.title.empty()) {
    comment(out, "", shape.title);
    out += "\n";
  }
  if (shape.version != 0) {
    comment(out, "", "Version of this file's format; must be there.");
    out += fmt::format("version = {};\n\n", shape.version);
  }
  write_group(out, shape, "");
  return out;
}

}  // namespace fulcrum::settings
