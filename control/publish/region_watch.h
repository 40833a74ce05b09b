// Finds the dataplane's region and notices what becomes of it: not there yet, there, its dataplane started again, gone
// and replaced by another file, or its dataplane silent. Control asks every few milliseconds; looking costs one stat(2)
// and a few loads.
//
// A region whose dataplane never finished starting counts as not there: its ports are not known.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/base/result.h"
#include "dataplane/contract/region.h"

namespace fulcrum {

class RegionWatch {
 public:
  enum class News : std::uint8_t {
    none,
    attached,   // a region is mapped now: everything about it is new
    restarted,  // the same region, but its dataplane started again: ports and twins may be new
    lost,       // another file took its place: the dataplane was started cold
  };

  explicit RegionWatch(std::string runtime_dir) : runtime_dir_{std::move(runtime_dir)} {}

  // After `lost`, nothing may hold on to the old region: the caller lets go before it looks again. For that, look()
  // reports `lost` first and unmaps in the next call.
  News look();

  // Null when there is none.
  [[nodiscard]] Region* region() { return region_ && !stale_ ? &*region_ : nullptr; }
  [[nodiscard]] const Region* region() const { return region_ && !stale_ ? &*region_ : nullptr; }
  // Housekeeping's heart beats at least every 10 ms; a second of silence means dead or stopped.
  [[nodiscard]] bool alive(std::chrono::nanoseconds now) const;
  // When housekeeping's heart beat last (CLOCK_MONOTONIC); none without a region.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> last_beat() const;
  // Why there is no region.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

  static constexpr std::chrono::nanoseconds silence_max = std::chrono::seconds{1};

 private:
  std::string runtime_dir_;
  std::optional<Region> region_;
  std::optional<Error> problem_;
  std::uint32_t starts_seen_ = 0;
  bool stale_ = false;
};

}  // namespace fulcrum
