#include "tests/worker/random_box.h"

#include <algorithm>

#include "dataplane/contract/filter.h"
#include "tests/support/packet_builder.h"

namespace fulcrum::test {

struct RandomBox::Endpoint {
  const char* address;
  std::uint16_t port = 0;
  Protocol protocol{};
  std::uint16_t last = 0;  // of a range
};

namespace {

const std::vector<const char*> kVips4{"198.51.100.10", "198.51.100.11"};
const std::vector<const char*> kVips6{"2001:db8:1::10", "2001:db8:1::11"};
const std::vector<const char*> kServers4{"10.1.1.11", "10.1.1.12", "10.1.1.13", "10.1.1.14"};
const std::vector<const char*> kServers6{"fd00:1::11", "fd00:1::12", "fd00:1::13"};
// On the front network, behind a gateway, without a route, the box's own.
const std::vector<const char*> kClients4{"198.51.100.200", "198.51.100.201", "192.0.2.1", "192.0.2.2",
                                         "198.51.100.202", "203.0.113.9",    "10.1.1.1",  "10.1.1.77"};
const std::vector<const char*> kClients6{"2001:db8:1::200", "2001:db8:2::1", "2001:db8:2::2", "2001:db8:9::1"};
const std::vector<std::uint16_t> kServerPorts{80, 443, 8080};
const std::vector<std::uint16_t> kClientPorts{40000, 40001, 40002};
constexpr std::size_t kServersEach = 3;
constexpr std::uint16_t kFarms = 3;
constexpr std::uint32_t kSlots = 5;
const std::vector<std::uint8_t> kFlags{
    tcp_flag::syn, tcp_flag::ack, tcp_flag::ack, tcp_flag::psh | tcp_flag::ack, tcp_flag::fin | tcp_flag::ack,
    tcp_flag::rst};
const std::vector<std::uint8_t> kReplyFlags{tcp_flag::syn | tcp_flag::ack, tcp_flag::syn | tcp_flag::ack, tcp_flag::ack,
                                            tcp_flag::fin | tcp_flag::ack};
const std::vector<ServerState> kNotUp{ServerState::down, ServerState::untested, ServerState::draining,
                                      ServerState::reserve, ServerState::maintenance};

}  // namespace

// Every configuration has these services, so that connections outlive changes; how they are served is drawn.
const std::vector<RandomBox::Endpoint>& RandomBox::endpoints() {
  static const std::vector<Endpoint> all{
      {"198.51.100.10", 80, Protocol::tcp},        {"2001:db8:1::10", 80, Protocol::tcp},
      {"198.51.100.10", 443, Protocol::tcp},       {"198.51.100.11", 443, Protocol::udp},
      {"198.51.100.11", 80, Protocol::tcp},        {"2001:db8:1::11", 443, Protocol::udp},
      {"198.51.100.10", 78, Protocol::udp, 81},    {"2001:db8:1::11", 1, Protocol::tcp, 65535},
      {"198.51.100.11", 8000, Protocol::tcp, 8100}};
  return all;
}

RandomBox::RandomBox(Dice& dice, std::uint32_t connections) : dice_{dice}, box{connections} {
  explainer = std::make_unique<Explainer>(box.region, *box.tables, std::vector{&box.worker->cursors()});
  const auto gateway = box.region.neighbours().obtain(kFront, *Address::parse("198.51.100.254"));
  gateway_ = gateway->value;
  box.know_neighbour(kFront, "198.51.100.254", "02:00:00:00:00:fe");
  box.know_neighbour(kFront, "198.51.100.200", kClientMac);
  box.know_neighbour(kFront, "2001:db8:1::200", kClientMac);
}

void RandomBox::reconfigure() {
  ++generation;
  slot = static_cast<std::uint32_t>(generation % kSnapshotSlots);
  SnapshotBuilder build{box.region.snapshot(slot), generation};
  add_routes(build);
  servers_.clear();
  for (std::uint16_t farm = 0; farm < kFarms; ++farm) {
    build.farm(FarmId{farm}, "farm", 600);
    box.region.snapshot(slot).farms[farm].slow_start_s = dice_.one_in(2) ? 30 : 0;
  }
  for (const Endpoint& service : endpoints()) add_service(build, service);
  if (dice_.one_in(2)) add_limits(build);
  for (const PortId port : {kFront, kBack}) box.region.header().ports[port.value].mtu = dice_.one_in(4) ? 576 : 1500;
  Command adopt;
  adopt.kind = Command::Kind::adopt_snapshot;
  adopt.slot = slot;
  adopt.generation = generation;
  box.send(adopt);
  if (dice_.one_in(2)) say_something_newer();
  box.turn();
  if (dice_.one_in(2)) bind_somebody();
}

// A server failed, or a standby or one that had failed comes in, and no snapshot says so yet.
void RandomBox::say_something_newer() {
  Command urgent;
  urgent.kind = Command::Kind::set_server_state;
  urgent.generation = generation;
  urgent.server = dice_.of(servers_);
  urgent.state = dice_.one_in(2) ? ServerState::down : ServerState::up;
  box.send(urgent);
}

// To a server of some farm, or to one that is no longer there.
void RandomBox::bind_somebody() {
  const Snapshot& snapshot = box.region.snapshot(slot);
  const ServiceRow& service = snapshot.services[dice_.below(snapshot.service_count)];
  const auto client = *Address::parse(dice_.of(service.address.is_v4() ? kClients4 : kClients6));
  const std::uint8_t length = service.persistence_length;
  static_cast<void>(box.tables->bindings.bind(WorkerId{0}, binding_key(service.farm, client, length),
                                              MemberId{static_cast<std::uint32_t>(dice_.below(5) + 1)},
                                              to_tick(box.now)));
}

ExplainQuestion RandomBox::question() {
  ExplainQuestion question;
  question.generation = generation;
  question.slot = slot;
  question.ttl = dice_.one_in(20) ? 1 : 64;
  question.payload = dice_.of(std::vector<std::uint16_t>{0, 0, 0, 1, 17, 600, 1460});
  const auto known = dice_.below(3) != 0 ? some_connection() : std::nullopt;
  if (known) {
    concern(*known, dice_.one_in(2), question);
  } else {
    make_up(question);
  }
  return question;
}

Bytes RandomBox::odd_frame() {
  PacketBuilder packet;
  packet.eth({.destination = dice_.one_in(4) ? "02:00:00:00:00:77" : kFrontMac});
  switch (dice_.below(6)) {
    case 0:
      return packet.arp().build();
    case 1:
      return packet.ipv4({.source = "198.51.100.200", .destination = dice_.of(kVips4)}).icmp().build();
    case 2:
      return packet.ipv4({.source = "198.51.100.200", .destination = dice_.of(kVips4), .fragment = 0x2000}).build();
    case 3:
      return packet.ipv6({.source = "2001:db8:1::200", .destination = dice_.of(kVips6)}).icmp().build();
    case 4:
      return packet.ipv4({.destination = dice_.of(kVips4)}).tcp({.flags = tcp_flag::syn, .checksum = 1}).build();
    default:
      return packet.vlan({.vid = 7}).ipv4().udp().build();
  }
}

void RandomBox::add_routes(SnapshotBuilder& build) const {
  const NextHop front{.kind = RouteKind::on_link, .port = kFront};
  const NextHop back{.kind = RouteKind::on_link, .port = kBack};
  const NextHop gateway{.kind = RouteKind::gateway, .port = kFront, .neighbour = gateway_};
  const NextHop service{.kind = RouteKind::service, .port = kFront};
  build.route("0.0.0.0", {});
  build.route("10.1.1.0", back);
  build.route("10.1.1.1", {.kind = RouteKind::local, .port = kBack});
  build.route("10.1.1.2", back);
  build.route("10.1.2.0", {});
  build.route("192.0.2.0", gateway);
  build.route("192.0.3.0", {});
  build.route("198.51.100.0", front);
  build.route("198.51.100.10", service);
  build.route("198.51.100.12", front);
  build.route("198.51.101.0", {});
  build.route("::", {});
  build.route("2001:db8:1::", front);
  build.route("2001:db8:1::10", service);
  build.route("2001:db8:1::12", front);
  build.route("2001:db8:2::", gateway);
  build.route("2001:db8:3::", {});
  build.route("fd00:1::", back);
  build.route("fd00:2::", {});
}

std::optional<ConnectionEntry> RandomBox::some_connection() {
  const auto entries = box.region.entries();
  std::optional<ConnectionEntry> entry;
  for (std::size_t tries = 0; tries < 2 * entries.size() && !entry; ++tries) {
    entry = read_entry(entries[dice_.below(entries.size())]);
  }
  return entry;
}

void RandomBox::concern(const ConnectionEntry& entry, bool reply, ExplainQuestion& question) {
  const Snapshot& snapshot = box.region.snapshot(slot);
  const ServiceRow& service = snapshot.services[entry.key.service.value];
  const ServerRow& server = snapshot.servers[entry.server.index];
  question.protocol = service.protocol;
  question.tcp_flags = dice_.of(reply ? kReplyFlags : kFlags);
  question.port = reply ? kBack : kFront;
  question.source = reply ? server.address : entry.key.client;
  const auto offset = static_cast<std::uint16_t>(entry.key.service_port.host() - service.port.host());
  question.source_port = reply ? port_behind(server.port, offset) : entry.key.client_port;
  question.destination = reply ? entry.key.client : service.address;
  question.destination_port = reply ? entry.key.client_port : entry.key.service_port;
}

void RandomBox::make_up(ExplainQuestion& question) {
  const Endpoint& service = dice_.of(endpoints());
  question.protocol = dice_.one_in(20) ? Protocol::udp : service.protocol;
  question.tcp_flags = dice_.one_in(20) ? tcp_flag::ack : tcp_flag::syn;
  question.port = kFront;
  question.destination = *Address::parse(service.address);
  question.source = *Address::parse(dice_.of(question.destination.is_v4() ? kClients4 : kClients6));
  question.source_port = Be16{dice_.of(kClientPorts)};
  question.destination_port = Be16{dice_.one_in(20) ? std::uint16_t{81} : service.port};
  if (service.last != 0) {
    const auto last = static_cast<std::uint16_t>(service.last - dice_.below(2));
    const auto early = static_cast<std::uint16_t>(service.port + dice_.below(5));
    question.destination_port = Be16{dice_.one_in(3) ? last : early};
  }
  if (dice_.one_in(30)) question.destination = question.source;
}

void RandomBox::add_service(SnapshotBuilder& build, const Endpoint& of) {
  const Mode mode = dice_.one_in(3) ? Mode::dsr : Mode::nat;
  const ServiceId service = of.last != 0 ? build.range(of.address, of.port, of.last, of.protocol, mode)
                                         : build.service(of.address, of.port, of.protocol, mode);
  ServiceRow& row = build.row(service);
  if (of.last == 0 && of.protocol == Protocol::udp && dice_.one_in(3)) row.one_packet = 1;
  row.farm = FarmId{static_cast<std::uint16_t>(dice_.below(kFarms))};
  row.scheduler = static_cast<SchedulerKind>(dice_.below(kSchedulers));
  row.persistence_s = dice_.one_in(2) ? 600 : 0;
  row.persistence_length = row.address.is_v4() ? (dice_.one_in(2) ? 24 : 32) : 64;
  row.no_server = static_cast<NoServer>(dice_.below(3));
  if (dice_.one_in(12)) row.in_use = kLeaves;
  std::vector<std::uint16_t> schedule;
  for (std::size_t i = 0; i < kServersEach; ++i) add_server(build, service, schedule);
  if (!is_by_client(row.scheduler)) return build.schedule(service, schedule);
  if (!schedule.empty()) add_slots(service, row, schedule);
  const std::size_t all = schedule.size();
  for (std::size_t i = 0; i < all; ++i) {
    if (takes_new(box.region.snapshot(slot).servers[schedule[i]].state)) schedule.push_back(schedule[i]);
  }
  build.schedule(service, schedule);
  row.schedule_length = static_cast<std::uint32_t>(all);
  row.usable_length = static_cast<std::uint16_t>(schedule.size() - all);
}

// By the weights, as far as five slots allow. Where the builder puts no schedule.
void RandomBox::add_slots(ServiceId id, ServiceRow& service, const std::vector<std::uint16_t>& schedule) {
  Snapshot& snapshot = box.region.snapshot(slot);
  std::vector<std::uint16_t> positions;
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    const std::uint16_t weight = snapshot.servers[schedule[i]].weight;
    positions.insert(positions.end(), weight, static_cast<std::uint16_t>(i));
  }
  if (positions.empty()) return;
  service.slots = id.value;
  SlotTable& table = snapshot.slot_tables[id.value];
  table = {.made_from = 0, .offset = 100'000 + id.value * kSlots, .length = kSlots};
  for (std::uint32_t i = 0; i < kSlots; ++i) snapshot.schedule[table.offset + i] = dice_.of(positions);
}

void RandomBox::draw_state(ServerRow& row) {
  row.weight = static_cast<std::uint16_t>(dice_.below(5));
  row.state = dice_.one_in(3) ? dice_.of(kNotUp) : ServerState::up;
  if (row.weight == 0 && row.state == ServerState::up) row.state = ServerState::draining;
  if (row.state == ServerState::maintenance) row.flows = static_cast<Flows>(dice_.below(3));
  if (row.state == ServerState::up && dice_.one_in(3)) {
    row.up_since = to_tick(box.now - std::chrono::seconds{dice_.below(60)});
  }
}

// What housekeeping would have told of it.
void RandomBox::draw_load(ServerId server) {
  const auto number = [&](std::size_t bound) { return static_cast<std::uint32_t>(dice_.below(bound)); };
  const Load told{.generation = server.generation, .response_us = dice_.one_in(3) ? 0 : 100 + number(5000)};
  box.region.loads(0).others[server.index].store(told.word());
  const Load moved{.generation = server.generation, .active = static_cast<std::int32_t>(number(3000))};
  box.region.shared_loads().bandwidth[server.index].store(moved.word());
}

void RandomBox::add_server(SnapshotBuilder& build, ServiceId service, std::vector<std::uint16_t>& schedule) {
  const ServiceRow& of = build.row(service);
  const auto& addresses = of.address.is_v4() ? kServers4 : kServers6;
  const std::size_t which = dice_.below(addresses.size());
  const bool is_everything = is_range(of) && of.last_port.host() == UINT16_MAX;
  const std::uint16_t port = of.mode == Mode::dsr || is_everything ? of.port.host() : dice_.of(kServerPorts);
  const PortId exit = dice_.one_in(10) ? kFront : kBack;
  const std::uint16_t generation_of_row = dice_.one_in(10) ? 2 : 1;
  if (dice_.below(3) != 0) box.know_neighbour(kBack, addresses[which], kServerMac);
  if (of.in_use == kLeaves || dice_.one_in(8)) {
    const ServerId left = build.leaving(service, addresses[which], port, exit, generation_of_row);
    build.row(left).flows = static_cast<Flows>(dice_.below(3));
    servers_.push_back(left);
    return;
  }
  const ServerId server = build.server(service, addresses[which], port, exit, generation_of_row,
                                       MemberId{static_cast<std::uint32_t>(which + 1)});
  servers_.push_back(server);
  ServerRow& row = build.row(server);
  draw_state(row);
  draw_load(server);
  const bool has_turns = is_by_client(of.scheduler) || row.state == ServerState::up;
  const std::size_t turns = of.scheduler == SchedulerKind::weighted_round_robin ? row.weight : 1;
  if (has_turns) schedule.insert(schedule.end(), turns, server.index);
}

// Of some servers, and of some farms.
void RandomBox::add_limits(SnapshotBuilder& build) {
  for (std::uint16_t farm = 0; farm < kFarms; ++farm) {
    if (dice_.one_in(3)) build.limit(FarmId{farm}, static_cast<std::uint32_t>(dice_.below(12) + 1));
  }
  for (const ServerId server : servers_) {
    if (build.row(server).state == ServerState::leaving || !dice_.one_in(3)) continue;
    const auto high = static_cast<std::uint32_t>(dice_.below(3) + 1);
    build.limit(server, high, static_cast<std::uint32_t>(dice_.below(high) + 1));
  }
}

}  // namespace fulcrum::test
