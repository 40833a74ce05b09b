// The lines of earlier sessions, in a file that only its owner reads (0600). Lines that hold a secret, or that were no
// command and so may hold one, never get here; that is for the caller to see to.
#pragma once

#include <string>
#include <vector>

namespace fulcrum::cli {

class HistoryFile {
 public:
  static constexpr std::size_t lines_max = 500;

  // Empty: none is kept.
  explicit HistoryFile(std::string path) : path_{std::move(path)} {}
  // The newest lines, the oldest first. Makes a file that has grown short again.
  [[nodiscard]] std::vector<std::string> read() const;
  void append(const std::string& line) const;

 private:
  void write(const std::vector<std::string>& lines, int flags) const;
  std::string path_;
};

}  // namespace fulcrum::cli
