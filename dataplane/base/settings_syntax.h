// The grammar of a configuration file as a state machine over tokens: what may come next, and in words what is wrong
// when something else does. What it accepts, libconfig 1.5 accepts too: libconfig forgets to free a text that stands
// just before a syntax error, so no syntax error shall reach it. Private to the settings library.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fulcrum::settings {

class Syntax {
 public:
  enum class Token { none, text, integer, fraction, boolean, bracket };

  Syntax() { scopes_.emplace_back(); }

  // Each takes the next token and returns what is wrong with it; empty when nothing is.
  std::string word(std::string_view word, bool is_boolean);
  std::string assign(char letter);
  std::string separator(char letter);
  std::string value(Token token);
  std::string open(char bracket, unsigned line);
  std::string close(char bracket);
  // What is wrong when the text ends here; `line` becomes that of the mistake.
  std::string end(unsigned& line) const;

  // The keys of the group that is open, each with its line.
  [[nodiscard]] std::unordered_map<std::string, unsigned>& keys() { return scopes_.back().keys; }

 private:
  enum class Expect { key, assign, value, first_value, separator };
  struct Scope {
    char open = 0;  // 0: the file itself
    unsigned line = 1;
    Expect expect = Expect::key;
    bool may_separate = false;   // a group's setting has just ended
    Token before = Token::none;  // the value that has just ended
    Token kind = Token::none;    // array: of all its elements
    std::string key;             // group: the one that waits for its value
    std::unordered_map<std::string, unsigned> keys;
  };
  [[nodiscard]] static bool is_group(const Scope& scope) { return scope.open == 0 || scope.open == '{'; }
  [[nodiscard]] std::string misplaced(const Scope& scope) const;
  static void finish_value(Scope& scope, Token token);

  std::vector<Scope> scopes_;
};

}  // namespace fulcrum::settings
