#include "dataplane/base/settings_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "dataplane/base/settings_syntax.h"
#include "dataplane/base/settings_words.h"

namespace fulcrum::settings {
namespace {

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_letter(char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z'); }
bool is_name_start(char letter) { return is_letter(letter) || letter == '*'; }
bool is_name_part(char letter) { return is_name_start(letter) || is_digit(letter) || letter == '-' || letter == '_'; }
bool is_space(char letter) {
  return letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n' || letter == '\f';
}

// Length of the well-formed UTF-8 sequence that `text` begins with; 0 when it begins with none (RFC 3629 section 4,
// without the checks for surrogates and overlong three- and four-byte forms: they do no harm here).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  if (byte(0) < 0x80U) return 1;
  if (byte(0) >= 0xC2U && byte(0) <= 0xDFU) return tail(1) ? 2 : 0;
  if ((byte(0) & 0xF0U) == 0xE0U) return tail(1) && tail(2) ? 3 : 0;
  if (byte(0) >= 0xF0U && byte(0) <= 0xF4U) return tail(1) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

// The first byte of `text` that cannot be in a text file; its size when there is none.
std::size_t first_binary(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto code = static_cast<unsigned char>(text[at]);
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0 || code == 0x7F || (code < 0x20 && !is_space(text[at]))) return at;
    at += length;
  }
  return at;
}

std::size_t digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// Number as libconfig writes it; Token::none when `text` as a whole is none.
Syntax::Token number_kind(std::string_view text) {
  using Token = Syntax::Token;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    const auto end = text.find_first_not_of("0123456789abcdefABCDEF", 2);
    const std::string_view rest = end == std::string_view::npos ? "" : text.substr(end);
    return end != 2 && (rest.empty() || rest == "L" || rest == "LL") ? Token::integer : Token::none;
  }
  const std::size_t begin = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  std::size_t at = digits(text, begin);
  const std::string_view rest = text.substr(at);
  if (at > begin && (rest.empty() || rest == "L" || rest == "LL")) return Token::integer;
  std::size_t count = at - begin;
  if (at < text.size() && text[at] == '.') {
    const std::size_t end = digits(text, at + 1);
    count += end - at - 1;
    at = end;
  }
  if (count == 0) return Token::none;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const bool has_sign = at + 1 < text.size() && (text[at + 1] == '+' || text[at + 1] == '-');
    const std::size_t exponent = at + (has_sign ? 2 : 1);
    at = digits(text, exponent);
    if (at == exponent) return Token::none;
  }
  return at == text.size() ? Token::fraction : Token::none;
}

