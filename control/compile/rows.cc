#include "control/compile/rows.h"

#include <algorithm>
#include <numeric>

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
    into.server_names[i] = Name{};
    const ServerRow* before = previous == nullptr ? nullptr : &previous->servers[i];
    if (before != nullptr) into.servers[i].generation = before->generation;
    if (kept[i]) continue;
    freed_in[i] = before == nullptr ? 0 : before->state != ServerState::unused ? generation : before->freed_in;
    into.servers[i].freed_in = freed_in[i];
  }
  return FreeRows{freed_in};
}

}  // namespace fulcrum
