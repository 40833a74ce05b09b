// What happened and why, for the person who looks afterwards: servers that changed state, configurations, the
// dataplane's comings and goings, full tables. A ring in memory of the newest `capacity`; each event has a number, so
// that a reader can ask for what came since.
//
// It is kept in a file as well, a line of JSON for each event, because what somebody looks for at night often ended
// with a restart. A line is appended as it comes and nobody waits for the disk: the end of the program loses nothing, a
// power cut the last seconds. A line that is not whole is passed over. One thread.
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

  // In memory only.
  EventTrail() = default;
  // Goes on with what the file holds, and keeps it there.
  explicit EventTrail(std::string file);

  // A file that cannot be written is the same as none: the event is here in any case.
  void add(TrailEvent event);
  // Oldest first.
  [[nodiscard]] const std::deque<TrailEvent>& events() const { return events_; }

 private:
  void keep(const TrailEvent& event);
  void push(TrailEvent event);

  std::deque<TrailEvent> events_;
  std::uint64_t newest_ = 0;
  std::string file_{};       // empty: none
  std::size_t in_file_ = 0;  // lines
};

}  // namespace fulcrum::telemetry
