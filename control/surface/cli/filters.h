// What stands behind '|': lines picked from an answer. Whoever makes the answer gives each row of a table one line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/surface/cli/grammar.h"

namespace fulcrum::cli {

// The filters that work on text, made ready. The others are the session's business.
class TextFilters {
 public:
  // Errors (invalid): a pattern that is none.
  static tl::expected<TextFilters, Trouble> make(const std::vector<Filter>& filters);
  ~TextFilters();
  TextFilters(TextFilters&&) noexcept;
  TextFilters& operator=(TextFilters&&) = delete;

  [[nodiscard]] bool empty() const { return steps_.empty(); }
  [[nodiscard]] std::string apply(std::string text) const;

 private:
  struct Step;
  TextFilters();
  std::vector<Step> steps_;
};

// Words like "up" and "down", where they are a whole cell of a table, in colours of their own.
std::string coloured(std::string_view text);

}  // namespace fulcrum::cli
