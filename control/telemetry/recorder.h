// The history in a thread of its own, so that a slow disk never holds up the control loop. The way there is a bounded
// queue: when it is full, samples are lost and counted, and nobody waits.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/access/worker.h"
#include "control/telemetry/history.h"

namespace fulcrum::telemetry {

class Recorder {
 public:
  static constexpr std::size_t queue_max = 120;
  using Done = std::function<void(const Result<std::vector<HistoryPoint>>&)>;
  using Tell = std::function<void(const std::string& line)>;  // from the recorder's thread

  // `tell` hears what a person should know: a history begun anew, a disk that is full (once until it works again).
  Recorder(std::string file, Tell tell);

  // Any one thread. The names of the sample's series must outlive the recorder.
  void add(Sample sample);
  // As History::rename(), for all that is added afterwards.
  void rename(SeriesName from, std::string to);
  // `done` is called once, from the recorder's thread, or at once when the queue is full.
  void query(const HistoryQuery& query, Done done);
  [[nodiscard]] std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  void open();
  void say(const Result<void>& result);

  std::string file_;
  Tell tell_;
  std::atomic<std::uint64_t> lost_{0};
  // The thread's.
  std::unique_ptr<History> history_;
  bool failing_ = false;
  std::int64_t tried_at_ = 0;
  access::Worker thread_;  // last, so that it ends first
};

}  // namespace fulcrum::telemetry
