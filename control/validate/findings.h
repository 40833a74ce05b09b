// Where the rules put what they find: problems with file, line and path, in a bounded number. Private to validate.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/settings.h"

namespace fulcrum::validation {

class Findings {
 public:
  explicit Findings(const settings::Sources& sources) : sources_{sources} {}

  template <class... Args>
  void add(const std::string& path, fmt::format_string<Args...> format, Args&&... args) {
    if (problems_.size() == settings::kProblemsMax) return;
    problems_.push_back(sources_.problem(path, fmt::format(format, std::forward<Args>(args)...)));
  }
  // The reader has refused this setting (or one inside it) already, and its value means nothing.
  [[nodiscard]] bool is_wrong(const std::string& path) const { return sources_.is_wrong(path); }
  [[nodiscard]] bool wrong_within(const std::string& path) const { return sources_.wrong_within(path); }
  // "farms.shop.servers.web1 (line 12)"
  [[nodiscard]] std::string place(const std::string& path) const {
    const unsigned line = sources_.line(path);
    const std::string shown = sources_.shown(path);
    return line == 0 ? shown : fmt::format("{} (line {})", shown, line);
  }
  [[nodiscard]] std::vector<settings::Problem> take() { return std::move(problems_); }

 private:
  const settings::Sources& sources_;
  std::vector<settings::Problem> problems_;
};

}  // namespace fulcrum::validation
