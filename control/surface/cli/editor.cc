#include "control/surface/cli/editor.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/surface/cli/line.h"

namespace fulcrum::cli {
namespace {

constexpr std::size_t kHistoryMax = 500;
constexpr std::size_t kParametersMax = 16;
constexpr std::size_t kColumnsMin = 10;

constexpr char ctrl(char letter) { return static_cast<char>(letter & 0x1F); }

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

std::vector<std::string> characters_of(std::string_view text) {
  std::vector<std::string> characters;
  for (const char byte : text) {
    if (continues(byte) && !characters.empty()) {
      characters.back() += byte;
    } else {
      characters.emplace_back(1, byte);
    }
  }
  return characters;
}

}  // namespace

void Editor::begin(std::string prompt, std::size_t columns, std::string& out) {
  prompt_ = std::move(prompt);
  columns_ = columns;
  text_.clear();
  cursor_ = 0;
  overflow_ = false;
  recalled_ = history_.size();
  draft_.clear();
  redraw(out);
}

void Editor::redraw(std::string& out) {
  out += '\r' + prompt_;
  clear(shown_.size(), out);
  shown_.clear();
  shown_cursor_ = 0;
  draw(out);
}

void Editor::show(std::string& out) {
  if (stale_) draw(out);
}

void Editor::remember(std::string line) {
  if (line.find_first_not_of(' ') == line.npos || (!history_.empty() && history_.back() == line)) return;
  if (history_.size() == kHistoryMax) history_.erase(history_.begin());
  history_.push_back(std::move(line));
}

Editor::Event Editor::feed(char byte, std::string& out) {
  const bool is_second_half = after_return_ && byte == '\n';
  after_return_ = byte == '\r';
  if (is_second_half) return Event::none;
  switch (state_) {
    case State::escape:
      state_ = byte == '[' ? State::csi : byte == 'O' ? State::ss3 : State::plain;
      parameters_.clear();
      if (state_ == State::plain && byte == 'b') go(word_left(cursor_));
      if (state_ == State::plain && byte == 'f') go(word_right(cursor_));
      return Event::none;
    case State::csi:
      if (byte >= 0x20 && byte < 0x40) {
        if (parameters_.size() < kParametersMax) parameters_ += byte;
        return Event::none;
      }
      state_ = State::plain;
      csi(byte);
      return Event::none;
    case State::ss3:
      state_ = State::plain;
      arrow(byte);
      return Event::none;
    case State::literal:
      state_ = State::plain;
      insert(byte, out);
      return Event::none;
    case State::plain:
      break;
  }
  if (byte == '\033') {
    state_ = State::escape;
    return Event::none;
  }
  if (byte == '\r' || byte == '\n') return finish(out);
  if (pasting_) {
    insert(byte == '\t' ? ' ' : byte, out);
    return Event::none;
  }
  if (byte == '?' && keys_ == Keys::commands && !in_quotes()) return Event::help;
  if ((byte >= 0 && byte < 0x20) || byte == 0x7F) return control(byte, out);
  insert(byte, out);
  return Event::none;
}

Editor::Event Editor::finish(std::string& out) {
  go(text_.size());
  show(out);
  out += '\n';
  return overflow_ ? Event::too_long : Event::line;
}

Editor::Event Editor::control(char byte, std::string& out) {
  switch (byte) {
    case '\t':
      return keys_ == Keys::commands ? Event::complete : Event::none;
    case ctrl('C'):
      return Event::interrupt;
    case ctrl('Z'):
      return keys_ == Keys::commands ? Event::suspend : Event::none;
    case ctrl('D'):
      if (text_.empty()) return Event::end;
      erase(cursor_, right_of(cursor_));
      break;
    case ctrl('H'):
    case 0x7F:
      erase(left_of(cursor_), cursor_);
      break;
    case ctrl('A'):
      go(0);
      break;
    case ctrl('E'):
      go(text_.size());
      break;
    case ctrl('B'):
      go(left_of(cursor_));
      break;
    case ctrl('F'):
      go(right_of(cursor_));
      break;
    case ctrl('P'):
      arrow('A');
      break;
    case ctrl('N'):
      arrow('B');
      break;
    case ctrl('K'):
      cut_ = text_.substr(cursor_);
      erase(cursor_, text_.size());
      break;
    case ctrl('U'):
      cut_ = text_.substr(0, cursor_);
      erase(0, cursor_);
      break;
    case ctrl('W'):
      cut_ = text_.substr(word_left(cursor_), cursor_ - word_left(cursor_));
      erase(word_left(cursor_), cursor_);
      break;
    case ctrl('Y'):
      put(cut_, out);
      break;
    case ctrl('V'):
      state_ = State::literal;
      break;
    case ctrl('L'):
      redraw(out);
      break;
    default:
      break;
  }
  return Event::none;
}

void Editor::csi(char last) {
  if (last != '~') return arrow(last);
  if (parameters_ == "200") pasting_ = true;
  if (parameters_ == "201") pasting_ = false;
  if (pasting_) return;
  if (parameters_ == "1" || parameters_ == "7") go(0);
  if (parameters_ == "4" || parameters_ == "8") go(text_.size());
  if (parameters_ == "3") erase(cursor_, right_of(cursor_));
}

void Editor::arrow(char which) {
  if (pasting_) return;
  if (which == 'A' && recalled_ > 0) recall(recalled_ - 1);
  if (which == 'B' && recalled_ < history_.size()) recall(recalled_ + 1);
  const bool by_word = parameters_.ends_with(";5");
  if (which == 'C') go(by_word ? word_right(cursor_) : right_of(cursor_));
  if (which == 'D') go(by_word ? word_left(cursor_) : left_of(cursor_));
  if (which == 'H') go(0);
  if (which == 'F') go(text_.size());
}

void Editor::recall(std::size_t index) {
  if (recalled_ == history_.size()) draft_ = text_;
  recalled_ = index;
  text_ = index == history_.size() ? draft_ : history_[index];
  cursor_ = text_.size();
  overflow_ = false;
  stale_ = true;
}

// Bytes of a character come one by one.
void Editor::insert(char byte, std::string& out) {
  if (!continues(byte)) character_.clear();
  character_ += byte;
  if (is_clean(character_)) {
    put(character_, out);
    character_.clear();
  } else if (character_.size() >= 4) {
    character_.clear();
  }
}

void Editor::put(std::string_view characters, std::string& out) {
  if (text_.size() + characters.size() > kLineMax) {
    if (!overflow_) out += '\a';
    overflow_ = true;
    return;
  }
  text_.insert(cursor_, characters);
  cursor_ += characters.size();
  stale_ = true;
}

void Editor::replace(std::size_t begin, std::string_view text, std::string& out) {
  if (begin > cursor_) return;
  text_.erase(begin, cursor_ - begin);
  cursor_ = begin;
  put(text, out);
}

void Editor::erase(std::size_t from, std::size_t to) {
  if (from == to) return;
  text_.erase(from, to - from);
  cursor_ = from;
  overflow_ = false;
  stale_ = true;
}

void Editor::go(std::size_t cursor) {
  cursor_ = cursor;
  stale_ = true;
}

std::size_t Editor::left_of(std::size_t at) const {
  while (at > 0 && continues(text_[--at])) {
  }
  return at;
}

std::size_t Editor::right_of(std::size_t at) const {
  if (at < text_.size()) ++at;
  while (at < text_.size() && continues(text_[at])) ++at;
  return at;
}

std::size_t Editor::word_left(std::size_t at) const {
  while (at > 0 && text_[at - 1] == ' ') --at;
  while (at > 0 && text_[at - 1] != ' ') --at;
  return at;
}

std::size_t Editor::word_right(std::size_t at) const {
  while (at < text_.size() && text_[at] == ' ') ++at;
  while (at < text_.size() && text_[at] != ' ') ++at;
  return at;
}

bool Editor::in_quotes() const {
  const auto line = split(before_cursor());
  return line && line->open_quote;
}

void Editor::draw(std::string& out) {
  stale_ = false;
  const std::size_t used = characters_of(prompt_).size() + 1;
  const std::size_t room = columns_ > used + kColumnsMin ? columns_ - used : kColumnsMin;
  const auto all = characters_of(text_);
  const std::size_t cursor = characters_of(before_cursor()).size();
  // Sideways by half a screen, so that not every key at the edge draws it all again.
  if (cursor < offset_ + (offset_ > 0 ? 1 : 0)) offset_ = cursor > room / 2 ? cursor - room / 2 : 0;
  if (cursor > offset_ + room) offset_ = cursor - room / 2;
  if (offset_ > 0 && all.size() <= room) offset_ = 0;
  std::vector<std::string> view(all.begin() + static_cast<std::ptrdiff_t>(std::min(offset_, all.size())), all.end());
  if (view.size() > room) {
    view.resize(room);
    view.back() = ">";
  }
  if (offset_ > 0 && !view.empty()) view.front() = "<";
  const auto [here, there] = std::mismatch(view.begin(), view.end(), shown_.begin(), shown_.end());
  if (here != view.end() || there != shown_.end()) {
    move(static_cast<std::size_t>(here - view.begin()), out);
    for (auto character = here; character != view.end(); ++character) out += *character;
    if (view.size() < shown_.size()) clear(shown_.size() - view.size(), out);
    shown_ = std::move(view);
    shown_cursor_ = shown_.size();
  }
  move(cursor - offset_, out);
}

// What stands behind the cursor.
void Editor::clear(std::size_t characters, std::string& out) const {
  if (only_prints_) {
    out += std::string(characters, ' ') + std::string(characters, '\b');
  } else {
    out += "\033[K";
  }
}

void Editor::move(std::size_t to, std::string& out) {
  constexpr std::size_t kShort = 4;  // as many bytes as an escape sequence
  const bool back = to < shown_cursor_;
  const std::size_t steps = back ? shown_cursor_ - to : to - shown_cursor_;
  if (back && (only_prints_ || steps < kShort)) {
    out.append(steps, '\b');
  } else if (only_prints_) {
    for (std::size_t i = shown_cursor_; i < to; ++i) out += shown_[i];
  } else if (steps > 0) {
    out += fmt::format("\033[{}{}", steps, back ? 'D' : 'C');
  }
  shown_cursor_ = to;
}

}  // namespace fulcrum::cli
