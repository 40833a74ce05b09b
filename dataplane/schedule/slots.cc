#include "dataplane/schedule/slots.h"

#include "dataplane/base/wide.h"

namespace fulcrum {
namespace {

// Slots that are looked at before it is left to a walk along the servers: when half of them are down, one client in
// 65,536 comes to that.
constexpr int kProbes = 16;
constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15U;

// Vigna's splitmix64 finalizer.
constexpr std::uint64_t mixed(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

}  // namespace

std::uint16_t server_of_client(const Snapshot& snapshot, ServiceId service, const Client& client,
                               const ServerRows& servers) noexcept {
  const ServiceRow& row = snapshot.services[service.value];
  if (row.slots == kNoIndex) return kNoIndex;
  const SlotTable& slots = snapshot.slot_tables[row.slots];
  const std::uint16_t* rows = snapshot.schedule.data() + row.schedule_offset;
  std::uint64_t hash = mixed(mixed(client.address.words()[0] + kStep) ^ client.address.words()[1]);
  if (row.scheduler == SchedulerKind::maglev) hash = mixed(hash + client.port.host());
  std::uint16_t position = 0;
  for (int i = 0; i < kProbes; ++i, hash = mixed(hash + kStep)) {
    position = snapshot.schedule[slots.offset + reduce(hash, slots.length)];
    if (is_usable(snapshot, rows[position], servers)) return rows[position];
  }
  for (std::uint32_t step = 0; step < steps_of(snapshot, row); ++step) {
    position = position + 1U == row.schedule_length ? std::uint16_t{0} : static_cast<std::uint16_t>(position + 1U);
    const bool has_slots = snapshot.servers[rows[position]].weight != 0;
    if (has_slots && is_usable(snapshot, rows[position], servers)) return rows[position];
  }
  return kNoIndex;
}

}  // namespace fulcrum
