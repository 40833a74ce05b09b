#include "control/access/login_queue.h"

#include <algorithm>
#include <utility>

namespace fulcrum::access {

bool LoginQueue::has_room(const std::string& source, bool is_known) const {
  if (is_known) return known_.size() < waiting_max;
  const auto same = [&](const Waiting& one) { return one.source == source; };
  const auto own = std::count_if(strangers_.begin(), strangers_.end(), same);
  return strangers_.size() < waiting_max && static_cast<std::size_t>(own) < strangers_of_source_max;
}

void LoginQueue::enter(const std::string& source, bool is_known, Begin begin) {
  if (!std::exchange(busy_, true)) return begin();
  (is_known ? known_ : strangers_).push_back({source, std::move(begin)});
}

void LoginQueue::leave() {
  std::deque<Waiting>& next = known_.empty() ? strangers_ : known_;
  busy_ = !next.empty();
  if (!busy_) return;
  const Begin begin = std::move(next.front().begin);
  next.pop_front();
  begin();
}

}  // namespace fulcrum::access
