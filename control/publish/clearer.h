// `fulcrum clear`: asks the workers to end entries of a table and adds up what they report (Command::clear,
// contract/messages.h). One request is under way at a time, since a worker gives up an older one for a newer; others
// wait. A dataplane that was killed meanwhile is asked again when it is back.
//
// One thread, the publisher's: both write to the same rings. No system call.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/contract/region.h"

namespace fulcrum {

class Clearer {
 public:
  // No worker may take longer for its part of one filter.
  static constexpr std::chrono::seconds patience{15};
  // The number of entries ended, or why it is not known.
  using Done = std::function<void(const Result<std::uint64_t>& cleared)>;

  // Takes up work on a region, anew after a restart of the dataplane. Borrowed until the next attach or detach.
  void attach(Region& region);
  // Whoever waits is told that there is no dataplane any more.
  void detach();

  // Ends all entries of the table that one of the filters matches. `done` is called from turn() or detach(), once.
  void clear(Table table, std::vector<EntryFilter> filters, Done done);
  // Sends, and looks for answers. `now`: CLOCK_MONOTONIC.
  void turn(std::chrono::nanoseconds now);
  [[nodiscard]] bool is_busy() const { return !jobs_.empty(); }

 private:
  struct Job {
    Table table;
    std::vector<EntryFilter> filters;  // the last one is next
    Done done;
    std::uint64_t cleared = 0;
  };
  void ask(std::chrono::nanoseconds now);
  void finish(const Result<std::uint64_t>& result);

  Region* region_ = nullptr;
  std::deque<Job> jobs_;
  std::uint64_t request_ = 0;  // of the filter that is under way; 0: none
  std::uint64_t newest_ = 0;
  std::chrono::nanoseconds asked_at_{0};
  Command command_;
  std::vector<bool> sent_;  // by worker
};

}  // namespace fulcrum
