#include "control/compile/ranges.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "control/compile/enter.h"
#include "control/compile/keys.h"

namespace fulcrum {
namespace {

// By address and protocol alone.
ServiceKey any_port_of(const Address& address, Protocol protocol) { return {address, Be16{0}, protocol}; }

std::uint16_t last_of(const ServiceRow& row) { return (is_range(row) ? row.last_port : row.port).host(); }

}  // namespace

void keep_overlapping(const Snapshot* previous, std::span<PlannedService> services, std::vector<bool>& kept) {
  const auto has_none = [](const PlannedService& service) { return !service.row; };
  if (previous == nullptr || std::none_of(services.begin(), services.end(), has_none)) return;
  std::unordered_map<ServiceKey, std::vector<std::uint16_t>, KeyHash> before;  // by first port
  for (std::uint16_t i = 0; i < kServicesMax; ++i) {
    const ServiceRow& row = previous->services[i];
    if (row.in_use != 0 && !kept[i]) before[any_port_of(row.address, row.protocol)].push_back(i);
  }
  for (auto& [key, rows] : before) {
    std::sort(rows.begin(), rows.end(), [&](std::uint16_t a, std::uint16_t b) {
      return previous->services[a].port.host() < previous->services[b].port.host();
    });
  }
  for (PlannedService& service : services) {
    const auto rows = before.find(any_port_of(service.key.address, service.key.protocol));
    if (service.row || rows == before.end()) continue;
    for (const std::uint16_t i : rows->second) {
      const ServiceRow& row = previous->services[i];
      const bool shares = row.port.host() <= service.port->last() && service.port->port <= last_of(row);
      if (!shares || kept[i]) continue;
      service.row = i;
      kept[i] = true;
      break;
    }
  }
}

void fill_ranges(std::vector<std::uint16_t> ranges, Snapshot& into) {
  into.range_index.rows.fill(kNoIndex);
  into.range_count = static_cast<std::uint32_t>(ranges.size());
  const auto place = [&](std::uint16_t row) {
    const ServiceRow& service = into.services[row];
    return std::tuple{service.address, service.protocol, service.port.host()};
  };
  std::sort(ranges.begin(), ranges.end(), [&](std::uint16_t a, std::uint16_t b) { return place(a) < place(b); });
  std::uint16_t group = 0;
  for (std::uint16_t i = 0; i < ranges.size(); ++i) {
    const ServiceRow& service = into.services[ranges[i]];
    into.ranges[i] = {service.port.host(), service.last_port.host(), ranges[i], 0};
    const ServiceRow& first = into.services[ranges[group]];
    const bool goes_on = i != 0 && first.address == service.address && first.protocol == service.protocol;
    if (goes_on) {
      ++into.ranges[group].more;
    } else {
      group = i;
      enter(into.range_index, endpoint_home(service.address, Be16{0}, service.protocol, into.range_index.kSlots), i);
    }
  }
}

void fill_wide(std::vector<std::uint16_t> rows, Snapshot& into) {
  const auto rank = [&](std::uint16_t row) {
    const ServerRow& server = into.servers[row];
    return std::pair{into.services[server.service.value].one_packet, server.state == ServerState::leaving};
  };
  std::stable_sort(rows.begin(), rows.end(), [&](std::uint16_t a, std::uint16_t b) { return rank(a) < rank(b); });
  into.wide_index.rows.fill(kNoIndex);
  into.has_wide = rows.empty() ? 0 : 1;
  std::unordered_map<ServiceKey, std::uint16_t, KeyHash> newest;
  for (const std::uint16_t row : rows) {
    const ServerRow& server = into.servers[row];
    const Protocol protocol = into.services[server.service.value].protocol;
    const auto [last, is_new] = newest.try_emplace(any_port_of(server.address, protocol), row);
    if (is_new) {
      enter(into.wide_index, endpoint_home(server.address, Be16{0}, protocol, into.wide_index.kSlots), row);
    } else {
      into.servers[std::exchange(last->second, row)].next_same_endpoint = row;
    }
  }
}

}  // namespace fulcrum
