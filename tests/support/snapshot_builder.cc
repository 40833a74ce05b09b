#include "tests/support/snapshot_builder.h"

#include <algorithm>
#include <utility>

#include "dataplane/base/checksum.h"
#include "dataplane/base/invariant.h"

namespace fulcrum::test {
namespace {

Address address_of(const char* text) {
  const auto address = Address::parse(text);
  FULCRUM_ASSERT(address.has_value());
  return *address;
}

template <std::size_t kRows>
void enter(RowIndex<kRows>& index, std::size_t home, std::uint16_t row) {
  while (index.rows[home] != kNoIndex) home = (home + 1) % RowIndex<kRows>::kSlots;
  index.rows[home] = row;
}

}  // namespace

SnapshotBuilder::SnapshotBuilder(Snapshot& snapshot, std::uint64_t generation) : snapshot_{snapshot} {
  snapshot.generation = generation;
  snapshot.farm_count = snapshot.service_count = snapshot.server_count = 0;
  snapshot.range_count = snapshot.has_wide = 0;
  snapshot.has_limits = 0;
  snapshot.limits.fill(LimitRow{});
  snapshot.service_index.rows.fill(kNoIndex);
  snapshot.range_index.rows.fill(kNoIndex);
  snapshot.wide_index.rows.fill(kNoIndex);
  snapshot.endpoint_index.rows.fill(kNoIndex);
  snapshot.member_index.rows.fill(kNoIndex);
  snapshot.routes.v4_count = snapshot.routes.v6_count = snapshot.routes.hop_count = 0;
}

ServiceId SnapshotBuilder::service(const char* address, std::uint16_t port, Protocol protocol, Mode mode) {
  const ServiceId id = add(address, port, protocol, mode);
  enter(snapshot_.service_index, endpoint_home(row(id).address, Be16{port}, protocol, RowIndex<kServicesMax>::kSlots),
        id.value);
  return id;
}

ServiceId SnapshotBuilder::range(const char* address, std::uint16_t first, std::uint16_t last, Protocol protocol,
                                 Mode mode) {
  const ServiceId id = add(address, first, protocol, mode);
  row(id).last_port = Be16{last};
  const auto place = static_cast<std::uint16_t>(snapshot_.range_count++);
  snapshot_.ranges[place] = {first, last, id.value, 0};
  enter(snapshot_.range_index, endpoint_home(row(id).address, Be16{0}, protocol, RowIndex<kServicesMax>::kSlots),
        place);
  return id;
}

ServiceId SnapshotBuilder::add(const char* address, std::uint16_t port, Protocol protocol, Mode mode) {
  const ServiceId id{static_cast<std::uint16_t>(snapshot_.service_count++)};
  ServiceRow& service = snapshot_.services[id.value];
  service = ServiceRow{};
  service.address = address_of(address);
  service.port = Be16{port};
  service.protocol = protocol;
  service.mode = mode;
  service.in_use = 1;
  service.schedule_offset = id.value * 256U;
  return id;
}

// At the end of its chain.
void SnapshotBuilder::enter_wide(std::uint16_t row) {
  const ServerRow& server = snapshot_.servers[row];
  const Protocol protocol = snapshot_.services[server.service.value].protocol;
  const std::size_t home = endpoint_home(server.address, Be16{0}, protocol, RowIndex<kServersMax>::kSlots);
  std::uint16_t last = probe(snapshot_.wide_index, home, [&](std::uint16_t other) {
    const ServerRow& one = snapshot_.servers[other];
    return one.address == server.address && snapshot_.services[one.service.value].protocol == protocol;
  });
  snapshot_.has_wide = 1;
  if (last == kNoIndex) return enter(snapshot_.wide_index, home, row);
  while (snapshot_.servers[last].next_same_endpoint != kNoIndex) last = snapshot_.servers[last].next_same_endpoint;
  snapshot_.servers[last].next_same_endpoint = row;
}

ServerId SnapshotBuilder::add_row(ServiceId of, const char* address, std::uint16_t port, PortId egress,
                                  std::uint16_t generation) {
  const auto index = static_cast<std::uint16_t>(snapshot_.server_count++);
  const ServiceRow& service = snapshot_.services[of.value];
  ServerRow& server = snapshot_.servers[index];
  server = ServerRow{};
  server.address = address_of(address);
  server.port = Be16{port};
  server.generation = generation;
  server.service = of;
  server.weight = 1;
  server.state = ServerState::up;
  server.egress = egress;
  server.address_delta = checksum_delta(ones_sum(service.address), ones_sum(server.address));
  server.address_port_delta =
      checksum_delta(ones_sum(service.address) + service.port.wire(), ones_sum(server.address) + server.port.wire());
  enter_endpoint(index);
  return {index, generation};
}

void SnapshotBuilder::enter_endpoint(std::uint16_t row) {
  ServerRow& server = snapshot_.servers[row];
  const ServiceRow& service = snapshot_.services[server.service.value];
  if (is_wide(service)) return enter_wide(row);
  const std::uint16_t first = find_endpoint(snapshot_, server.address, server.port, service.protocol);
  if (first == kNoIndex) {
    const std::size_t slots = RowIndex<kServersMax>::kSlots;
    enter(snapshot_.endpoint_index, endpoint_home(server.address, server.port, service.protocol, slots), row);
  } else {
    server.next_same_endpoint = snapshot_.servers[first].next_same_endpoint;
    snapshot_.servers[first].next_same_endpoint = row;
  }
}

ServerId SnapshotBuilder::server(ServiceId of, const char* address, std::uint16_t port, PortId egress,
                                 std::uint16_t generation, MemberId member) {
  const ServerId id = add_row(of, address, port, egress, generation);
  ServiceRow& service = snapshot_.services[of.value];
  ServerRow& server = row(id);
  server.member = member == kNoMember ? MemberId{id.index + 1U} : member;
  enter(snapshot_.member_index, member_home(of, server.member, RowIndex<kServersMax>::kSlots), id.index);
  snapshot_.schedule[service.schedule_offset + service.schedule_length++] = id.index;
  std::uint16_t* link = &service.first_server;
  while (*link != kNoIndex) link = &snapshot_.servers[*link].next_of_service;
  *link = id.index;
  ++service.server_count;
  return id;
}

ServerId SnapshotBuilder::leaving(ServiceId service, const char* address, std::uint16_t port, PortId egress,
                                  std::uint16_t generation) {
  const ServerId id = add_row(service, address, port, egress, generation);
  row(id).state = ServerState::leaving;
  return id;
}

void SnapshotBuilder::farm(FarmId id, const char* name, std::uint32_t persistence_s) {
  snapshot_.farms[id.value].name = Name{name};
  snapshot_.farms[id.value].persistence_s = persistence_s;
  snapshot_.farm_count = std::max(snapshot_.farm_count, id.value + 1U);
}

void SnapshotBuilder::limit(ServerId server, std::uint32_t high, std::uint32_t low) {
  const std::uint16_t above = std::exchange(row(server).limit, server.index);
  snapshot_.limits[server.index] = {.high = high, .low = low, .above = above};
  snapshot_.has_limits = 1;
}

void SnapshotBuilder::limit(FarmId farm, std::uint32_t high) {
  snapshot_.limits[limit_of(farm)] = {.high = high, .low = high};
  snapshot_.has_limits = 1;
  for (std::uint32_t i = 0; i < snapshot_.server_count; ++i) {
    if (snapshot_.services[snapshot_.servers[i].service.value].farm == farm)
      snapshot_.servers[i].limit = limit_of(farm);
  }
}

void SnapshotBuilder::route(const char* first, const NextHop& hop) {
  RouteTable& routes = snapshot_.routes;
  const Address address = address_of(first);
  const auto index = static_cast<std::uint16_t>(routes.hop_count);
  routes.hops[routes.hop_count++] = hop;
  if (address.is_v4()) {
    routes.v4_first[routes.v4_count] = address.v4().host();
    routes.v4_hop[routes.v4_count++] = index;
  } else {
    routes.v6_first[routes.v6_count] = address;
    routes.v6_hop[routes.v6_count++] = index;
  }
}

void SnapshotBuilder::schedule(ServiceId id, const std::vector<std::uint16_t>& rows) {
  ServiceRow& service = snapshot_.services[id.value];
  FULCRUM_ASSERT(rows.size() <= 256);
  service.schedule_length = static_cast<std::uint32_t>(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) snapshot_.schedule[service.schedule_offset + i] = rows[i];
}

}  // namespace fulcrum::test
