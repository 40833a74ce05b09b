// What a document lacks before it is a configuration, and how its paths are called.
#include <fmt/format.h>

#include "control/document/document.h"

namespace fulcrum::document {
namespace {

using settings::Field;
using settings::Kind;
using settings::Shape;

class Gaps {
 public:
  Gaps(settings::Sources& sources, std::vector<settings::Problem>& problems) : sources_{sources}, problems_{problems} {}

  void group(const Shape& shape, const NodePtr& node, const NodePtr& good, const std::string& path) {
    if (node == good) return;
    for (std::size_t i = 0; i < shape.fields.size(); ++i) {
      const NodePtr before = good == nullptr ? nullptr : good->children[i];
      const NodePtr after = node == nullptr ? nullptr : node->children[i];
      const Field& field = shape.fields[i];
      const std::string here = path.empty() ? field.name : path + "." + field.name;
      if (after == nullptr && field.required) {
        tell(here, "is missing: " + field.type_words());
      } else if (after != nullptr && after != before) {
        this->field(field, after, before, here);
      }
    }
  }

 private:
  void field(const Field& field, const NodePtr& node, const NodePtr& good, const std::string& path) {
    if (field.list) count(field, field.kind == Kind::group ? node->children.size() : node->values.size(), path);
    if (field.kind != Kind::group) return;
    if (!field.list) return group(*field.shape, node, good, path);
    for (std::size_t i = 0; i < node->children.size(); ++i) {
      const NodePtr before = good != nullptr && i < good->children.size() ? good->children[i] : nullptr;
      if (node->children[i] == before) continue;
      group(*field.shape, node->children[i], before, fmt::format("{}[{}]", path, i));
    }
  }

  void count(const Field& field, std::size_t length, const std::string& path) {
    if (length >= field.count_min && length <= field.count_max) return;
    if (length > field.count_max) {
      return tell(path, fmt::format("{} elements are too many: at most {}", length, field.count_max));
    }
    tell(path, length == 0 ? fmt::format("is empty: at least {} needed", field.count_min)
                           : fmt::format("{} elements are too few: at least {}", length, field.count_min));
  }

  void tell(const std::string& path, std::string text) {
    sources_.mark_wrong(path);
    if (problems_.size() < settings::kProblemsMax) problems_.push_back(sources_.problem(path, std::move(text)));
  }

  settings::Sources& sources_;
  std::vector<settings::Problem>& problems_;
};

}  // namespace

std::vector<settings::Problem> Document::gaps(settings::Sources& sources, const Document* good) const {
  std::vector<settings::Problem> problems;
  Gaps{sources, problems}.group(*shape_, root_, good == nullptr ? nullptr : good->root_, "");
  return problems;
}

std::string Document::canonical(const std::string& numbered) const {
  const auto path = parse_path(numbered);
  const auto place = path ? find(*path) : refuse(path.error());
  return place ? text_of(place->path) : numbered;
}

settings::Sources Document::sources() const {
  return settings::Sources{[document = *this](const std::string& path) { return document.canonical(path); }};
}

}  // namespace fulcrum::document
