// A page drawn again and again on a slow line: over the one before, and only the lines that have changed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fulcrum::cli {

class Redraw {
 public:
  // `rows` of the terminal; 0: none, then pages follow each other with an empty line between.
  explicit Redraw(std::size_t rows) : rows_{rows} {}
  // What to write for the next page to be seen.
  std::string next(std::string_view page);

 private:
  std::size_t rows_;
  std::vector<std::string> shown_;
  bool first_ = true;
};

}  // namespace fulcrum::cli
