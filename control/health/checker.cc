#include "control/health/checker.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace fulcrum {
namespace {

// At the start, probes begin this far apart, so that ten thousand of them are no burst of SYNs.
constexpr std::chrono::microseconds kStartSpacing{500};

TargetHealth recovered(Health known) {
  return {.judgement = {.health = known},
          .reason = "as before, and not checked again yet",
          .since = std::chrono::system_clock::now(),
          .began_earlier = true,
          .is_confirmed = false,
          .last = {},
          .response = {}};
}

}  // namespace

HealthChecker::HealthChecker(boost::asio::io_context& loop, OpenTcp open, Changed changed, Jitter jitter, Stood stood)
    : loop_{loop},
      open_{std::move(open)},
      changed_{std::move(changed)},
      jitter_{std::move(jitter)},
      stood_{std::move(stood)} {}

HealthChecker::~HealthChecker() {
  for (auto& [target, watched] : watched_) stop(*watched);
}

void HealthChecker::stop(Watched& watched) {
  watched.timer.cancel();
  if (watched.probe) watched.probe->cancel();
  watched.probe.reset();
  watched.health.next.reset();
}

TargetHealth HealthChecker::first_health(const CheckTarget& target, Health known) const {
  // Targets are ordered by address and port first: the rules that come before all others lead to the place.
  const CheckTarget place{
      .address = target.address, .port = target.port, .interval{}, .timeout{}, .rise = 0, .fall = 0};
  const auto same_place = watched_.lower_bound(place);
  if (same_place != watched_.end() && same_place->first.address == target.address &&
      same_place->first.port == target.port) {
    TargetHealth health = same_place->second->health;
    health.judgement.streak = 0;
    health.next.reset();
    return health;
  }
  if (known != Health::unknown) return recovered(known);
  return {.judgement = {},
          .reason = "not checked yet",
          .since = std::chrono::system_clock::now(),
          .last = {},
          .response = {}};
}

void HealthChecker::watch(const std::map<CheckTarget, Health>& targets) {
  std::map<CheckTarget, std::shared_ptr<Watched>> next;
  std::chrono::nanoseconds delay{0};
  std::vector<std::pair<CheckTarget, std::chrono::nanoseconds>> fresh;
  for (const auto& [target, known] : targets) {
    if (const auto found = watched_.find(target); found != watched_.end()) {
      TargetHealth& health = found->second->health;
      if (health.judgement.health == Health::unknown && known != Health::unknown) health = recovered(known);
      next.emplace(target, found->second);
      continue;
    }
    auto watched = std::make_shared<Watched>(loop_);
    watched->health = first_health(target, known);
    next.emplace(target, std::move(watched));
    fresh.emplace_back(target, delay);
    delay = std::min<std::chrono::nanoseconds>(delay + kStartSpacing, target.interval);
  }
  for (auto& [target, watched] : watched_) {
    if (targets.count(target) == 0) stop(*watched);
  }
  watched_ = std::move(next);
  if (paused_) return;
  for (const auto& [target, after] : fresh) schedule(target, watched_.at(target), after);
}

void HealthChecker::pause() {
  paused_ = true;
  for (auto& [target, watched] : watched_) {
    stop(*watched);
    watched->health.judgement.streak = 0;
  }
}

void HealthChecker::resume() {
  if (std::exchange(paused_, false)) start_all();
}

void HealthChecker::start_all() {
  std::chrono::nanoseconds delay{0};
  for (auto& [target, watched] : watched_) {
    schedule(target, watched, std::min<std::chrono::nanoseconds>(delay, target.interval));
    delay += kStartSpacing;
  }
}

const TargetHealth* HealthChecker::find(const CheckTarget& target) const {
  const auto found = watched_.find(target);
  return found == watched_.end() ? nullptr : &found->second->health;
}

void HealthChecker::schedule(const CheckTarget& target, const std::shared_ptr<Watched>& watched,
                             std::chrono::nanoseconds delay) {
  watched->timer.expires_after(delay);
  watched->health.next = watched->timer.expiry();
  watched->timer.async_wait([this, target, weak = std::weak_ptr{watched}](const boost::system::error_code& error) {
    const auto alive = weak.lock();
    if (error || !alive || paused_) return;
    probe(target, alive);
  });
}

void HealthChecker::probe(const CheckTarget& target, const std::shared_ptr<Watched>& watched) {
  watched->started = std::chrono::steady_clock::now();
  watched->health.next.reset();
  watched->probe = TcpProbe::start(loop_, open_, target.address, target.port, target.timeout,
                                   [this, target, weak = std::weak_ptr{watched}](const Observation& observation) {
                                     if (const auto alive = weak.lock()) judge(target, alive, observation);
                                   });
}

bool HealthChecker::says_nothing(const CheckTarget& target, const Watched& watched, Observation::Kind kind) const {
  if (kind == Observation::Kind::inconclusive) return true;
  return kind == Observation::Kind::silent && 2 * stood_(watched.started) >= target.timeout;
}

void HealthChecker::judge(const CheckTarget& target, const std::shared_ptr<Watched>& watched,
                          const Observation& observation) {
  watched->probe.reset();
  TargetHealth& health = watched->health;
  const bool says_nothing = this->says_nothing(target, *watched, observation.kind);
  health.last = observation.reason;
  if (says_nothing && observation.kind == Observation::Kind::silent)
    health.last += "; not counted: the box stood still";
  const auto stretched = std::chrono::duration_cast<std::chrono::nanoseconds>(target.interval * jitter_());
  const auto passed = std::chrono::steady_clock::now() - watched->started;
  schedule(target, watched, std::max<std::chrono::nanoseconds>(stretched - passed, std::chrono::nanoseconds{0}));
  health.newest = {.kind = observation.kind,
                   .took = observation.took,
                   .at = std::chrono::system_clock::now(),
                   .counts = !says_nothing};
  if (says_nothing) {
    if (health.judgement.health == Health::unknown) health.reason = health.last;
    return;
  }
  const bool is_good = observation.kind == Observation::Kind::answered;
  health.in_a_row = is_good ? std::max(health.in_a_row, 0) + 1 : std::min(health.in_a_row, 0) - 1;
  if (is_good) {
    // As the workers smooth what they measure.
    health.response = health.response.count() == 0 ? observation.took : (health.response * 7 + observation.took) / 8;
  }
  const RiseFall before = health.judgement;
  health.judgement = observe(before, is_good, {.rise = target.rise, .fall = target.fall});
  const bool agrees = health.judgement.streak == 0;
  if (!health.is_confirmed) health.reason = agrees ? observation.reason : "as before";
  health.is_confirmed = health.is_confirmed || agrees;
  if (health.judgement.health == before.health) return;
  health.reason = observation.reason;
  health.since = std::chrono::system_clock::now();
  health.began_earlier = false;
  changed_(target, health);
}

}  // namespace fulcrum
