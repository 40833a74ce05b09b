#include "control/surface/api/turns.h"

#include <algorithm>
#include <utility>

namespace fulcrum::api {

bool Turns::take(const std::string& who, Task task) {
  std::deque<Task>& mine = waiting_[who];
  if (mine.size() == waiting_max) return false;
  mine.push_back(std::move(task));
  if (!busy_) next();
  return true;
}

void Turns::next() {
  busy_ = !waiting_.empty();
  if (!busy_) return;
  auto caller = waiting_.upper_bound(last_);
  if (caller == waiting_.end()) caller = waiting_.begin();
  last_ = caller->first;
  const Task task = std::move(caller->second.front());
  caller->second.pop_front();
  if (caller->second.empty()) waiting_.erase(caller);
  began_ = clock_();
  task([this] { leave(); });
}

void Turns::leave() {
  const std::chrono::nanoseconds pause = (clock_() - began_) * pause_factor_;
  later_(std::min<std::chrono::nanoseconds>(pause, pause_max), [this] { next(); });
}

}  // namespace fulcrum::api
