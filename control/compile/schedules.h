// The schedules of one snapshot (contract/snapshot.h, `schedule`): for each service the order in which its scheduler
// takes turns, or the servers that it looks at, and for the schedulers that go by the client the slot tables.
//
// There is one slot table for each different set of servers and weights, however many services have it. One that the
// snapshot before has already is copied from there: making it takes a millisecond, and every change of health makes a
// snapshot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "control/compile/maglev.h"
#include "dataplane/base/address.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

// Positions in `weights` of the usable servers, as often as each has a turn. By weight where the scheduler takes turns
// so, or draws servers as often as their weight says; else each once.
std::vector<std::uint16_t> turns(SchedulerKind kind, std::span<const std::uint16_t> weights);

// What stays the same of a server on every box and in every generation.
std::uint64_t identity_of(const Address& address) noexcept;

struct ScheduledServer {
  std::uint16_t row = 0;
  std::uint16_t weight = 0;
  bool is_usable = true;
  std::uint64_t identity = 0;
};

class Schedules {
 public:
  Schedules(const Snapshot* previous, Snapshot& into);
  // The schedule of a service, whose scheduler is set, with all its servers in the order of the model. False: no room.
  [[nodiscard]] bool add(ServiceRow& service, std::span<const ScheduledServer> servers);

 private:
  [[nodiscard]] bool add_turns(ServiceRow& service, std::span<const ScheduledServer> servers);
  [[nodiscard]] bool add_slots(ServiceRow& service, std::span<const ScheduledServer> servers);
  std::optional<std::uint16_t> table_for(std::span<const MaglevServer> servers);
  void make_table(std::span<const MaglevServer> servers, const SlotTable& table);
  [[nodiscard]] bool has_room(std::size_t entries) const { return used_ + entries <= kScheduleMax; }
  std::uint32_t take(std::size_t entries);

  const Snapshot* previous_;
  Snapshot& into_;
  std::uint32_t used_ = 0;
  std::unordered_map<std::uint64_t, std::uint16_t> made_;    // slot tables, by what they were made from
  std::unordered_map<std::uint64_t, std::uint16_t> before_;  // the same of the snapshot before
};

}  // namespace fulcrum
