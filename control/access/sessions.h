// Sessions of people who logged in. A session is 256 random bits in a cookie; here only its hash is kept. It ends when
// it was not used for a while, when it is old however much it is used, when its account changes or goes, and with the
// process. A request that changes something must also carry the session's CSRF secret, which a page of another site
// cannot read (OWASP's synchronizer token).
//
// One thread; time comes in.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fulcrum::access {

struct Session {
  using Time = std::chrono::steady_clock::time_point;
  std::string id;  // public: for lists and for ending it
  std::string account, source, csrf;
  Time begun{}, used{};
};

class Sessions {
 public:
  using Time = Session::Time;
  struct Limits {
    std::chrono::seconds idle{15 * 60};
    std::chrono::seconds absolute{12 * 3600};
    std::size_t per_account_max = 16;  // the one unused for longest makes room
    std::size_t sessions_max = 1024;
  };
  Sessions() : limits_{} {}
  explicit Sessions(Limits limits) : limits_{limits} {}

  // The secret for the cookie. The session itself is found by it.
  std::string begin(const std::string& account, const std::string& source, Time now);
  // The living session of this secret, which counts as used now; null: none. `quiet` does not count as use: a page that
  // only listens does not keep its session open for ever.
  const Session* find(const std::string& secret, Time now, bool quiet = false);
  // Whether there was one.
  bool end(const std::string& id);
  void end_all_of(const std::string& account, const std::string& but_id = {});
  [[nodiscard]] std::vector<Session> living(Time now) const;
  [[nodiscard]] const Limits& limits() const { return limits_; }

 private:
  [[nodiscard]] bool has_ended(const Session& session, Time now) const;
  void make_room(const std::string& account, Time now);

  Limits limits_;
  std::map<std::string, Session> by_hash_;
};

}  // namespace fulcrum::access
