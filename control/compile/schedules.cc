#include "control/compile/schedules.h"

#include <algorithm>

#include "control/compile/weighted.h"
#include "control/model/slots_needed.h"

namespace fulcrum {
namespace {

bool takes_turns_by_weight(SchedulerKind kind, std::size_t servers) {
  if (!is_weighted(kind)) return false;
  return is_by_turn(kind) || draws_always(kind) || servers > kScannedMax;
}

// The sets are the administrator's: nobody looks for two with the same hash.
std::uint64_t hash_of(std::span<const MaglevServer> servers) {
  std::uint64_t hash = servers.size();
  for (const MaglevServer& server : servers) {
    for (const std::uint64_t word : {server.identity, std::uint64_t{server.weight}}) {
      hash = (hash ^ word) * 0xD6E8FEB86659FD93U;
      hash ^= hash >> 32U;
    }
  }
  return hash;
}

std::size_t slots_for(std::span<const MaglevServer> servers) {
  SlotsNeeded slots;
  for (const MaglevServer& server : servers) slots.add(server.weight);
  return slots.count();
}

}  // namespace

std::vector<std::uint16_t> turns(SchedulerKind kind, std::span<const std::uint16_t> weights) {
  if (takes_turns_by_weight(kind, weights.size())) return weighted_sequence(weights);
  return weighted_sequence(std::vector<std::uint16_t>(weights.size(), 1));
}

std::uint64_t identity_of(const Address& address) noexcept {
  return address.words()[0] * 0x9E3779B97F4A7C15U ^ address.words()[1];
}

Schedules::Schedules(const Snapshot* previous, Snapshot& into) : previous_{previous}, into_{into} {
  into_.slot_table_count = into_.by_load = into_.by_bandwidth = 0;
  if (previous == nullptr) return;
  const std::uint32_t count = std::min<std::uint32_t>(previous->slot_table_count, kSlotTablesMax);
  for (std::uint32_t i = 0; i < count; ++i) {
    before_.emplace(previous->slot_tables[i].made_from, static_cast<std::uint16_t>(i));
  }
}

bool Schedules::add(ServiceRow& service, std::span<const ScheduledServer> servers) {
  if (is_by_load(service.scheduler)) into_.by_load = 1;
  if (service.scheduler == SchedulerKind::least_bandwidth) into_.by_bandwidth = 1;
  return is_by_client(service.scheduler) ? add_slots(service, servers) : add_turns(service, servers);
}

std::uint32_t Schedules::take(std::size_t entries) {
  const std::uint32_t offset = used_;
  used_ += static_cast<std::uint32_t>(entries);
  return offset;
}

bool Schedules::add_turns(ServiceRow& service, std::span<const ScheduledServer> servers) {
  std::vector<std::uint16_t> rows;
  std::vector<std::uint16_t> weights;
  for (const ScheduledServer& server : servers) {
    if (!server.is_usable) continue;
    rows.push_back(server.row);
    weights.push_back(server.weight);
  }
  const std::vector<std::uint16_t> order = turns(service.scheduler, weights);
  if (!has_room(order.size())) return false;
  service.schedule_length = static_cast<std::uint32_t>(order.size());
  service.schedule_offset = take(order.size());
  std::transform(order.begin(), order.end(), into_.schedule.begin() + service.schedule_offset,
                 [&](std::uint16_t turn) { return rows[turn]; });
  return true;
}

bool Schedules::add_slots(ServiceRow& service, std::span<const ScheduledServer> servers) {
  std::vector<MaglevServer> named;
  for (const ScheduledServer& server : servers) named.push_back({server.identity, server.weight});
  const auto table = table_for(named);
  std::vector<std::uint16_t> rows;
  for (const ScheduledServer& server : servers) rows.push_back(server.row);
  for (const ScheduledServer& server : servers) {
    if (server.is_usable) rows.push_back(server.row);
  }
  if (!table || !has_room(rows.size())) return false;
  service.slots = *table;
  service.schedule_length = static_cast<std::uint32_t>(servers.size());
  service.usable_length = static_cast<std::uint16_t>(rows.size() - servers.size());
  service.schedule_offset = take(rows.size());
  std::copy(rows.begin(), rows.end(), into_.schedule.begin() + service.schedule_offset);
  return true;
}

// Nothing when there is no room, kNoIndex when no server has a weight.
std::optional<std::uint16_t> Schedules::table_for(std::span<const MaglevServer> servers) {
  if (std::none_of(servers.begin(), servers.end(), [](const MaglevServer& server) { return server.weight != 0; })) {
    return kNoIndex;
  }
  const std::uint64_t made_from = hash_of(servers);
  if (const auto found = made_.find(made_from); found != made_.end()) return found->second;
  const std::size_t size = slots_for(servers);
  if (!has_room(size) || into_.slot_table_count == kSlotTablesMax) return std::nullopt;
  const auto index = static_cast<std::uint16_t>(into_.slot_table_count++);
  SlotTable& table = into_.slot_tables[index];
  table = {.made_from = made_from, .offset = take(size), .length = static_cast<std::uint32_t>(size)};
  make_table(servers, table);
  made_.emplace(made_from, index);
  return index;
}

void Schedules::make_table(std::span<const MaglevServer> servers, const SlotTable& table) {
  const auto to = into_.schedule.begin() + table.offset;
  if (const auto found = before_.find(table.made_from); found != before_.end()) {
    const SlotTable& old = previous_->slot_tables[found->second];
    if (old.length == table.length && old.offset <= kScheduleMax - old.length) {
      std::copy_n(previous_->schedule.begin() + old.offset, old.length, to);
      return;
    }
  }
  const std::vector<std::uint16_t> slots = maglev_table(servers, table.length);
  std::copy(slots.begin(), slots.end(), to);
}

}  // namespace fulcrum
