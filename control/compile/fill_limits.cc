#include "control/compile/fill_limits.h"

#include <algorithm>
#include <unordered_map>

namespace fulcrum {
namespace {

void set_limit(Snapshot& into, std::uint16_t limit, const LimitRow& row) {
  into.limits[limit] = row;
  into.has_limits = 1;
}

std::uint16_t farm_limit(const Snapshot& into, const ServerRow& row) {
  const std::uint16_t limit = limit_of(into.services[row.service.value].farm);
  return limit != kNoIndex && into.limits[limit].high != 0 ? limit : kNoIndex;
}

}  // namespace

void fill_limits(const model::Model& model, std::span<const PlannedService> services,
                 std::span<const PlannedServer> servers, std::span<const LeavingServer> leaving, Snapshot& into) {
  into.limits.fill(LimitRow{});
  into.has_limits = 0;
  for (const PlannedService& service : services) {
    const std::uint32_t most = model.farms[service.farm_index].connections_max;
    if (most != 0) set_limit(into, limit_of(into.services[*service.row].farm), {.high = most, .low = most});
  }
  std::unordered_map<std::uint32_t, std::uint16_t> lowest;  // row of each member with a limit
  for (const PlannedServer& server : servers) {
    if (server.server->connections_max == 0) continue;
    std::uint16_t& row = lowest.try_emplace(server.member.value, *server.row).first->second;
    row = std::min(row, *server.row);
  }
  const auto give = [&](ServerRow& row) {
    const auto own = lowest.find(row.member.value);
    row.limit = own != lowest.end() ? own->second : farm_limit(into, row);
  };
  for (const PlannedServer& server : servers) {
    ServerRow& row = into.servers[*server.row];
    give(row);
    if (row.limit != *server.row) continue;
    set_limit(into, row.limit, {server.server->connections_max, server.server->low_mark(), farm_limit(into, row), 0});
  }
  for (const LeavingServer& server : leaving) give(into.servers[server.row]);
}

}  // namespace fulcrum
