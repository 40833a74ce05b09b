// The compiled configuration: what control made of one generation of farms, addresses and routes, in the form in which
// a worker reads it. Control fills a free slot, then announces it on the command rings; from then on nobody writes to
// it until every live worker has acknowledged a newer one. A worker may therefore read it without any synchronisation
// beyond the acquire of the ring.
//
// Rows are named by ids that stay the same from generation to generation (control recovers them from the newest
// snapshot after its own restart), because connections outlive generations.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>

#include "dataplane/base/address.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/fixed_text.h"
#include "dataplane/base/ids.h"
#include "dataplane/base/wide.h"
#include "dataplane/contract/capacities.h"

namespace fulcrum {

enum class Protocol : std::uint8_t { icmp = 1, tcp = 6, udp = 17, icmpv6 = 58 };
enum class Mode : std::uint8_t { nat = 0, dsr = 1 };
// Who gets the next connection (dataplane/schedule). Stored by value: append, never reorder.
enum class SchedulerKind : std::uint8_t {
  round_robin = 0,
  weighted_round_robin = 1,
  least_connections = 2,
  weighted_least_connections = 3,
  two_choices = 4,
  source_hash = 5,
  maglev = 6,
  fastest_response = 7,
  least_bandwidth = 8,
};
inline constexpr std::size_t kSchedulers = 9;

constexpr bool is_weighted(SchedulerKind kind) noexcept {
  return kind != SchedulerKind::round_robin && kind != SchedulerKind::least_connections;
}
// Chooses by who the client is.
constexpr bool is_by_client(SchedulerKind kind) noexcept {
  return kind == SchedulerKind::source_hash || kind == SchedulerKind::maglev;
}
// Whose turn it is, whatever the load and the client.
constexpr bool is_by_turn(SchedulerKind kind) noexcept {
  return kind == SchedulerKind::round_robin || kind == SchedulerKind::weighted_round_robin;
}
// Chooses by how busy the servers are.
constexpr bool is_by_load(SchedulerKind kind) noexcept { return !is_by_turn(kind) && !is_by_client(kind); }
// Draws two servers, however many there are.
constexpr bool draws_always(SchedulerKind kind) noexcept {
  return kind == SchedulerKind::two_choices || kind == SchedulerKind::least_bandwidth;
}
// Up to so many usable servers a scheduler that chooses by load looks at all of them, beyond at two, so that a choice
// does not cost more the more servers there are.
inline constexpr std::size_t kScannedMax = 16;

inline constexpr std::uint16_t kNoIndex = UINT16_MAX;  // "none" in 16-bit index fields
inline constexpr std::uint32_t kNoNeighbour = UINT32_MAX;

using Name = FixedText<kNameMax + 1>;

// What becomes of the connections of a server that left its farm, or is in maintenance.
enum class Flows : std::uint8_t {
  go_on = 0,
  go_on_for_a_time = 1,  // control ends it
  reset = 2,             // what either end sends next is answered with a TCP reset
};

struct FarmRow {
  Name name;                        // empty: the row is not in use
  std::uint32_t persistence_s = 0;  // as in its services
  std::uint32_t slow_start_s = 0;   // how long a server that has come up takes to its full weight
  // Control: what becomes of the connections of what leaves, also when the whole farm does.
  std::uint32_t drain_time_s = 0;  // of `go_on_for_a_time`
  Flows removed_flows = Flows::go_on;
};

// What a client gets whose connection nobody can take.
enum class NoServer : std::uint8_t {
  drop = 0,
  reset = 1,        // a TCP reset; for UDP as unreachable
  unreachable = 2,  // ICMP or ICMPv6 port unreachable
};

// ServiceRow::in_use.
inline constexpr std::uint8_t kServes = 1;
inline constexpr std::uint8_t kLeaves = 2;  // no farm has it any more; it is there for the connections that it has

// One (address, protocol, port) of a farm, or a range of ports: what a client connects to.
struct alignas(64) ServiceRow {
  Address address;
  Be16 port{0};
  Protocol protocol{};
  Mode mode = Mode::nat;
  SchedulerKind scheduler = SchedulerKind::round_robin;
  std::uint8_t in_use = 0;  // kServes or kLeaves; 0: the row is free
  FarmId farm{kNoIndex};
  std::uint16_t server_count = 0;  // rows chained from first_server, usable or not
  std::uint16_t first_server = kNoIndex;
  // Into Snapshot::schedule: indices of usable servers in scheduling order, each as often as the scheduler takes turns
  // by weight; those of a scheduler that looks at all of them once each. By client: all servers, usable or not, and
  // behind them those that are usable.
  std::uint32_t schedule_offset = 0;
  std::uint32_t schedule_length = 0;  // 0: no server can take a connection
  // Idle timeouts in seconds, by connection state.
  std::uint32_t established_s = 900;
  std::uint16_t embryonic_s = 60;
  std::uint16_t closing_s = 120;
  std::uint16_t udp_s = 300;
  std::uint16_t time_wait_s = 10;
  Be16 last_port{0};            // of a range that begins with `port`; 0: it is no range
  std::uint8_t one_packet = 0;  // 1: UDP, and each packet is scheduled by itself; there are no connections
  std::uint8_t unused = 0;
  std::uint16_t usable_length = 0;  // by client: servers that stand behind the schedule
  std::array<std::uint8_t, 2> unused_room{};
  std::uint32_t persistence_s = 0;  // how long a client stays with its server after its last connection; 0: it does not
  std::uint8_t persistence_length = 0;  // of the clients' networks that are taken for one client
  NoServer no_server = NoServer::drop;
  std::uint16_t slots = kNoIndex;  // into Snapshot::slot_tables: of a scheduler that goes by the client
};
static_assert(sizeof(ServiceRow) == 64);

[[nodiscard]] constexpr bool is_range(const ServiceRow& service) noexcept { return service.last_port.wire() != 0; }

// What a server takes part in. Existing connections are forwarded in all of these, unless its `flows` say otherwise.
enum class ServerState : std::uint8_t {
  unused = 0,       // the row is not in use
  up = 1,           // takes new connections
  down = 2,         // the health check failed: nothing new
  untested = 3,     // no check has answered yet: as down
  draining = 4,     // by the administrator, or weight 0: new connections of clients that are bound to it, no others
  reserve = 5,      // a standby that is not needed: as draining
  maintenance = 6,  // by the administrator: nothing new, clients that are bound to it move
  leaving = 7,      // is no longer in the farm; the row is there for the connections that it has
  idle = 8,         // a last resort that is not needed: nothing new, clients that are bound to it move
};
[[nodiscard]] constexpr bool takes_new(ServerState state) noexcept { return state == ServerState::up; }
// New connections of a client that is bound to the server.
[[nodiscard]] constexpr bool takes_bound(ServerState state) noexcept {
  return state == ServerState::up || state == ServerState::draining || state == ServerState::reserve;
}

// A server as seen by one service. An endpoint (address, port, protocol) that serves several services has a row in
// each.
struct alignas(64) ServerRow {
  Address address;
  Be16 port{0};                  // of a range the first; the others follow it as they do at the service
  std::uint16_t generation = 0;  // see ServerId
  ServiceId service{kNoIndex};
  std::uint16_t next_of_service = kNoIndex;
  std::uint16_t next_same_endpoint = kNoIndex;  // or, of a wide row, the next wide one of the address and protocol
  std::uint16_t weight = 0;
  ServerState state = ServerState::unused;
  PortId egress{};  // data port towards the server
  // Changes to the one's-complement sums when a packet to the service is readdressed to this server (RFC 1624): of
  // addresses alone (IPv4 header), and of addresses and port (TCP and UDP). The way back uses their inverse.
  std::uint16_t address_delta = 0;
  std::uint16_t address_port_delta = 0;
  std::uint16_t limit = kNoIndex;          // into Snapshot::limits: what its connections count against
  std::uint32_t neighbour = kNoNeighbour;  // the next hop towards the server
  MemberId member{};                       // which server of the farm it is
  std::uint8_t is_healthy = 0;             // 1: the check of its own port says so, or there is none
  Flows flows = Flows::go_on;
  ServiceId failed_service{kNoIndex};  // control: the one whose check keeps the server from this one too, if any
  Tick up_since = 0;                   // takes new connections; 0: for longer than any slow start
  std::uint32_t left_at = 0;           // control: when it left or maintenance began, in seconds since 1970; 0: neither
  std::uint16_t next_of_member = kNoIndex;  // another row of this server; a ring. kNoIndex: it has no other
  std::uint8_t reserve_rank = 0;            // of the reserve: comes in before those with a higher one; 0: not at all
  std::array<std::uint8_t, 5> unused_room{};
};
static_assert(sizeof(ServerRow) == 64);

// Whether the row is still that server's, and its connections go on as they are.
[[nodiscard]] constexpr bool keeps_its_connections(const ServerRow& row, ServerId server) noexcept {
  return row.generation == server.generation && row.state != ServerState::unused && row.flows == Flows::go_on;
}

// How many connections a server may have over all of its rows, or a farm over all of its servers (schedule/limits.h).
struct LimitRow {
  std::uint32_t high = 0;          // with so many it takes no further one; 0: no limit
  std::uint32_t low = 0;           // then it takes one again with fewer than so many; at least 1, at most `high`
  std::uint16_t above = kNoIndex;  // the farm's limit, for which a server's connections count as well
  std::uint16_t unused = 0;
};

// The place of a farm's limit; that of a server's is the index of one of its rows.
[[nodiscard]] constexpr std::uint16_t limit_of(FarmId farm) noexcept {
  return farm.value < kFarmsMax ? static_cast<std::uint16_t>(kServersMax + farm.value) : kNoIndex;
}

enum class RouteKind : std::uint8_t {
  none = 0,     // no route
  on_link = 1,  // the destination itself is the next hop, on `port`
  gateway = 2,  // the next hop is `neighbour`, on `port`
  local = 3,    // an address of the box
  service = 4,  // a farm's address: no address of a service in the snapshot is on_link or behind a gateway
};

struct NextHop {
  RouteKind kind = RouteKind::none;
  PortId port{};
  std::uint16_t unused = 0;
  std::uint32_t neighbour = kNoNeighbour;
};
static_assert(sizeof(NextHop) == 8);

// Which server each hash of a client leads to (schedule/slots.h).
struct SlotTable {
  std::uint64_t made_from = 0;  // control: a hash of the servers and weights it was made from
  std::uint32_t offset = 0;     // into Snapshot::schedule: positions of servers in the service's own schedule
  std::uint32_t length = 0;
};

// The routing table, flattened by control into disjoint ranges sorted by their first address; a range ends where the
// next begins. The first range of each family begins at the family's lowest address, so every lookup finds one.
struct RouteTable {
  std::array<std::uint32_t, kRoutesMax> v4_first;  // host order
  std::array<std::uint16_t, kRoutesMax> v4_hop;    // index into hops
  std::array<Address, kRoutesMax> v6_first;
  std::array<std::uint16_t, kRoutesMax> v6_hop;
  std::array<NextHop, kNextHopsMax> hops;
  std::uint32_t v4_count = 0;
  std::uint32_t v6_count = 0;
  std::uint32_t hop_count = 0;
  std::uint32_t unused = 0;
};

// Open addressing with linear probing; the load is at most one half. A slot holds an index into the rows or kNoIndex.
template <std::size_t kRows>
struct RowIndex {
  static constexpr std::size_t kSlots = kRows * 2;
  std::array<std::uint16_t, kSlots> rows;
};

// A service with a range of ports. Those of one address and protocol lie side by side, by their first ports; they do
// not overlap.
struct PortRange {
  std::uint16_t first = 0, last = 0;  // host order
  std::uint16_t service = kNoIndex;
  std::uint16_t more = 0;  // of the first: so many follow that are of its address and protocol
};

struct Snapshot {
  std::uint64_t generation = 0;  // 0: never filled
  std::uint64_t model_hash = 0;  // of the configuration text it was compiled from
  // Rows in use are below these counts; there may be free ones among them.
  std::uint32_t farm_count = 0;
  std::uint32_t service_count = 0;
  std::uint32_t server_count = 0;
  std::uint32_t by_load = 0;       // 1: some service chooses by load
  std::uint32_t by_bandwidth = 0;  // 1: and some by bandwidth
  std::uint32_t slot_table_count = 0;
  std::uint32_t range_count = 0;
  std::uint32_t has_wide = 0;    // 1: wide_index is not empty
  std::uint32_t has_limits = 0;  // 1: some server or farm has one
  MemberId newest_member{};      // the last that was given
  std::array<FarmRow, kFarmsMax> farms;
  std::array<ServiceRow, kServicesMax> services;
  std::array<ServerRow, kServersMax> servers;
  std::array<Name, kServersMax> server_names;  // cold: for people, not for packets
  RowIndex<kServicesMax> service_index;        // by (address, port, protocol) of the service
  RowIndex<kServicesMax> range_index;          // of those with ranges, by (address, protocol): first of its ranges
  RowIndex<kServersMax> endpoint_index;        // by (address, port, protocol) of the server; first of its chain
  RowIndex<kServersMax> wide_index;            // by (address, protocol) of the server; first of its chain of wide rows
  RowIndex<kServersMax> member_index;          // by (service, member) of the server
  RouteTable routes;
  std::array<LimitRow, kLimitsMax> limits;
  std::array<SlotTable, kSlotTablesMax> slot_tables;
  std::array<PortRange, kServicesMax> ranges;
  // Control: since which generation the row is free; 0: in use, or never used.
  std::array<std::uint64_t, kServicesMax> service_freed_in;
  std::array<std::uint64_t, kServersMax> server_freed_in;
  std::array<std::uint16_t, kScheduleMax> schedule;  // indices into servers, and slot tables
};
static_assert(std::is_trivially_copyable_v<Snapshot>);

// Where a key's probing starts in a RowIndex. Unkeyed: the rows are the administrator's, not an attacker's.
constexpr std::size_t endpoint_home(const Address& address, Be16 port, Protocol protocol, std::size_t slots) noexcept {
  std::uint64_t hash = (address.words()[0] ^ (address.words()[1] * 0x9E3779B97F4A7C15U)) * 0xD6E8FEB86659FD93U;
  hash ^= (static_cast<std::uint64_t>(port.wire()) << 8U | static_cast<std::uint64_t>(protocol)) * 0xA0761D6478BD642FU;
  hash ^= hash >> 32U;
  hash *= 0xE7037ED1A0B428DBU;
  return reduce(hash, slots);
}

constexpr std::size_t member_home(ServiceId service, MemberId member, std::size_t slots) noexcept {
  const std::uint64_t both = static_cast<std::uint64_t>(service.value) << 32U | member.value;
  const std::uint64_t hash = (both ^ both >> 29U) * 0xD6E8FEB86659FD93U;
  return reduce((hash ^ hash >> 32U) * 0xE7037ED1A0B428DBU, slots);
}

// The first row from the key's home slot on that `matches`; an empty slot ends the search.
template <std::size_t kRows, class Matches>
std::uint16_t probe(const RowIndex<kRows>& index, std::size_t home, Matches matches) noexcept {
  for (std::size_t step = 0; step < RowIndex<kRows>::kSlots; ++step) {
    const std::uint16_t row = index.rows[(home + step) % RowIndex<kRows>::kSlots];
    if (row == kNoIndex || matches(row)) return row;
  }
  return kNoIndex;
}

// Finds the service of (address, port, protocol) that is no range; kNoIndex when there is none. Any thread, on a
// published snapshot.
inline std::uint16_t find_service(const Snapshot& snapshot, const Address& address, Be16 port,
                                  Protocol protocol) noexcept {
  const auto& index = snapshot.service_index;
  return probe(index, endpoint_home(address, port, protocol, index.kSlots), [&](std::uint16_t row) {
    const ServiceRow& service = snapshot.services[row];
    return service.address == address && service.port == port && service.protocol == protocol;
  });
}

// Finds the service among whose range `port` is: what is left where find_service() found none. Takes time with the
// logarithm of the address's ranges.
std::uint16_t find_range(const Snapshot& snapshot, const Address& address, Be16 port, Protocol protocol) noexcept;

// The service to which a packet to `port` belongs that is no connection of `service`, because that leaves and its port
// is part of a range by now; kNoIndex when there is none.
inline std::uint16_t find_heir(const Snapshot& snapshot, std::uint16_t service, Be16 port) noexcept {
  const ServiceRow& row = snapshot.services[service];
  if (row.in_use != kLeaves) return kNoIndex;
  const std::uint16_t heir = find_range(snapshot, row.address, port, row.protocol);
  return heir != kNoIndex && snapshot.services[heir].in_use == kServes ? heir : kNoIndex;
}

// A service whose servers' replies are not found by their endpoint: they may come from any port of a range, or are this
// service's only if they are no other's.
[[nodiscard]] constexpr bool is_wide(const ServiceRow& service) noexcept {
  return is_range(service) || service.one_packet != 0;
}

// How far `port`, of a server, lies behind the first of its range, and with it the client's port behind the service's.
[[nodiscard]] constexpr std::uint16_t port_offset(const ServerRow& server, Be16 port) noexcept {
  return static_cast<std::uint16_t>(port.host() - server.port.host());
}
[[nodiscard]] constexpr Be16 port_behind(Be16 first, std::uint16_t offset) noexcept {
  return Be16{static_cast<std::uint16_t>(first.host() + offset)};
}

// Replies from `port` of a server: the first wide row that may have sent them, from `row` of a chain on; kNoIndex when
// none may.
[[nodiscard]] std::uint16_t first_serving(const Snapshot& snapshot, std::uint16_t row, Be16 port) noexcept;
// The same from the beginning of the chain of (address, protocol).
[[nodiscard]] std::uint16_t find_wide(const Snapshot& snapshot, const Address& address, Be16 port,
                                      Protocol protocol) noexcept;

// Finds the first server row with that endpoint; follow next_same_endpoint for the others. Wide rows are not among
// them.
inline std::uint16_t find_endpoint(const Snapshot& snapshot, const Address& address, Be16 port,
                                   Protocol protocol) noexcept {
  const auto& index = snapshot.endpoint_index;
  return probe(index, endpoint_home(address, port, protocol, index.kSlots), [&](std::uint16_t row) {
    const ServerRow& server = snapshot.servers[row];
    return server.address == address && server.port == port &&
           snapshot.services[server.service.value].protocol == protocol;
  });
}

// Finds the row of the farm's server `member` in the service; kNoIndex when it does not serve it.
std::uint16_t find_member(const Snapshot& snapshot, ServiceId service, MemberId member) noexcept;

// IPv4 addresses, in host order, that one route leads to.
struct RouteSpan {
  std::uint32_t first = 1, last = 0;  // none
  NextHop hop;
  [[nodiscard]] constexpr bool has(std::uint32_t address) const noexcept { return address >= first && address <= last; }
};
RouteSpan find_route_span(const Snapshot& snapshot, std::uint32_t address) noexcept;
// The most specific route to `destination`.
NextHop find_route(const Snapshot& snapshot, const Address& destination) noexcept;

}  // namespace fulcrum
