// The manual page of a configuration file, from its description.
#include <fmt/format.h>

#include <algorithm>

#include "control/document/roff.h"
#include "control/document/schema.h"

namespace fulcrum::document {
namespace {

using settings::Field;
using settings::Kind;
using settings::Shape;

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  });
  return text;
}

void write_setting(std::string& out, const Setting& setting) {
  const Field& field = *setting.field;
  out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(setting.path), roff(field.help));
  for (const settings::Choice& choice : field.choices) {
    if (!choice.help.empty()) out += fmt::format(".br\n\\fI{}\\fR: {}.\n", roff(choice.name), roff(choice.help));
  }
  std::string words = field.type_words();
  if (field.required) words += "; required";
  const std::string otherwise = default_words(field, *setting.owner);
  if (!field.required && field.kind != Kind::group) words += "; default " + (otherwise.empty() ? "empty" : otherwise);
  words += "; to change it takes the permission " + word(setting.permission);
  if (field.sensitive) words += "; never shown";
  out += fmt::format(".br\n({})\n", roff(words));
}

}  // namespace

std::string manual_page(const Shape& shape, const std::string& name, const std::string& version) {
  std::string out =
      fmt::format(".TH \"{}\" 5 \"\" \"Fulcrum {}\" \"File formats\"\n", roff(upper(name)), roff(version));
  out += fmt::format(".SH NAME\n{} \\- configuration of Fulcrum\n.SH DESCRIPTION\n{}\n", roff(name), roff(shape.title));
  if (shape.version != 0) {
    out += fmt::format(".PP\nThe file says which version of its format it has: \\fBversion = {};\\fR\n", shape.version);
    if (!shape.migrations.empty()) {
      out += fmt::format("Files since version {} are read as well.\n", shape.migrations.front().from);
    }
  }
  out +=
      ".PP\nA setting is named by its path. An element of a list stands by its name, or in brackets by what tells it\n"
      "from the others.\n.SH SETTINGS\n";
  for (const Setting& setting : settings_of(shape)) {
    if (!setting.is_element) write_setting(out, setting);
  }
  return out;
}

}  // namespace fulcrum::document
