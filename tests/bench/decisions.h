// What a scheduler's choice costs: the choice itself and the count of the connection that it opens, for clients that
// come from everywhere, in a box of two workers of which one does the choosing. No packet is involved.
//
// Beside a farm in which all is well stand the two in which a scheduler finds nobody by itself. In `full` every server
// has as many connections as it may, and for each decision one ends somewhere, so exactly one server has room; the end
// is in the figure, too. In `down` no server takes connections, as control compiles it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "dataplane/contract/region.h"
#include "dataplane/schedule/sequence.h"
#include "tests/bench/measure.h"

namespace fulcrum::bench {

class Decisions {
 public:
  enum class Farm : std::uint8_t { well, full, down };
  // Servers of weights 10 and 20 in turn.
  Decisions(SchedulerKind kind, std::uint16_t servers, Farm farm);
  // One sample. `packets` are the choices that led to a server, or in a farm that is down to none; `lost` the others.
  Sample measure(std::chrono::milliseconds span);

 private:
  [[nodiscard]] ServerId id(std::uint16_t row) const { return {row, snapshot_.servers[row].generation}; }
  void fill() noexcept;
  void end_one() noexcept;

  Region region_;
  Snapshot& snapshot_;
  ServiceId service_;
  std::unique_ptr<ScheduleCursors> cursors_;
  Farm farm_;
  std::uint32_t client_ = 0;
};

// By the name that the configuration has for it; false: none is called so.
bool find_scheduler(const std::string& name, SchedulerKind& kind);
// By "well", "full" or "down"; false: none is called so.
bool find_farm(const std::string& name, Decisions::Farm& farm);

}  // namespace fulcrum::bench
