#include "control/surface/cli/screen.h"

#include <poll.h>

#include <cstdio>

namespace fulcrum::cli {

bool PlainScreen::print(std::string_view text, bool) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

void PlainScreen::complain(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

std::optional<bool> PlainScreen::ask(std::string_view, bool) { return std::nullopt; }

bool PlainScreen::pause(std::chrono::seconds time) {
  return poll(nullptr, 0, static_cast<int>(std::chrono::milliseconds{time}.count())) < 0;
}

}  // namespace fulcrum::cli
