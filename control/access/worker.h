// One thread for what takes milliseconds and must not hold up a loop: hashing passwords, waiting for the disk, writing
// large answers. Jobs run
// one after another, in the order in which they came. The queue is bounded: who finds it full is told so and says so to
// the client, instead of making everybody wait.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace fulcrum::access {

class Worker {
 public:
  // `nice` as of setpriority(2); the usual one is below the control loop's.
  explicit Worker(std::size_t queue_max, int nice = 5);
  // Runs what is queued, then ends.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Any thread. False: the queue is full, nothing will happen.
  [[nodiscard]] bool run(std::function<void()> job);

 private:
  void work();

  std::size_t queue_max_;
  int nice_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // under mutex_
  bool ending_ = false;                      // under mutex_
  std::thread thread_;
};

}  // namespace fulcrum::access
