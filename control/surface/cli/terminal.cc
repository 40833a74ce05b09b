#include "control/surface/cli/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "control/surface/cli/editor.h"
#include "control/surface/cli/interrupt.h"
#include "control/surface/cli/table.h"

namespace fulcrum::cli {
namespace {

winsize size_now() {
  winsize size{};
  ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
  return size;
}

}  // namespace

Terminal::Terminal(bool colour, bool only_prints) : colour_{colour}, only_prints_{only_prints} {
  tcgetattr(STDIN_FILENO, &before_);
  enter(State::running);
}

Terminal::~Terminal() { enter(State::left); }

void Terminal::enter(State state) {
  termios now = before_;
  if (state != State::left) {
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
    now.c_iflag &= ~static_cast<tcflag_t>(ICRNL | INLCR | ISTRIP);
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;
  }
  if (state == State::typing) now.c_lflag &= ~static_cast<tcflag_t>(ISIG);
  if (state == State::running) now.c_lflag |= ISIG;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
}

// A serial line does not tell its size.
std::size_t Terminal::rows() const {
  const std::size_t rows = size_now().ws_row;
  return rows == 0 ? 24 : rows;
}

std::size_t Terminal::columns() const {
  const std::size_t columns = size_now().ws_col;
  return columns == 0 ? Table::width_usual : columns;
}

std::optional<char> Terminal::key(std::chrono::milliseconds patience) {
  if (at_ < waiting_.size()) return waiting_[at_++];
  if (gone_) return std::nullopt;
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (poll(&input, 1, static_cast<int>(patience.count())) <= 0) return std::nullopt;
  std::array<char, 4096> chunk{};
  const ssize_t got = read(STDIN_FILENO, chunk.data(), chunk.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return std::nullopt;
  if (got <= 0) {
    gone_ = true;
    return std::nullopt;
  }
  waiting_.assign(chunk.data(), static_cast<std::size_t>(got));
  at_ = 1;
  return waiting_.front();
}

bool Terminal::has_waiting() {
  if (at_ < waiting_.size()) return true;
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return poll(&input, 1, 0) > 0;
}

void Terminal::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (sent < 0 && errno == EINTR && !is_interrupted()) continue;
    if (sent < 0) {
      gone_ = gone_ || errno != EINTR;
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool Terminal::print(std::string_view text, bool paged) {
  const std::size_t wide = columns();
  std::size_t room = rows() - 1;
  while (!text.empty() && !gone_ && !is_interrupted()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::size_t takes = (std::max<std::size_t>(end, 2) - 2) / wide + 1;
    if (paged && takes > room && !wait_for_more(room)) return false;
    room -= std::min(room, takes);
    write(text.substr(0, end));
    text.remove_prefix(end);
  }
  return !gone_ && !is_interrupted();
}

// True: go on, with room for so many lines.
bool Terminal::wait_for_more(std::size_t& room) {
  room = rows() - 1;
  if (has_waiting()) return true;
  constexpr std::string_view kPrompt = "-- more: space, Enter, q --";
  enter(State::typing);
  write(kPrompt);
  std::optional<char> pressed;
  for (;;) {
    pressed = key();
    if (!pressed || std::string_view{" \r\nqQ\x03\x04"}.find(*pressed) != std::string_view::npos) break;
  }
  enter(State::running);
  write(only_prints_ ? '\r' + std::string(kPrompt.size(), ' ') + '\r' : std::string{"\r\033[K"});
  if (pressed == '\r' || pressed == '\n') room = 1;
  return pressed == ' ' || pressed == '\r' || pressed == '\n';
}

std::optional<std::string> Terminal::read_line(std::string_view question, bool hidden) {
  enter(State::typing);
  Editor line{Editor::Keys::text, only_prints_};
  std::string out, unseen;
  line.begin(std::string{question}, columns(), out);
  auto event = Editor::Event::none;
  while (event == Editor::Event::none && !gone_ && !is_interrupted()) {
    if (!hidden && !has_waiting()) line.show(out);
    write(out);
    out.clear();
    if (const auto pressed = key()) event = line.feed(*pressed, hidden ? unseen : out);
  }
  write(event == Editor::Event::line && !hidden ? out : out + "\n");
  forget_interrupt();
  enter(State::running);
  if (event != Editor::Event::line) return std::nullopt;
  return line.text();
}

std::optional<bool> Terminal::ask(std::string_view question, bool otherwise) {
  const std::string shown = std::string{question} + (otherwise ? " [Y/n] " : " [y/N] ");
  for (int tries = 0; tries < 3; ++tries) {
    const auto line = read_line(shown, false);
    if (!line) return std::nullopt;
    if (line->empty()) return otherwise;
    if (*line == "y" || *line == "Y" || *line == "yes") return true;
    if (*line == "n" || *line == "N" || *line == "no") return false;
  }
  return std::nullopt;
}

bool Terminal::pause(std::chrono::seconds time) { return key(time).has_value() || gone_ || is_interrupted(); }

}  // namespace fulcrum::cli
