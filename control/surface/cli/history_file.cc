#include "control/surface/cli/history_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "control/surface/cli/line.h"
#include "dataplane/base/owned_fd.h"

namespace fulcrum::cli {

std::vector<std::string> HistoryFile::read() const {
  std::vector<std::string> lines;
  std::ifstream file{path_};
  for (std::string line; std::getline(file, line);) {
    if (line.size() <= kLineMax && is_clean(line)) lines.push_back(std::move(line));
  }
  if (lines.size() > 2 * lines_max) {
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(lines_max));
    write(lines, O_TRUNC);
  }
  return lines;
}

void HistoryFile::append(const std::string& line) const { write({line}, O_APPEND); }

// A history that cannot be written is none: nobody is kept from working by it.
void HistoryFile::write(const std::vector<std::string>& lines, int flags) const {
  if (path_.empty()) return;
  const OwnedFd file{open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600)};
  if (!file.valid() || fchmod(file.get(), 0600) != 0) return;
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  if (::write(file.get(), text.data(), text.size()) < 0) return;
}

}  // namespace fulcrum::cli
