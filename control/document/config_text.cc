#include "control/document/config_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

namespace fulcrum::document {
namespace {

using settings::Field;
using settings::Kind;
using settings::Shape;
using settings::Value;

constexpr std::size_t kColumns = 120;

void quote(std::string& out, std::string_view text) {
  out += '"';
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') out += '\\';
    out += letter;
  }
  out += '"';
}

void write_value(std::string& out, const Field& field, const Value& value) {
  if (field.kind == Kind::boolean || field.kind == Kind::integer) {
    out += text_of(field, value);
  } else {
    quote(out, text_of(field, value));
  }
}

void write_values(std::string& out, const Field& field, const Node& node) {
  if (!field.list) return write_value(out, field, node.values.front());
  out += node.values.empty() ? "[" : "[ ";
  for (std::size_t i = 0; i < node.values.size(); ++i) {
    if (i != 0) out += ", ";
    write_value(out, field, node.values[i]);
  }
  out += " ]";
}

void comment(std::string& out, std::string_view indent, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += indent;
    out += "# ";
    out += text.substr(0, end);
    out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// A comment behind a setting is one line, whatever it was in the file.
void comment_beside(std::string& out, const Node& node) {
  if (node.remarks == nullptr || node.remarks->beside.empty()) return;
  std::string text = node.remarks->beside;
  std::replace(text.begin(), text.end(), '\n', ' ');
  out += "  # " + text;
}

class Writer {
 public:
  std::string take() { return std::move(out_); }

  void file(const Shape& shape, const Node& root) {
    if (root.remarks != nullptr) comment(out_, "", root.remarks->above);
    if (shape.version != 0) {
      out_ += fmt::format("version = {};", shape.version);
      comment_beside(out_, root);
      out_ += '\n';
    }
    group(shape, root);
    if (root.remarks != nullptr) comment(out_, "", root.remarks->below);
  }

 private:
  // The settings of a group, each on lines of its own.
  void group(const Shape& shape, const Node& node) {
    for (std::size_t i = 0; i < shape.fields.size(); ++i) {
      if (node.children[i] == nullptr) continue;
      const Field& field = shape.fields[i];
      const Node& child = *node.children[i];
      if (child.remarks != nullptr) comment(out_, indent_, child.remarks->above);
      out_ += indent_;
      out_ += field.name;
      out_ += " = ";
      bool one_line = true;
      if (field.kind != Kind::group) {
        write_values(out_, field, child);
      } else if (field.list) {
        one_line = list(*field.shape, child);
      } else {
        one_line = braces(*field.shape, child);
      }
      out_ += ";";
      if (one_line) comment_beside(out_, child);
      out_ += '\n';
    }
  }

  // What takes several lines has its comment behind the opening bracket. False then.
  bool list(const Shape& shape, const Node& node) {
    if (node.children.empty()) {
      out_ += "( )";
      return true;
    }
    out_ += "(";
    comment_beside(out_, node);
    out_ += '\n';
    indent_ += "  ";
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const Node& element = *node.children[i];
      if (element.remarks != nullptr) comment(out_, indent_, element.remarks->above);
      out_ += indent_;
      const bool one_line = braces(shape, element);
      if (i + 1 < node.children.size()) out_ += ",";
      if (one_line) comment_beside(out_, element);
      out_ += '\n';
    }
    indent_.resize(indent_.size() - 2);
    out_ += indent_ + ")";
    return false;
  }

  // On one line where that is short and nothing in it has a comment or a group of its own.
  bool braces(const Shape& shape, const Node& node) {
    const std::size_t line = out_.size() - std::min(out_.size(), out_.rfind('\n') + 1);
    const std::size_t begin = out_.size();
    if (is_plain(shape, node)) {
      out_ += "{ ";
      for (std::size_t i = 0; i < shape.fields.size(); ++i) {
        if (node.children[i] == nullptr) continue;
        out_ += shape.fields[i].name;
        out_ += " = ";
        write_values(out_, shape.fields[i], *node.children[i]);
        out_ += "; ";
      }
      out_ += "}";
      if (line + (out_.size() - begin) < kColumns) return true;
      out_.resize(begin);
    }
    out_ += "{";
    comment_beside(out_, node);
    out_ += '\n';
    indent_ += "  ";
    group(shape, node);
    indent_.resize(indent_.size() - 2);
    out_ += indent_ + "}";
    return false;
  }

  static bool is_plain(const Shape& shape, const Node& node) {
    for (std::size_t i = 0; i < shape.fields.size(); ++i) {
      if (node.children[i] == nullptr) continue;
      if (shape.fields[i].kind == Kind::group || node.children[i]->remarks != nullptr) return false;
    }
    return true;
  }

  std::string out_, indent_;
};

void append(std::string& lines, const std::string& text) {
  if (text.empty()) return;
  if (!lines.empty()) lines += '\n';
  lines += text;
}

// Which comment goes with which setting, by path in numbers; that of the file itself under "".
class Ties {
 public:
  Ties(const settings::Reading& reading, std::vector<std::pair<unsigned, std::string>> places)
      : places_{std::move(places)} {
    // Of settings on one line the outermost comes first: it was found first.
    std::stable_sort(places_.begin(), places_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    const unsigned version_line = reading.sources.has("version") ? reading.sources.line("version") : 0;
    for (const settings::Remark& remark : reading.remarks) {
      if (remark.line < version_line) {
        append(ties_[""].above, remark.text);
      } else if (remark.line == version_line && !remark.own_line) {
        append(ties_[""].beside, remark.text);
      } else {
        tie(remark);
      }
    }
  }
  [[nodiscard]] std::shared_ptr<const Remarks> of(const std::string& path) const {
    const auto found = ties_.find(path);
    return found == ties_.end() || found->second.empty() ? nullptr : std::make_shared<const Remarks>(found->second);
  }

 private:
  void tie(const settings::Remark& remark) {
    const auto at_line = std::lower_bound(places_.begin(), places_.end(), remark.line,
                                          [](const auto& place, unsigned line) { return place.first < line; });
    if (!remark.own_line && at_line != places_.end() && at_line->first == remark.line) {
      // Behind "servers = ( { name = "web1"; ... }," it is about web1.
      const auto end =
          std::find_if(at_line, places_.end(), [&](const auto& place) { return place.first != remark.line; });
      const auto element = std::find_if(at_line, end, [](const auto& place) { return place.second.ends_with(']'); });
      return append(ties_[element == end ? at_line->second : element->second].beside, remark.text);
    }
    const auto next = std::upper_bound(places_.begin(), places_.end(), remark.line,
                                       [](unsigned line, const auto& place) { return line < place.first; });
    append(next == places_.end() ? ties_[""].below : ties_[next->second].above, remark.text);
  }

  std::vector<std::pair<unsigned, std::string>> places_;
  std::unordered_map<std::string, Remarks> ties_;
};

// Puts remarks on the nodes of a tree.
class Dresser {
 public:
  explicit Dresser(const Ties& ties) : ties_{ties} {}

