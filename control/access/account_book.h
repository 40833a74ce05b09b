// Accounts and tokens, and the file that keeps them (access.json: mode 0600, replaced as a whole with every change).
// It holds hashes only. There is no account to begin with, and so no default password: the first one is made at the
// console.
//
// A token is a long random password for a program, with a role of its own (at most what its maker may), a scope and an
// end. It goes with its account.
//
// One thread. A change that cannot be written is not made.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "control/access/role.h"
#include "dataplane/base/result.h"

namespace fulcrum::access {

using WallTime = std::chrono::system_clock::time_point;

struct Account {
  std::string name;
  std::string password_hash;  // empty: cannot log in with a password
  Role role = Role::viewer;
  std::vector<std::string> scope;
  WallTime created{}, password_set{};
  std::vector<std::string> sources{};  // from where it has logged in (lockout_source), the newest last
};

struct Token {
  std::string name, account;
  std::string hash;  // of the secret
  Role role = Role::viewer;
  std::vector<std::string> scope;
  WallTime created{}, expires{};
};

class AccountBook {
 public:
  static constexpr std::size_t accounts_max = 256;
  static constexpr std::size_t tokens_max = 1024;
  static constexpr std::size_t scope_max = 256;
  static constexpr std::size_t sources_max = 8;  // of an account; the oldest makes room

  // Errors: the file cannot be read or is not ours. Then nobody is let in, rather than anybody.
  static Result<AccountBook> open(const std::string& file);

  [[nodiscard]] const std::map<std::string, Account>& accounts() const { return accounts_; }
  [[nodiscard]] const std::map<std::string, Token>& tokens() const { return tokens_; }  // by name
  [[nodiscard]] const Account* find_account(const std::string& name) const;
  // The living token of this secret; null: none.
  [[nodiscard]] const Token* find_token_by_secret(const std::string& secret, WallTime now) const;

  // Adds or replaces. Errors: no good name or scope (invalid), too many (limit), the last administrator would lose that
  // role (conflict), io.
  Result<void> put_account(Account account);
  // The account logged in from there. Writes only when that is news. Errors: not_found, io; then it is forgotten.
  Result<void> note_source(const std::string& name, const std::string& source);
  // With its tokens. Errors: not_found, the last administrator (conflict), io.
  Result<void> remove_account(const std::string& name);
  // Errors: no good name or scope, too many, the name is taken (conflict), io.
  Result<void> add_token(Token token);
  Result<void> remove_token(const std::string& name);

 private:
  explicit AccountBook(std::string file) : file_{std::move(file)} {}
  [[nodiscard]] bool is_last_administrator(const std::string& name) const;
  Result<void> read(const std::string& text);
  [[nodiscard]] Result<void> write(const std::map<std::string, Account>& accounts,
                                   const std::map<std::string, Token>& tokens) const;

  std::string file_;
  std::map<std::string, Account> accounts_;
  std::map<std::string, Token> tokens_;
  std::map<std::string, std::string> tokens_by_hash_;
};

// A name of an account or token: 1 to 32 of a-z A-Z 0-9 . _ -, the first a letter or digit.
Result<void> check_name(const std::string& what, const std::string& name);
// A farm-admin needs a scope and nobody else has one. Names only: the farms themselves may come later.
Result<void> check_scope(Role role, const std::vector<std::string>& scope);

}  // namespace fulcrum::access
