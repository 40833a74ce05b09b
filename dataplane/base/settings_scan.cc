#include "dataplane/base/settings_scan.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>

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
char closing(char open) { return open == '(' ? ')' : open == '[' ? ']' : '}'; }

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

enum class NumberKind { none, integer, wide, floating };  // wide: already has its L

NumberKind number_kind(std::string_view token) {
  std::size_t at = 0;
  if (at < token.size() && (token[at] == '+' || token[at] == '-')) ++at;
  const bool hexadecimal = at == 0 && token.size() > 2 && token[0] == '0' && (token[1] == 'x' || token[1] == 'X');
  if (hexadecimal) at = 2;
  const std::size_t digits_begin = at;
  const auto is_part = [&](char c) {
    return is_digit(c) || (hexadecimal && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
  };
  while (at < token.size() && is_part(token[at])) ++at;
  const std::string_view rest = token.substr(at);
  if (at > digits_begin && rest.empty()) return NumberKind::integer;
  if (at > digits_begin && (rest == "L" || rest == "LL")) return NumberKind::wide;
  if (hexadecimal) return NumberKind::none;
  // Whatever strtod takes as a whole; libconfig's own idea is narrower and says so itself.
  const std::string terminated{token};
  char* end = nullptr;
  std::strtod(terminated.c_str(), &end);
  return end == terminated.c_str() + terminated.size() && !is_letter(token.back()) ? NumberKind::floating
                                                                                   : NumberKind::none;
}

std::string duplicate_key(unsigned line, std::string_view name) { return fmt::format("{}:{}", line, name); }

class Scanner {
 public:
  Scanner(std::string_view text, const std::string& file) : text_{text}, file_{file} {
    scopes_.emplace_back();
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
    if (!stopped_ && scopes_.size() > 1) {
      line_ = scopes_.back().line;
      problem(fmt::format("the {} on this line is never closed", scopes_.back().open));
    }
    return std::move(result_);
  }

 private:
  struct Scope {
    char open = 0;
    unsigned line = 1;
    std::unordered_map<std::string, unsigned> keys;  // with the line of each
  };

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
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (letter == '/' && peek(1) == '*') {
      skip_comment();
    } else if (letter == '"') {
      take_text();
    } else if (letter == '(' || letter == '[' || letter == '{') {
      open(letter);
    } else if (letter == ')' || letter == ']' || letter == '}') {
      close(letter);
    } else if (is_digit(letter) || letter == '+' || letter == '-' || letter == '.') {
      take_number();
    } else if (is_name_start(letter)) {
      take_name();
    } else if (letter == '@') {
      stop("@include is not supported: one file holds the whole configuration");
    } else if (letter == '=' || letter == ':' || letter == ';' || letter == ',') {
      copy(1);
    } else {
      stop(fmt::format("syntax error: what begins with {} must be in quotes", quoted(rest_of_line())));
    }
  }

  [[nodiscard]] std::string_view rest_of_line() const {
    const std::string_view rest = text_.substr(at_, text_.find('\n', at_) - at_);
    return rest.substr(0, rest.find_last_not_of(" \t\r") + 1);
  }

  void skip_comment() {
    const auto end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return stop("the comment that begins with /* on this line is never closed");
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
    copy(length + 1);
  }

  void open(char letter) {
    if (scopes_.size() > kDepthMax) return stop(fmt::format("more than {} brackets within brackets", kDepthMax));
    if (letter != '[' && scopes_.back().open == '[') {
      return stop(letter == '{' ? "groups { } go into a list with ( ), not with [ ]"
                                : "a list ( ) cannot be in an array [ ]");
    }
    scopes_.emplace_back().open = letter;
    scopes_.back().line = line_;
    copy(1);
  }

  void close(char letter) {
    if (scopes_.size() == 1) return stop(fmt::format("{} closes nothing", letter));
    const Scope& scope = scopes_.back();
    if (closing(scope.open) != letter) {
      return stop(fmt::format("{} does not close the {} of line {}", letter, scope.open, scope.line));
    }
    scopes_.pop_back();
    copy(1);
  }

  void take_number() {
    std::size_t length = 1;
    while (is_name_part(peek(length)) || peek(length) == '.' || peek(length) == '+') ++length;
    const std::string token{text_.substr(at_, length)};
    const NumberKind kind = number_kind(token);
    if (kind == NumberKind::none || peek(length) == '/' || (peek(length) == ':' && scopes_.back().open != '{')) {
      return stop(fmt::format("syntax error: {} is not a number; addresses and other texts go in quotes",
                              quoted(rest_of_line())));
    }
    if (kind == NumberKind::floating) return copy(length);
    at_ += length;
    errno = 0;
    const long long value = std::strtoll(token.c_str(), nullptr, token.find_first_of("xX") == 1 ? 16 : 10);
    result_.text += value == INT64_MIN ? "-9223372036854775807L" : fmt::format("{}L", value);
  }

  void take_name() {
    std::size_t length = 1;
    while (is_name_part(peek(length))) ++length;
    const std::string name{text_.substr(at_, length)};
    at_ += length;
    std::size_t next = at_;
    while (next < text_.size() && is_space(text_[next])) ++next;
    const bool is_key = next < text_.size() && (text_[next] == '=' || text_[next] == ':');
    result_.text += is_key ? unique_key(name) : name;
  }

  std::string unique_key(const std::string& name) {
    auto& keys = scopes_.back().keys;
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
  std::vector<Scope> scopes_;
  Scan result_;
};

}  // namespace

Scan scan(std::string_view text, const std::string& file) { return Scanner{text, file}.run(); }

const Scan::Duplicate* find_duplicate(const Scan& scan, unsigned line, std::string_view name) {
  const auto found = scan.duplicates.find(duplicate_key(line, name));
  return found == scan.duplicates.end() ? nullptr : &found->second;
}

}  // namespace fulcrum::settings
