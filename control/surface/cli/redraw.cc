#include "control/surface/cli/redraw.h"

#include <fmt/format.h>

#include <algorithm>

namespace fulcrum::cli {

std::string Redraw::next(std::string_view page) {
  std::vector<std::string> lines;
  while (!page.empty()) {
    const std::size_t end = std::min(page.find('\n'), page.size());
    lines.emplace_back(page.substr(0, end));
    page.remove_prefix(std::min(end + 1, page.size()));
  }
  std::string out;
  // Cursor movement stops at the edge of the screen: what does not fit is written below.
  const bool fits = !first_ && rows_ > 0 && lines.size() < rows_ && shown_.size() < rows_;
  if (!fits) {
    if (!first_) out += '\n';
    for (const std::string& line : lines) out += line + '\n';
  } else {
    if (!shown_.empty()) out += fmt::format("\033[{}A", shown_.size());
    for (std::size_t i = 0; i < std::max(lines.size(), shown_.size()); ++i) {
      const std::string line = i < lines.size() ? lines[i] : std::string{};
      if (i >= shown_.size() || shown_[i] != line) out += line + "\033[K";
      out += '\n';
    }
    // The cursor stands below all lines that there ever were; those that are gone are empty.
    lines.resize(std::max(lines.size(), shown_.size()));
  }
  shown_ = std::move(lines);
  first_ = false;
  return out;
}

}  // namespace fulcrum::cli
