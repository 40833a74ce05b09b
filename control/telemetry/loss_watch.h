// Whether a data port loses many packets before the dataplane receives them (contract/loss.h). It reads the port's
// counters once a second and finds episodes: one begins with a second in which at least `heavy_packets` and at least
// one of `heavy_part` of what came were lost, and ends with the last such second before `quiet_s` without one. So a
// burst that fills a ring for a moment is no news, and a port that loses on and off is one episode.
//
// What the NIC received damaged does not count: that is a matter of cables, not of load. Only differences between two
// readings of the same process's counters do. Pure: no clock, no system call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/contract/loss.h"

namespace fulcrum::telemetry {

class LossWatch {
 public:
  static constexpr std::uint64_t heavy_packets = 100;  // a second
  static constexpr std::uint64_t heavy_part = 100;     // 1 %
  static constexpr std::int64_t quiet_s = 60;
  static constexpr std::int64_t remembered_s = 600;  // after its end

  enum class News : std::uint8_t { none, began, ended };

  struct Episode {
    std::int64_t began = 0;       // seconds since 1970
    std::int64_t last_heavy = 0;  // with the second that ended then
    bool is_over = false;
    std::uint64_t lost = 0, came = 0;  // up to last_heavy; what was lost is of what came

    // "473,000 of 1,750,000 packets (27.0 %)"
    [[nodiscard]] std::string words() const;
  };

  // The port's counters since ever, at a time in seconds since 1970. `boot` tells one dataplane from the next.
  News read(std::uint64_t received, const LossCounts& lost, std::uint64_t boot, std::int64_t time);

  // The one under way, or the last one for as long as it is remembered.
  [[nodiscard]] const std::optional<Episode>& episode() const { return episode_; }

 private:
  struct Reading {
    std::uint64_t received = 0, lost = 0, boot = 0;
    std::int64_t time = 0;
  };
  News heavy(std::int64_t since, std::int64_t time);
  News quiet(std::int64_t time);

  std::optional<Reading> before_;
  std::optional<Episode> episode_;
  std::uint64_t lost_ = 0, came_ = 0;  // since last_heavy, for the episode if it goes on
};

}  // namespace fulcrum::telemetry
