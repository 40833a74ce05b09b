// Questions of clients that cost the control loop time, in turn: one at a time, of each caller the oldest, callers one
// after the other, and after each question a pause of `pause_factor` times as long as it took. So whatever viewers ask,
// and how often, a change waits for one question at most, the loop has three quarters of its time for what it is there
// for, and who asks little waits for one question of each who asks much.
//
// One thread. The time that a question takes is that from its beginning to leaving, with what the loop did in between.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>

namespace fulcrum::api {

class Turns {
 public:
  static constexpr std::size_t waiting_max = 16;              // of one caller
  static constexpr std::chrono::milliseconds pause_max{250};  // after one that waited for something else than the loop

  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  // Calls back on this thread after that time.
  using Later = std::function<void(std::chrono::nanoseconds, std::function<void()>)>;
  Turns(Clock clock, Later later, int pause_factor = 3)
      : clock_{std::move(clock)}, later_{std::move(later)}, pause_factor_{pause_factor} {}

  // Begins when its turn has come, and is to call `leave` once, when it is over.
  using Task = std::function<void(std::function<void()> leave)>;
  // False: too many of this caller wait already, and the task is dropped.
  bool take(const std::string& who, Task task);

 private:
  void next();
  void leave();

  Clock clock_;
  Later later_;
  int pause_factor_;
  std::map<std::string, std::deque<Task>> waiting_;  // none is empty
  std::string last_;                                 // whose turn it was
  bool busy_ = false;
  std::chrono::steady_clock::time_point began_{};
};

}  // namespace fulcrum::api
