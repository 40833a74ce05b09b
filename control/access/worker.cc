#include "control/access/worker.h"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace fulcrum::access {
namespace {

// Below the control loop, which shares its core with whatever the machine has to do.
constexpr int kNice = 5;

}  // namespace

Worker::Worker(std::size_t queue_max) : queue_max_{queue_max}, thread_{[this] { work(); }} {}

Worker::~Worker() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Worker::run(std::function<void()> job) {
  {
    const std::lock_guard lock{mutex_};
    if (ending_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void Worker::work() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job();
  }
}

}  // namespace fulcrum::access
