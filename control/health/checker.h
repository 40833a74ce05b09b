// Watches servers: probes each target at its interval, feeds the results to the rise/fall machine and reports changes.
// A target is an address and port with the rules of its check; however many services, farms or rows it stands for, it
// is probed once.
//
// Probes of different targets are spread over the interval (jitter keeps them apart for ever), and those of one target
// never overlap. While the checker is paused - the dataplane is away, so every probe would fail - nothing is judged.
// And a probe that nobody answered is no failure when the box itself stood still for half of its time or more: the
// server had no fair chance to be heard. A refusal counts always.
//
// One thread, the loop's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "control/health/rise_fall.h"
#include "control/health/tcp_probe.h"
#include "dataplane/base/address.h"

namespace fulcrum {

struct CheckTarget {
  Address address;
  std::uint16_t port = 0;
  std::chrono::milliseconds interval{5000};
  std::chrono::milliseconds timeout{2000};
  std::uint8_t rise = 2;
  std::uint8_t fall = 3;

  friend bool operator<(const CheckTarget& a, const CheckTarget& b) { return a.order() < b.order(); }
  friend bool operator==(const CheckTarget& a, const CheckTarget& b) { return a.order() == b.order(); }

 private:
  [[nodiscard]] std::tuple<std::array<std::uint8_t, 16>, std::uint16_t, std::int64_t, std::int64_t, int, int> order()
      const {
    return {address.bytes(), port, interval.count(), timeout.count(), rise, fall};
  }
};

// The newest probe of a target.
struct LastProbe {
  Observation::Kind kind = Observation::Kind::inconclusive;
  std::chrono::microseconds took{0};
  std::chrono::system_clock::time_point at;  // when it was over
  bool counts = true;                        // false: it said nothing about the server
};

// How a target stands, and why.
struct TargetHealth {
  RiseFall judgement;
  std::string reason;                           // of the present state: what was observed when it began
  std::chrono::system_clock::time_point since;  // the present state began
  bool began_earlier = false;                   // before `since`, which is when it was taken over from elsewhere
  bool is_confirmed = true;                     // false: it was taken over, and no check has agreed yet
  std::string last;                             // the newest observation
  std::chrono::microseconds response{0};        // how long the server takes to answer, smoothed; 0: it has not yet
  std::optional<LastProbe> newest{};            // nothing: there has been none
  std::int32_t in_a_row = 0;                    // results that counted: so many good ones, or so many bad as -1, -2
  std::optional<std::chrono::steady_clock::time_point> next{};  // the next probe; nothing: under way, or paused
};

class HealthChecker {
 public:
  // A change of Health. The reason is in `now`.
  using Changed = std::function<void(const CheckTarget&, const TargetHealth& now)>;
  // A factor around 1 by which the next interval is stretched; injected so that tests can do without.
  using Jitter = std::function<double()>;

  // For how much of the time since then the box itself stood still; see stalls.h.
  using Stood = std::function<std::chrono::nanoseconds(std::chrono::steady_clock::time_point since)>;

  HealthChecker(boost::asio::io_context& loop, OpenTcp open, Changed changed, Jitter jitter, Stood stood);
  ~HealthChecker();

  // Watches exactly these targets from now on, each with the state that is known of it from elsewhere; it counts as
  // long as no probe has said anything (Health::unknown: the first result decides). A target that stays goes on
  // undisturbed; one of which only the rules changed keeps its state.
  void watch(const std::map<CheckTarget, Health>& targets);

  void pause();
  // Probes everything again, soon.
  void resume();

  // Null when it is not watched.
  [[nodiscard]] const TargetHealth* find(const CheckTarget& target) const;
  [[nodiscard]] std::size_t size() const { return watched_.size(); }
  [[nodiscard]] bool is_paused() const { return paused_; }

 private:
  struct Watched {
    explicit Watched(boost::asio::io_context& loop) : timer{loop} {}
    TargetHealth health;
    boost::asio::steady_timer timer;
    std::shared_ptr<TcpProbe> probe;
    std::chrono::steady_clock::time_point started;
  };
  using Entry = std::map<CheckTarget, std::shared_ptr<Watched>>::value_type;

  void schedule(const CheckTarget& target, const std::shared_ptr<Watched>& watched, std::chrono::nanoseconds delay);
  void probe(const CheckTarget& target, const std::shared_ptr<Watched>& watched);
  void judge(const CheckTarget& target, const std::shared_ptr<Watched>& watched, const Observation& observation);
  [[nodiscard]] bool says_nothing(const CheckTarget& target, const Watched& watched, Observation::Kind kind) const;
  void start_all();
  static void stop(Watched& watched);
  [[nodiscard]] TargetHealth first_health(const CheckTarget& target, Health known) const;

  boost::asio::io_context& loop_;
  OpenTcp open_;
  Changed changed_;
  Jitter jitter_;
  Stood stood_;
  std::map<CheckTarget, std::shared_ptr<Watched>> watched_;
  bool paused_ = false;
};

}  // namespace fulcrum
