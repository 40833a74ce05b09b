// Slows down whoever guesses passwords, without giving them a way to lock others out for long.
//
// A try is counted when it begins, against three things: this account from this source, this source whatever the
// account, this account whatever the source. Each has a number of free tries; every further one has to wait, twice as
// long each time up to a limit. Success clears the account from this source and, in part, the others. So somebody who
// mistypes waits a minute; somebody who guesses from one machine is stopped by the first two; somebody who guesses from
// many machines slows down logins to that account by no more than `account.wait_max` - but could go on for ever, and be
// quicker than the owner each time the account is open for one try. So what is tried elsewhere does not slow down
// sources from where the account has logged in before (`is_known`; the idea of OWASP's device cookies). Sessions and
// tokens that exist are not touched, and the console asks for no password.
//
// Pure: time comes in. Bounded: the oldest entries make room. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fulcrum::access {

class Lockout {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Rule {
    unsigned free_tries = 5;
    std::chrono::seconds wait_first{60};
    std::chrono::seconds wait_max{3600};
  };
  struct Rules {
    Rule pair{};
    Rule source{.free_tries = 20, .wait_first = std::chrono::seconds{60}, .wait_max = std::chrono::seconds{900}};
    Rule account{.free_tries = 100, .wait_first = std::chrono::seconds{10}, .wait_max = std::chrono::seconds{60}};
    std::chrono::seconds forget{24 * 3600};  // after the last try
    std::size_t entries_max = 8192;
  };

  Lockout() : rules_{} {}
  explicit Lockout(Rules rules) : rules_{rules} {}

  // Counts a try that may go on (0 s), or says how long to wait; then nothing was counted.
  std::chrono::seconds try_now(const std::string& account, const std::string& source, Time now, bool is_known = false);
  // The last try was right.
  void succeeded(const std::string& account, const std::string& source);
  // Somebody at the console, or an administrator, says so. Empty: all.
  void forgive(const std::string& account);

  [[nodiscard]] std::size_t entries() const { return entries_.size(); }

 private:
  struct Entry {
    std::string account;
    unsigned tries = 0;
    Time last{}, closed_until{};
  };
  void count(const std::string& key, const std::string& account, const Rule& rule, Time now);
  void make_room(Time now);

  Rules rules_;
  std::map<std::string, Entry> entries_;
};

// What counts as one source: an IPv4 address; of IPv6 the /64, all of which one machine may use.
std::string lockout_source(const std::string& address);

}  // namespace fulcrum::access
