// The line that is being typed: keys in, bytes for the terminal out, and nothing else. So it can be tested, and fuzzed,
// without a terminal.
//
// It draws on one row and scrolls sideways when the line is longer; it writes only what has changed (a letter at the
// end: one byte), for a serial line of 9600 baud, and draws when it is told to, so that a paste is drawn once. Of the
// terminal it wants what a VT100 has, or, of one that only prints, no more than a backspace. A paste in brackets (ESC
// [200~ ... ESC [201~) is taken as text: no completion, no help, a tab is a blank. What is no text, NULs and broken
// UTF-8 among it, is left out. A line that becomes too long is not cut but refused as a whole.
//
// Own instead of libedit: that knows no bracketed paste, ends lines at a NUL, draws with termcap on several rows, and
// cannot be fed by a test. readline is GPL-3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fulcrum::cli {

class Editor {
 public:
  // Of a line of commands Tab completes and `?` helps; in a text `?` is one.
  enum class Keys : std::uint8_t { commands, text };
  explicit Editor(Keys keys = Keys::commands, bool only_prints = false) : keys_{keys}, only_prints_{only_prints} {}

  enum class Event : std::uint8_t { none, line, too_long, end, interrupt, suspend, complete, help };

  // Begins an empty line.
  void begin(std::string prompt, std::size_t columns, std::string& out);
  Event feed(char byte, std::string& out);
  // Draws what keys have changed: when no more of them wait, and at every event.
  void show(std::string& out);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string before_cursor() const { return text_.substr(0, cursor_); }
  // Puts `text` in place of what stands between byte `begin` and the cursor.
  void replace(std::size_t begin, std::string_view text, std::string& out);
  // Writes prompt and line anew, after something else was written.
  void redraw(std::string& out);

  // Lines that Up and Down go through, the oldest first.
  void remember(std::string line);

 private:
  enum class State : std::uint8_t { plain, escape, csi, ss3, literal };
  Event control(char byte, std::string& out);
  void csi(char last);
  void arrow(char which);
  void insert(char byte, std::string& out);
  void put(std::string_view character, std::string& out);
  void erase(std::size_t from, std::size_t to);
  void go(std::size_t cursor);
  void recall(std::size_t index);
  Event finish(std::string& out);
  [[nodiscard]] std::size_t left_of(std::size_t at) const;
  [[nodiscard]] std::size_t right_of(std::size_t at) const;
  [[nodiscard]] std::size_t word_left(std::size_t at) const;
  [[nodiscard]] std::size_t word_right(std::size_t at) const;
  [[nodiscard]] bool in_quotes() const;
  void draw(std::string& out);
  void clear(std::size_t characters, std::string& out) const;
  void move(std::size_t to, std::string& out);

  Keys keys_;
  bool only_prints_;
  std::string prompt_, text_;
  std::size_t columns_ = 80, cursor_ = 0;  // cursor_: bytes of text_
  // What stands on the terminal behind the prompt, character by character.
  std::vector<std::string> shown_;
  std::size_t shown_cursor_ = 0, offset_ = 0;
  State state_ = State::plain;
  std::string parameters_, character_, cut_;
  bool pasting_ = false, overflow_ = false, after_return_ = false, stale_ = false;
  std::vector<std::string> history_;
  std::size_t recalled_ = 0;
  std::string draft_;
};

}  // namespace fulcrum::cli
