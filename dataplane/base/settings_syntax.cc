#include "dataplane/base/settings_syntax.h"

#include <fmt/format.h>

#include "dataplane/base/settings.h"
#include "dataplane/base/settings_words.h"

namespace fulcrum::settings {
namespace {

char closing(char open) { return open == '(' ? ')' : open == '[' ? ']' : '}'; }

}  // namespace

// A value came where none may be.
std::string Syntax::misplaced(const Scope& scope) const {
  if (scope.expect == Expect::assign) return fmt::format("syntax error: = is missing after {}", scope.key);
  if (scope.expect == Expect::key) return "syntax error: a value without a key: write key = value;";
  return "syntax error: a comma is missing between two elements of a list";
}

void Syntax::finish_value(Scope& scope, Token token) {
  scope.before = token;
  scope.expect = is_group(scope) ? Expect::key : Expect::separator;
  scope.may_separate = true;
}

std::string Syntax::word(std::string_view word, bool is_boolean) {
  Scope& scope = scopes_.back();
  if (is_boolean) {
    if (scope.expect == Expect::key) return fmt::format("syntax error: {} cannot be a key", quoted(word));
    return value(Token::boolean);
  }
  if (scope.expect == Expect::assign) return misplaced(scope);
  if (scope.expect != Expect::key) return fmt::format("syntax error: the word {} must be in quotes", quoted(word));
  scope.key = word;
  scope.expect = Expect::assign;
  scope.may_separate = false;
  scope.before = Token::none;
  return {};
}

std::string Syntax::assign(char letter) {
  Scope& scope = scopes_.back();
  if (scope.expect != Expect::assign) return fmt::format("syntax error: no key before this {}", letter);
  scope.expect = Expect::value;
  return {};
}

std::string Syntax::separator(char letter) {
  Scope& scope = scopes_.back();
  const bool fits = is_group(scope) ? scope.may_separate : scope.expect == Expect::separator && letter == ',';
  if (!fits && scope.expect == Expect::value && is_group(scope)) {
    return fmt::format("syntax error: the value of {} is missing", scope.key);
  }
  if (!fits && scope.expect == Expect::assign) return misplaced(scope);
  if (!fits) return fmt::format("syntax error: a {} that separates nothing", letter);
  if (!is_group(scope)) scope.expect = Expect::value;
  scope.may_separate = false;
  scope.before = Token::none;
  return {};
}

std::string Syntax::value(Token token) {
  Scope& scope = scopes_.back();
  if (token == Token::text && scope.before == Token::text) return {};  // texts side by side are one text
  if (scope.expect != Expect::value && scope.expect != Expect::first_value) return misplaced(scope);
  if (scope.open == '[' && scope.kind != Token::none && scope.kind != token) {
    return "syntax error: the elements of an array [ ] must be of one type";
  }
  scope.kind = token;
  finish_value(scope, token);
  return {};
}

std::string Syntax::open(char bracket, unsigned line) {
  Scope& scope = scopes_.back();
  if (scope.open == '[') {
    return bracket == '{'
               ? "syntax error: groups { } go into a list with ( ), not with [ ]"
               : fmt::format("syntax error: an array [ ] cannot hold another list {} {}", bracket, closing(bracket));
  }
  if (scope.expect != Expect::value && scope.expect != Expect::first_value) return misplaced(scope);
  if (scopes_.size() > kDepthMax) return fmt::format("more than {} brackets within brackets", kDepthMax);
  Scope& inner = scopes_.emplace_back();
  inner.open = bracket;
  inner.line = line;
  inner.expect = bracket == '{' ? Expect::key : Expect::first_value;
  return {};
}

std::string Syntax::close(char bracket) {
  const Scope& scope = scopes_.back();
  if (scope.open == 0) return fmt::format("syntax error: {} closes nothing", bracket);
  if (closing(scope.open) != bracket) {
    return fmt::format("syntax error: {} does not close the {} of line {}", bracket, scope.open, scope.line);
  }
  if (scope.expect == Expect::assign) return misplaced(scope);
  if (scope.expect == Expect::value) {
    return is_group(scope) ? fmt::format("syntax error: the value of {} is missing", scope.key)
                           : "syntax error: a comma before the end of the list";
  }
  scopes_.pop_back();
  finish_value(scopes_.back(), Token::bracket);
  return {};
}

std::string Syntax::end(unsigned& line) const {
  const Scope& scope = scopes_.back();
  if (scope.open != 0) {
    line = scope.line;
    return fmt::format("syntax error: the {} on this line is never closed", scope.open);
  }
  if (scope.expect == Expect::assign) return misplaced(scope);
  return scope.expect == Expect::value ? fmt::format("syntax error: the value of {} is missing", scope.key)
                                       : std::string{};
}

}  // namespace fulcrum::settings