  NodePtr group(const Shape& shape, const Node& node, const std::string& path) {
    std::vector<NodePtr> children = node.children;
    for (std::size_t i = 0; i < children.size(); ++i) {
      const Field& field = shape.fields[i];
      if (children[i] != nullptr) {
        children[i] = this->field(field, *children[i], path.empty() ? field.name : path + "." + field.name);
      }
    }
    return make_group(shape, std::move(children), ties_.of(path));
  }

 private:
  NodePtr field(const Field& field, const Node& node, const std::string& path) {
    if (field.kind != Kind::group) return make_values(field, node.values, ties_.of(path));
    if (!field.list) return group(*field.shape, node, path);
    std::vector<NodePtr> elements;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      elements.push_back(group(*field.shape, *node.children[i], fmt::format("{}[{}]", path, i)));
    }
    return make_list(std::move(elements), ties_.of(path));
  }

  const Ties& ties_;
};

}  // namespace

std::string config_text(const Document& document) {
  Writer writer;
  writer.file(*document.shape(), *document.root());
  return writer.take();
}

Document document_of(const Document::Shape& shape, const void* object, const settings::Reading& reading) {
  std::vector<std::pair<unsigned, std::string>> places;
  const bool has_remarks = !reading.remarks.empty();
  NodePtr root = node_of(*shape, object, [&](const std::string& path) {
    if (!reading.sources.has(path)) return false;
    if (has_remarks) places.emplace_back(reading.sources.line(path), path);
    return true;
  });
  if (has_remarks) root = Dresser{Ties{reading, std::move(places)}}.group(*shape, *root, "");
  return Document{shape, std::move(root)};
}

Answer<Document> document_from_text(const Document::Shape& shape, std::string_view text, const std::string& name) {
  const auto object = shape->make();
  settings::Reading reading = settings::read_text(text, name, *shape, object.get());
  if (reading.problems.empty()) return document_of(shape, object.get(), reading);
  return tl::unexpected<Refusal>{Refusal{Error::Code::invalid, std::move(reading.problems)}};
}

}  // namespace fulcrum::document
