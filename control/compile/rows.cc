#include "control/compile/rows.h"

#include <algorithm>
#include <numeric>

#include "control/model/model.h"
#include "dataplane/base/checksum.h"

namespace fulcrum {

FreeRows::FreeRows(const std::vector<std::uint64_t>& freed_in) {
  for (std::size_t i = freed_in.size(); i-- > 0;) {
    if (freed_in[i] != kKept) rows_.push_back(static_cast<std::uint16_t>(i));
  }
  std::stable_sort(rows_.begin(), rows_.end(),
                   [&](std::uint16_t a, std::uint16_t b) { return freed_in[a] > freed_in[b]; });
}

std::optional<std::uint16_t> FreeRows::take() {
  if (rows_.empty()) return std::nullopt;
  const std::uint16_t row = rows_.back();
  rows_.pop_back();
  return row;
}

FreeRows free_services(const Snapshot* previous, const std::vector<bool>& kept, std::uint64_t generation,
                       Snapshot& into) {
  std::vector<std::uint64_t> freed_in(kServicesMax, FreeRows::kKept);
  for (std::size_t i = 0; i < kServicesMax; ++i) {
    into.services[i] = ServiceRow{};
    into.service_freed_in[i] = 0;
    if (kept[i]) continue;
    const ServiceRow* before = previous == nullptr ? nullptr : &previous->services[i];
    freed_in[i] = before == nullptr ? 0 : before->in_use != 0 ? generation : previous->service_freed_in[i];
    into.service_freed_in[i] = freed_in[i];
  }
  return FreeRows{freed_in};
}

FreeRows free_servers(const Snapshot* previous, const std::vector<bool>& kept, std::uint64_t generation,
                      Snapshot& into) {
  std::vector<std::uint64_t> freed_in(kServersMax, FreeRows::kKept);
  for (std::size_t i = 0; i < kServersMax; ++i) {
    into.servers[i] = ServerRow{};
    into.server_freed_in[i] = 0;
    into.server_names[i] = Name{};
    const ServerRow* before = previous == nullptr ? nullptr : &previous->servers[i];
    if (before != nullptr) into.servers[i].generation = before->generation;
    if (kept[i]) continue;
    freed_in[i] = before == nullptr                      ? 0
                  : before->state != ServerState::unused ? generation
                                                         : previous->server_freed_in[i];
    into.server_freed_in[i] = freed_in[i];
  }
  return FreeRows{freed_in};
}

void join_ring(Snapshot& into, MemberRows& rows, std::uint16_t index) {
  ServerRow& row = into.servers[index];
  const auto [found, is_first] = rows.try_emplace(row.member.value, index);
  if (is_first) return;
  ServerRow& other = into.servers[found->second];
  row.next_of_member = other.next_of_member == kNoIndex ? found->second : other.next_of_member;
  other.next_of_member = index;
}

void set_deltas(ServerRow& row, const ServiceRow& service) {
  row.address_delta = checksum_delta(ones_sum(service.address), ones_sum(row.address));
  row.address_port_delta =
      checksum_delta(ones_sum(service.address) + service.port.wire(), ones_sum(row.address) + row.port.wire());
}

Tick up_since(const Snapshot* previous, std::uint16_t index, const ServerRow& row, Tick now) {
  if (previous == nullptr || !takes_new(row.state)) return 0;
  const ServerRow& before = previous->servers[index];
  const bool was_up = before.generation == row.generation && takes_new(before.state);
  if (!was_up) return now;
  return elapsed(before.up_since, now) < ticks(model::kSlowStartMax) ? before.up_since : 0;
}

}  // namespace fulcrum
