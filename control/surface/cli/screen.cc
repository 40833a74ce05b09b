#include "control/surface/cli/screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "control/surface/cli/interrupt.h"
#include "control/surface/cli/line.h"
#include "control/surface/cli/table.h"
#include "dataplane/base/result.h"

namespace fulcrum::cli {
namespace {

// Switches the terminal's echo off for a while. An interrupt meanwhile only ends the line, so that the echo comes back.
class NoEcho {
 public:
  NoEcho() {
    catch_interrupts();
    std::signal(SIGTSTP, SIG_IGN);
    tcgetattr(STDIN_FILENO, &before_);
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~NoEcho() {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::signal(SIGTSTP, SIG_DFL);
    std::signal(SIGINT, SIG_DFL);
    if (is_interrupted()) std::raise(SIGINT);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
};

}  // namespace

std::optional<std::string> read_line(std::FILE* file) {
  std::string line;
  int letter = 0;
  while ((letter = std::getc(file)) != EOF && letter != '\n') {
    if (line.size() <= kLineMax) line += static_cast<char>(letter);
  }
  if (letter == EOF && line.empty()) return std::nullopt;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

// COLUMNS in the environment, else as the terminal tells, else the usual. A row for a program is one line, however
// long.
std::size_t PlainScreen::columns() const {
  std::size_t columns = 0;
  if (const char* wished = std::getenv("COLUMNS"); wished != nullptr) {
    std::from_chars(wished, wished + std::strlen(wished), columns);
  }
  if (columns == 0 && isatty(STDOUT_FILENO) == 0) return Table::unbounded;
  winsize size{};
  if (columns == 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) columns = size.ws_col;
  return columns == 0 ? Table::width_usual : columns;
}

bool PlainScreen::print(std::string_view text, bool) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return true;
  // Who reads no further, as head(1), knows why.
  if (errno != EPIPE) complain("fulcrum: cannot write the answer: " + errno_words(errno) + "\n");
  return false;
}

void PlainScreen::complain(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

std::optional<bool> PlainScreen::ask(std::string_view, bool) { return std::nullopt; }

bool PlainScreen::has_person() const { return isatty(STDIN_FILENO) != 0; }

std::optional<std::string> PlainScreen::read_line(std::string_view question, bool hidden) {
  if (!has_person()) return cli::read_line(stdin);
  complain(question);
  if (!hidden) return cli::read_line(stdin);
  const NoEcho silent;
  auto line = cli::read_line(stdin);
  complain("\n");
  return line;
}

bool PlainScreen::pause(std::chrono::seconds time) {
  return poll(nullptr, 0, static_cast<int>(std::chrono::milliseconds{time}.count())) < 0;
}

}  // namespace fulcrum::cli
