// One line per message on standard error, with the priority prefix that journald understands (sd-daemon(3)); a
// terminal gets a word instead. Never called from a worker: workers count.
#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace fulcrum {

enum class Level : int { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };  // syslog's numbers

// Set once in main, before threads start: the name that stands before each line.
void set_log_name(std::string_view name);
void log_line(Level level, std::string_view text);

template <class... Args>
void log(Level level, fmt::format_string<Args...> format, Args&&... args) {
  log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace fulcrum
