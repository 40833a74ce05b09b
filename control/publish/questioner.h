// Asks the dataplane what it would do with a packet (contract/explain.h): one question at a time, the others wait. A
// question that a control process before us left open is let go through first; its answer is nobody's.
//
// One thread, the publisher's. No system call.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "dataplane/base/result.h"
#include "dataplane/contract/region.h"

namespace fulcrum {

class Questioner {
 public:
  // From being asked to being answered. The dataplane looks every 10 ms; a longer silence means that it does not run.
  static constexpr std::chrono::seconds patience{3};
  static constexpr std::size_t waiting_max = 16;
  // Fills the question at the moment it is asked: slots change while it waits.
  using Fill = std::function<Result<void>(ExplainQuestion& question)>;
  // Called once, from turn(), detach() or ask(). The answer is borrowed for the call.
  using Done = std::function<void(const ExplainQuestion& question, const Result<const ExplainAnswer*>& answer)>;

  // Takes up work on a region, anew after a restart of the dataplane. Borrowed until the next attach or detach.
  void attach(Region& region) { region_ = &region; }
  // Whoever waits is told that there is no dataplane any more.
  void detach();
  void ask(Fill fill, Done done);
  // Asks, and looks for the answer. `now`: CLOCK_MONOTONIC.
  void turn(std::chrono::nanoseconds now);
  [[nodiscard]] bool is_busy() const { return !jobs_.empty(); }

 private:
  struct Job {
    Fill fill;
    Done done;
    std::optional<std::chrono::nanoseconds> since;
  };
  void put(std::chrono::nanoseconds now);
  void finish(const Result<const ExplainAnswer*>& answer);

  Region* region_ = nullptr;
  std::deque<Job> jobs_;
  std::uint64_t asked_ = 0;  // number of the front job's question; 0: not asked yet
  ExplainQuestion question_;
};

// Whether a question that may still be answered names the slot.
[[nodiscard]] bool is_asked_about(const ExplainBox& box, std::size_t slot) noexcept;

}  // namespace fulcrum