bool is_boolean(std::string_view word) {
  const auto is = [&](std::string_view wanted) {
    return std::equal(word.begin(), word.end(), wanted.begin(), wanted.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
  };
  return is("true") || is("false");
}

std::string duplicate_key(unsigned line, std::string_view name) { return fmt::format("{}:{}", line, name); }

class Scanner {
 public:
  Scanner(std::string_view text, const std::string& file) : text_{text}, file_{file} {
    result_.text.reserve(text.size() + text.size() / 8);
  }
  Scan run() {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") text_.remove_prefix(3);  // the mark some editors write before UTF-8
    const std::size_t binary = first_binary(text_);
    if (binary < text_.size()) {
      for (std::size_t i = 0; i < binary; ++i) line_ += text_[i] == '\n' ? 1 : 0;
      problem(fmt::format("is not text: byte 0x{:02x}", static_cast<unsigned char>(text_[binary])));
      return std::move(result_);
    }
    while (!stopped_ && at_ < text_.size()) step();
    if (!stopped_) {
      const std::string wrong = syntax_.end(line_);
      if (!wrong.empty()) problem(wrong);
    }
    return std::move(result_);
  }

 private:
  void problem(std::string text) { result_.problems.push_back(Problem{file_, line_, "", std::move(text)}); }
  // What follows can no longer be understood.
  void stop(std::string text) {
    problem(std::move(text));
    stopped_ = true;
  }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void copy(std::size_t length) {
    result_.text += text_.substr(at_, length);
    at_ += length;
  }

  void step() {
    const char letter = peek();
    if (letter == '\n') {
      ++line_;
      copy(1);
    } else if (is_space(letter)) {
      ++at_;
      result_.text += ' ';
    } else if (letter == '#' || (letter == '/' && peek(1) == '/')) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      remark(text_.substr(at_ + (letter == '#' ? 1 : 2), end - at_ - (letter == '#' ? 1 : 2)));
      at_ = end;
    } else if (letter == '/' && peek(1) == '*') {
      skip_comment();
    } else if (letter == '"') {
      take_text();
    } else if (letter == '(' || letter == '[' || letter == '{') {
      take_mark(syntax_.open(letter, line_));
    } else if (letter == ')' || letter == ']' || letter == '}') {
      take_mark(syntax_.close(letter));
    } else if (letter == '=' || letter == ':') {
      take_mark(syntax_.assign(letter));
    } else if (letter == ';' || letter == ',') {
      take_mark(syntax_.separator(letter));
    } else if (is_digit(letter) || letter == '+' || letter == '-' || letter == '.') {
      take_number();
    } else if (is_name_start(letter)) {
      take_name();
    } else if (letter == '@') {
      stop("@include is not supported: one file holds the whole configuration");
    } else {
      stop(fmt::format("syntax error: what begins with {} must be in quotes", quoted(rest_of_line())));
    }
  }

  // One letter, unless the syntax has found something `wrong` with it.
  void take_mark(const std::string& wrong) {
    if (!wrong.empty()) return stop(wrong);
    copy(1);
  }

  [[nodiscard]] std::string_view rest_of_line() const {
    const std::string_view rest = text_.substr(at_, text_.find('\n', at_) - at_);
    return rest.substr(0, rest.find_last_not_of(" \t\r") + 1);
  }

  // Keeps a comment that begins here. One of several lines loses the stars and blanks that its lines begin with.
  void remark(std::string_view comment) {
    Remark made{.line = line_, .own_line = only_blanks_before(), .text = {}};
    while (true) {
      const std::size_t end = std::min(comment.find('\n'), comment.size());
      std::string_view line = comment.substr(0, end);
      const std::size_t begin = line.find_first_not_of(" \t*#");
      line = begin == std::string_view::npos ? std::string_view{} : line.substr(begin);
      line = line.substr(0, line.find_last_not_of(" \t\r\f") + 1);
      if (!line.empty() && !made.text.empty()) made.text += '\n';
      made.text += line;
      if (end == comment.size()) break;
      comment.remove_prefix(end + 1);
    }
    result_.remarks.push_back(std::move(made));
  }
  [[nodiscard]] bool only_blanks_before() const {
    const std::size_t last = text_.substr(0, at_).find_last_not_of(" \t\r\f");
    return last == std::string_view::npos || text_[last] == '\n';
  }

  void skip_comment() {
    const auto end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return stop("the comment that begins with /* on this line is never closed");
    remark(text_.substr(at_ + 2, end - at_ - 2));
    for (; at_ < end + 2; ++at_) {
      if (text_[at_] != '\n') continue;
      result_.text += '\n';
      ++line_;
    }
    result_.text += ' ';
  }

  void take_text() {
    std::size_t length = 1;
    while (peek(length) != '"') {
      if (peek(length) == '\n' || at_ + length >= text_.size()) return stop("a text on this line has no closing quote");
      length += peek(length) == '\\' && peek(length + 1) != '\n' ? 2 : 1;
    }
    const std::string wrong = syntax_.value(Syntax::Token::text);
    if (!wrong.empty()) return stop(wrong);
    copy(length + 1);
  }

  void take_number() {
    std::size_t length = 1;
    while (is_name_part(peek(length)) || peek(length) == '.' || peek(length) == '+') ++length;
    const std::string token{text_.substr(at_, length)};
    const Syntax::Token kind = number_kind(token);
    if (kind == Syntax::Token::none || peek(length) == '/' || peek(length) == ':') {
      return stop(fmt::format("syntax error: {} is not a number; addresses and other texts go in quotes",
                              quoted(rest_of_line())));
    }
    const std::string wrong = syntax_.value(kind);
    if (!wrong.empty()) return stop(wrong);
    if (kind == Syntax::Token::fraction) return copy(length);
    at_ += length;
    const long long value = std::strtoll(token.c_str(), nullptr, token.find_first_of("xX") == 1 ? 16 : 10);
    result_.text += value == INT64_MIN ? "-9223372036854775807L" : fmt::format("{}L", value);
  }

  void take_name() {
    std::size_t length = 1;
    while (is_name_part(peek(length))) ++length;
    const std::string name{text_.substr(at_, length)};
    const bool boolean = is_boolean(name);
    const std::string wrong = syntax_.word(name, boolean);
    if (!wrong.empty()) return stop(wrong);
    at_ += length;
    result_.text += boolean ? name : unique_key(name);
  }

  std::string unique_key(const std::string& name) {
    auto& keys = syntax_.keys();
    if (keys.size() >= kKeysMax) {
      stop(fmt::format("more than {} keys in one group", kKeysMax));
      return name;
    }
    const auto [first, is_new] = keys.emplace(name, line_);
    if (is_new) return name;
    std::string renamed = name;
    do {
      renamed += '*';
    } while (!keys.emplace(renamed, line_).second);
    result_.duplicates[duplicate_key(line_, renamed)] = Scan::Duplicate{name, first->second};
    return renamed;
  }

  std::string_view text_;
  std::string file_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
  bool stopped_ = false;
  Syntax syntax_;
  Scan result_;
};

}  // namespace

Scan scan(std::string_view text, const std::string& file) { return Scanner{text, file}.run(); }

const Scan::Duplicate* find_duplicate(const Scan& scan, unsigned line, std::string_view name) {
  const auto found = scan.duplicates.find(duplicate_key(line, name));
  return found == scan.duplicates.end() ? nullptr : &found->second;
}

}  // namespace fulcrum::settings
