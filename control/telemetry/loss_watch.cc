#include "control/telemetry/loss_watch.h"

#include <fmt/format.h>

#include <utility>

namespace fulcrum::telemetry {
namespace {

std::uint64_t of_load(const LossCounts& lost) {
  return lost[static_cast<std::size_t>(Loss::ring_full)] + lost[static_cast<std::size_t>(Loss::no_buffer)];
}

}  // namespace

std::string LossWatch::Episode::words() const {
  return fmt::format("{} of {} packets ({:.1f} %)", lost, came,
                     100.0 * static_cast<double>(lost) / static_cast<double>(came));
}

LossWatch::News LossWatch::read(std::uint64_t received, const LossCounts& lost, std::uint64_t boot, std::int64_t time) {
  const Reading now{.received = received, .lost = of_load(lost), .boot = boot, .time = time};
  const auto before = std::exchange(before_, now);
  if (!before || before->boot != boot || received < before->received || now.lost < before->lost ||
      time <= before->time) {
    return quiet(time);
  }
  const std::uint64_t lost_now = now.lost - before->lost;
  const std::uint64_t came_now = received - before->received + lost_now;
  lost_ += lost_now;
  came_ += came_now;
  const auto seconds = static_cast<std::uint64_t>(time - before->time);
  const bool is_heavy = lost_now >= heavy_packets * seconds && lost_now * heavy_part >= came_now;
  if (is_heavy && (!episode_ || episode_->is_over)) {
    lost_ = lost_now;
    came_ = came_now;
  }
  return is_heavy ? heavy(before->time, time) : quiet(time);
}

LossWatch::News LossWatch::heavy(std::int64_t since, std::int64_t time) {
  const bool begins = !episode_ || episode_->is_over;
  if (begins) episode_ = Episode{.began = since};
  episode_->last_heavy = time;
  episode_->lost += std::exchange(lost_, 0);
  episode_->came += std::exchange(came_, 0);
  return begins ? News::began : News::none;
}

LossWatch::News LossWatch::quiet(std::int64_t time) {
  if (!episode_) return News::none;
  const std::int64_t since = time - episode_->last_heavy;
  if (episode_->is_over) {
    if (since >= remembered_s) episode_.reset();
    return News::none;
  }
  if (since < quiet_s) return News::none;
  episode_->is_over = true;
  return News::ended;
}

}  // namespace fulcrum::telemetry
