#include "dataplane/schedule/slots.h"

#include "dataplane/base/wide.h"

namespace fulcrum {
namespace {

// Slots that are looked at before it is left to those that are usable: when half of the servers are down, one client
// in 65,536 comes to that.
constexpr int kProbes = 16;
constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15U;

// Vigna's splitmix64 finalizer.
constexpr std::uint64_t mixed(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

// One of those that were usable when the snapshot was compiled, by the client's hash.
std::uint16_t any_usable(const Snapshot& snapshot, const ServiceRow& service, std::uint64_t hash,
                         const ServerRows& servers) noexcept {
  if (service.usable_length == 0) return kNoIndex;
  const std::uint16_t* rows = snapshot.schedule.data() + service.schedule_offset + service.schedule_length;
  std::uint64_t place = reduce(hash, service.usable_length);
  for (std::uint32_t step = 0; step < steps_of(service.usable_length); ++step) {
    if (is_usable(snapshot, rows[place], servers)) return rows[place];
    place = place + 1 == service.usable_length ? 0 : place + 1;
  }
  return kNoIndex;
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
  for (int i = 0; i < kProbes; ++i, hash = mixed(hash + kStep)) {
    const std::uint16_t position = snapshot.schedule[slots.offset + reduce(hash, slots.length)];
    if (is_usable(snapshot, rows[position], servers)) return rows[position];
  }
  return any_usable(snapshot, row, hash, servers);
}

}  // namespace fulcrum
