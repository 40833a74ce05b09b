#include "dataplane/base/log.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace fulcrum {
namespace {

struct LogTarget {
  std::string name = "fulcrum";
  bool terminal = isatty(STDERR_FILENO) == 1;
  bool journal = getenv("JOURNAL_STREAM") != nullptr;
};

LogTarget& target() {
  static LogTarget the_target;
  return the_target;
}

const char* word(Level level) {
  switch (level) {
    case Level::error:
      return "error: ";
    case Level::warning:
      return "warning: ";
    default:
      return "";
  }
}

}  // namespace

void set_log_name(std::string_view name) { target().name = name; }

void log_line(Level level, std::string_view text) {
  const LogTarget& to = target();
  const std::string line = to.journal ? fmt::format("<{}>{}\n", static_cast<int>(level), text)
                                      : fmt::format("{}: {}{}\n", to.name, word(level), text);
  // One write per line, so that lines of two threads do not mix. A full pipe loses the line rather than blocking us.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace fulcrum
