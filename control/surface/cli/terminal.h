// A terminal with a person at it. Two states: while a line is typed every key comes as a byte; while a command runs
// Ctrl-C and Ctrl-Z are signals again. In neither does the kernel echo or wait for whole lines, so a paste of any
// length waits in the terminal's buffer, and the sender is held up: nothing is lost. Changing state never flushes
// input.
//
// Of one that only prints (TERM is "dumb" or not set) no cursor is moved but by a backspace.
//
// Answers stop at the end of the screen and wait for a key, unless more is typed already (a paste has no time).
#pragma once

#include <termios.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "control/surface/cli/screen.h"

namespace fulcrum::cli {

class Terminal final : public Screen {
 public:
  // Of standard input and output, which are a terminal.
  explicit Terminal(bool colour, bool only_prints = false);
  ~Terminal() override;
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  enum class State : std::uint8_t { typing, running, left };  // left: as it was before
  void enter(State state);
  // The next key; nothing: none in that time (negative: without end), an interrupt, or the terminal is gone.
  std::optional<char> key(std::chrono::milliseconds patience = std::chrono::milliseconds{-1});
  // Whether more was typed than is read.
  [[nodiscard]] bool has_waiting();
  [[nodiscard]] bool is_gone() const { return gone_; }
  void write(std::string_view bytes);

  bool print(std::string_view text, bool paged) override;
  void complain(std::string_view text) override { print(text, false); }
  std::optional<bool> ask(std::string_view question, bool otherwise) override;
  // Nothing: Ctrl-C, Ctrl-D, or the terminal is gone.
  std::optional<std::string> read_line(std::string_view question, bool hidden) override;
  bool pause(std::chrono::seconds time) override;
  [[nodiscard]] bool has_person() const override { return true; }
  [[nodiscard]] bool is_terminal() const override { return true; }
  [[nodiscard]] bool only_prints() const override { return only_prints_; }
  [[nodiscard]] bool has_colour() const override { return colour_; }
  [[nodiscard]] std::size_t rows() const override;
  [[nodiscard]] std::size_t columns() const override;

 private:
  bool wait_for_more(std::size_t& room);

  termios before_{};
  bool colour_, only_prints_, gone_ = false;
  std::string waiting_;
  std::size_t at_ = 0;
};

}  // namespace fulcrum::cli
