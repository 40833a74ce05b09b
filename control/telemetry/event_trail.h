// What happened and why, for the person who looks afterwards: servers that changed state, configurations, the
// dataplane's comings and goings, full tables. A ring in memory of the newest `capacity`; each event has a number, so
// that a reader can ask for what came since. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

namespace fulcrum::telemetry {

struct TrailEvent {
  std::uint64_t number = 0;  // from 1, without holes
  std::chrono::system_clock::time_point time{};
  bool is_warning = false;
  std::string kind{};    // "server", "configuration", "dataplane", "table", "clear"
  std::string object{};  // whom it is about, as in the configuration: "web1 of farm shop"; may be empty
  std::string text{};    // what happened, and why
};

class EventTrail {
 public:
  static constexpr std::size_t capacity = 2000;

  void add(TrailEvent event) {
    event.number = ++newest_;
    events_.push_back(std::move(event));
    if (events_.size() > capacity) events_.pop_front();
  }
  // Oldest first.
  [[nodiscard]] const std::deque<TrailEvent>& events() const { return events_; }

 private:
  std::deque<TrailEvent> events_;
  std::uint64_t newest_ = 0;
};

}  // namespace fulcrum::telemetry
