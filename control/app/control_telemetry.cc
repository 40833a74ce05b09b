// Rates each second, and the trail of what happened.
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/app/control.h"
#include "control/surface/local/counter_sums.h"
#include "dataplane/base/log.h"

namespace fulcrum {

void Control::sample_rates() {
  using std::chrono::system_clock;
  const std::int64_t second = system_clock::to_time_t(system_clock::now());
  if (second == sampled_at_) return;
  sampled_at_ = second;
  rates_ = sampler_.read(alive_ ? watch_.region() : nullptr, publisher_.newest(), second);
  if (rates_ && recorder_) recorder_->add(*rates_);
  tell_probe_times();
  watch_losses(second);
}

// Whether the ports are connected to anything. Of one that is gone or down the health checks know too, but not why.
void Control::watch_links() {
  if (watch_.region() == nullptr) return;
  for (std::size_t i = 0; i < kPortsMax; ++i) {
    const PortInfo& port = watch_.region()->header().ports[i];
    const LinkState now = port.in_use != 0 ? link_of(port) : LinkState::unknown;
    const LinkState before = std::exchange(links_[i], now);
    if (now == before || now == LinkState::unknown || (now == LinkState::up && before == LinkState::unknown)) continue;
    tell(now != LinkState::up, "port", std::string{port.name.view()},
         now == LinkState::up     ? "has a link again"
         : now == LinkState::down ? "has no link: look at the cable, and at the interface at its other end"
                                  : "its interface is gone: make it again and restart fulcrum-dataplane");
  }
}

// Whether a port loses packets before they are received: nothing but its counters would tell.
void Control::watch_losses(std::int64_t second) {
  if (!alive_ || watch_.region() == nullptr) return;
  const Region& region = *watch_.region();
  for (std::size_t i = 0; i < kPortsMax; ++i) {
    if (region.header().ports[i].in_use == 0) continue;
    const std::string port{region.header().ports[i].name.view()};
    const surface::PortSums sums = surface::port_sums(region, i);
    const auto news = losses_[i].read(sums.received_packets, sums.lost, region.header().boot_id, second);
    if (news == telemetry::LossWatch::News::none) continue;
    const std::string lost = losses_[i].episode()->words();
    const bool is_over = news == telemetry::LossWatch::News::ended;
    tell(!is_over, "port", port,
         is_over ? fmt::format("does not lose packets any more; it lost {} before receive", lost)
                 : fmt::format("loses packets before receive: {} in a second", lost));
    log(is_over ? Level::notice : Level::warning, "port {} {}: {}", port,
        is_over ? "does not lose packets before receive any more, it lost" : "loses packets before receive, at first",
        lost);
  }
}

// For fastest_response, where the workers do not see the servers' answers.
void Control::tell_probe_times() {
  if (!alive_ || publisher_.newest() == nullptr) return;
  const Snapshot& snapshot = *publisher_.newest();
  SharedLoads& loads = watch_.region()->shared_loads();
  for (const auto& [target, rows] : rows_) {
    const TargetHealth* health = checker_.find(target);
    if (health == nullptr || health->response.count() == 0) continue;
    for (const ServerId id : rows) {
      const ServiceId service = snapshot.servers[id.index].service;
      if (service.value >= kServicesMax) continue;
      if (snapshot.services[service.value].scheduler != SchedulerKind::fastest_response) continue;
      const auto us = std::min<std::int64_t>(health->response.count(), Load::response_max);
      const Load told{.generation = id.generation, .active = 0, .response_us = static_cast<std::uint32_t>(us)};
      loads.probed[id.index].store(told.word(), std::memory_order_relaxed);
    }
  }
}

void Control::start_recorder() {
  recorder_.emplace(configuration_.history().directory() + "/rates.db",
                    [](const std::string& line) { log(Level::warning, "{}", line); });
  for (const store::Revision& revision : std::exchange(made_at_boot_, {})) {
    if (const auto changes = configuration_.history().changes(revision.number)) rename_rates(*changes);
  }
}

// In the order of the changes: the path of a renamed server names its farm as it is called by then.
void Control::rename_rates(const std::vector<document::Change>& changes) {
  for (const document::Change& change : changes) {
    if (change.kind != document::Change::Kind::renamed || change.path.front().word != "farms" || !recorder_) continue;
    const document::Path& path = change.path;
    if (path.size() == 2) recorder_->rename({telemetry::Kind::farms, path[1].word}, change.keys_to[0]);
    if (path.size() != 4 || path[2].word != "servers") continue;
    const std::string farm = path[1].word + "/";
    recorder_->rename({telemetry::Kind::servers, farm + path[3].word}, farm + change.keys_to[0]);
  }
}

void Control::past_rates(const telemetry::HistoryQuery& query, telemetry::Recorder::Done done) {
  if (!recorder_) return done(fail(Error::Code::io, "", "there is no history"));
  recorder_->query(query, [this, done = std::move(done)](const Result<std::vector<telemetry::HistoryPoint>>& points) {
    boost::asio::post(loop_, [done, points] { done(points); });
  });
}

void Control::tell(bool is_warning, const char* kind, const std::string& object, const std::string& text) {
  trail_.add({.time = std::chrono::system_clock::now(),
              .is_warning = is_warning,
              .kind = kind,
              .object = object,
              .text = text});
}

// Which of its lives an event is about.
std::string Control::dataplane_life() const {
  return fmt::format(" (process {})", watch_.region() != nullptr ? watch_.region()->header().dataplane_pid.load() : 0);
}

// Whether the trail ends with that of this life: control itself may have been started since, which is no news of the
// dataplane. Process numbers come again after a boot.
bool Control::is_told_running() const {
  const auto& events = trail_.events();
  const auto last =
      std::find_if(events.rbegin(), events.rend(), [](const auto& event) { return event.kind == "dataplane"; });
  const auto boot = std::chrono::system_clock::now() - monotonic_now();
  return last != events.rend() && !last->is_warning && last->text.ends_with(dataplane_life()) && last->time > boot;
}

}  // namespace fulcrum
