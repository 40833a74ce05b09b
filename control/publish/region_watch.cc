#include "control/publish/region_watch.h"

#include <utility>

namespace fulcrum {

RegionWatch::News RegionWatch::look() {
  if (stale_) {
    region_.reset();
    stale_ = false;
  }
  if (region_) {
    if (!region_->is_current(runtime_dir_)) {
      stale_ = true;
      return News::lost;
    }
    const std::uint32_t starts = region_->header().dataplane_starts.load(std::memory_order_acquire);
    if (starts == starts_seen_) return News::none;
    starts_seen_ = starts;
    return News::restarted;
  }
  auto found = Region::attach(runtime_dir_);
  if (!found) {
    problem_ = found.error();
    return News::none;
  }
  const std::uint32_t starts = found->header().dataplane_starts.load(std::memory_order_acquire);
  if (starts == 0) {
    problem_ = Error{Error::Code::not_found, runtime_dir_ + "/region", "the dataplane has not finished starting"};
    return News::none;
  }
  problem_.reset();
  starts_seen_ = starts;
  region_.emplace(std::move(*found));
  return News::attached;
}

bool RegionWatch::alive(std::chrono::nanoseconds now) const {
  const auto beat = last_beat();
  return beat && now - *beat < silence_max;
}

std::optional<std::chrono::nanoseconds> RegionWatch::last_beat() const {
  if (!region_ || stale_) return std::nullopt;
  return std::chrono::nanoseconds{region_->header().dataplane_heartbeat.load(std::memory_order_relaxed)};
}

}  // namespace fulcrum
