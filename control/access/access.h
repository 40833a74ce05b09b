// The door: who is asking, and may they change who may ask. Puts together the account book, the sessions, the lock-out
// and the thread that hashes passwords. One thread (the API's) owns it; answers that need a password's hash come later,
// on the same thread, by `post`.
//
// An unknown account, an account without password and a wrong password look the same and take the same time. There is
// no way in without an account; the first one is made at the console (put_account with the console's identity).
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "control/access/account_book.h"
#include "control/access/lockout.h"
#include "control/access/login_queue.h"
#include "control/access/role.h"
#include "control/access/sessions.h"
#include "control/access/worker.h"

namespace fulcrum::access {

struct LoginAnswer {
  enum class Outcome : std::uint8_t { good, wrong, wait, busy };
  Outcome outcome = Outcome::wrong;
  std::chrono::seconds wait{0};  // outcome wait: for how long
  std::string secret;            // outcome good: for the cookie
  std::string csrf;
};

// What somebody wants an account to be. Absent: as it is, or for a new account no password.
struct AccountWish {
  std::string name;
  std::optional<Role> role;
  std::optional<std::vector<std::string>> scope;
  std::optional<std::string> password;
};

struct TokenWish {
  std::string name;
  std::string account{};  // empty: of who makes it; another one takes the permission `accounts`
  Role role = Role::viewer;
  std::vector<std::string> scope;
  std::chrono::seconds lifetime{0};
};

class Access {
 public:
  struct Clock {
    std::function<std::chrono::steady_clock::time_point()> steady;
    std::function<WallTime()> wall;
  };
  static Clock real_clock();
  using Post = std::function<void(std::function<void()>)>;

  static constexpr std::chrono::seconds token_lifetime_max{366 * 24 * 3600};

  // `post` runs a job on the owner's thread; any thread calls it. `worker` outlives this, and does nothing else: what
  // strangers keep it busy with must hold up nobody.
  Access(AccountBook book, Worker& worker, Post post, Clock clock, Lockout::Rules lockout = {},
         Sessions::Limits limits = {});

  void login(const std::string& name, const std::string& password, const std::string& source,
             std::function<void(LoginAnswer)> done);
  // Nothing: no such living session or token, or its account may no longer do what it says. `quiet`: see Sessions.
  std::optional<Identity> by_session(const std::string& secret, const std::string& source, bool quiet = false);
  std::optional<Identity> by_token(const std::string& secret, const std::string& source) const;
  // Who was on record with these words (Identity::words), with the rights of now. Errors: why they have none any more.
  [[nodiscard]] Result<Identity> by_words(const std::string& words) const;
  // Whether `csrf` belongs to the session of that secret.
  bool csrf_matches(const std::string& secret, const std::string& csrf);
  [[nodiscard]] std::string csrf_of(const std::string& secret);

  // Makes or changes an account; who may not give away what they do not have. A changed password or role ends the
  // account's sessions, but for the one that asked. Errors: as AccountBook, check_password, more than `who` may
  // (conflict), busy (limit).
  void put_account(const Identity& who, const AccountWish& wish, std::function<void(Result<void>)> done);
  // One's own password; the old one is asked for and counts as a login does. Errors: it is wrong (invalid), wait
  // (limit).
  void change_own_password(const Identity& who, const std::string& old_password, const std::string& new_password,
                           std::function<void(Result<void>)> done);
  Result<void> remove_account(const std::string& name);
  // The secret, told once. It can do at most what its maker and its account may.
  Result<std::string> add_token(const Identity& who, const TokenWish& wish);
  Result<void> remove_token(const std::string& name) { return book_.remove_token(name); }
  bool end_session(const std::string& id) { return sessions_.end(id); }
  void forgive(const std::string& account) { lockout_.forgive(account); }

  [[nodiscard]] const AccountBook& book() const { return book_; }
  [[nodiscard]] std::vector<Session> sessions() const { return sessions_.living(clock_.steady()); }
  [[nodiscard]] const Sessions::Limits& session_limits() const { return sessions_.limits(); }
  [[nodiscard]] const Clock& clock() const { return clock_; }

 private:
  void finish_login(const std::string& name, const std::string& source, bool right, const std::string& hash,
                    const std::function<void(LoginAnswer)>& done);
  // Hashes on the worker, in turn. Whether there is room is to be asked before.
  void hash_in_turn(const std::string& source, bool is_known, std::function<std::function<void()>()> work);
  // Checks `password` against the account's.
  void verify(const std::string& name, const std::string& password, const std::string& source, bool is_known,
              std::function<void(bool right, const std::string& hash)> done);
  [[nodiscard]] std::optional<Identity> holder_of(const Token& token) const;
  Result<void> store(const Identity& who, const AccountWish& wish, const std::string& hash);

  AccountBook book_;
  Worker& worker_;
  Post post_;
  Clock clock_;
  Lockout lockout_;
  LoginQueue queue_;
  Sessions sessions_;
};

}  // namespace fulcrum::access
