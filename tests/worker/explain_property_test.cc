// Explain says what really happens: for random configurations, tables and packets it is asked first, then the packet
// comes in, and every part of the answer is compared with what the worker did. Asking changes nothing: the region's
// tables, counters and rings are compared byte by byte with what they were. FULCRUM_EXPLAIN_CASES sets how many,
// FULCRUM_SEED repeats the choices.
#include <fmt/format.h>

#include <cstdio>
#include <random>

#include "dataplane/explain/explainer.h"
#include "tests/support/environment.h"
#include "tests/worker/test_box.h"

namespace fulcrum {
namespace {

using test::Bytes;
using test::kBack;
using test::kFront;
using test::number_from_environment;
using test::PacketBuilder;
using test::SnapshotBuilder;
using Outcome = ExplainAnswer::Outcome;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_{seed} {}
  std::size_t below(std::size_t bound) { return random_() % bound; }
  bool one_in(std::size_t chances) { return below(chances) == 0; }
  template <class T>
  const T& of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

 private:
  std::mt19937_64 random_;
};

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

struct Endpoint {
  const char* address;
  std::uint16_t port = 0;
  Protocol protocol{};
  std::uint16_t last = 0;  // of a range
};
// Every configuration has these services, so that connections outlive changes; how they are served is drawn.
const std::vector<Endpoint> kServices{{"198.51.100.10", 80, Protocol::tcp},    {"2001:db8:1::10", 80, Protocol::tcp},
                                      {"198.51.100.10", 443, Protocol::tcp},   {"198.51.100.11", 443, Protocol::udp},
                                      {"198.51.100.11", 80, Protocol::tcp},    {"2001:db8:1::11", 443, Protocol::udp},
                                      {"198.51.100.10", 78, Protocol::udp, 81}};
constexpr std::size_t kServersEach = 3;
const std::vector<std::uint8_t> kFlags{
    tcp_flag::syn, tcp_flag::ack, tcp_flag::ack, tcp_flag::psh | tcp_flag::ack, tcp_flag::fin | tcp_flag::ack,
    tcp_flag::rst};
const std::vector<std::uint8_t> kReplyFlags{tcp_flag::syn | tcp_flag::ack, tcp_flag::syn | tcp_flag::ack, tcp_flag::ack,
                                            tcp_flag::fin | tcp_flag::ack};

// A box whose configuration changes all the time.
class RandomBox {
 public:
  RandomBox(Dice& dice, std::uint32_t connections) : dice_{dice}, box{connections} {
    explainer = std::make_unique<Explainer>(box.region, *box.tables, std::vector{&box.worker->cursors()});
    const auto gateway = box.region.neighbours().obtain(kFront, *Address::parse("198.51.100.254"));
    gateway_ = gateway->value;
    box.know_neighbour(kFront, "198.51.100.254", "02:00:00:00:00:fe");
    box.know_neighbour(kFront, "198.51.100.200", test::kClientMac);
    box.know_neighbour(kFront, "2001:db8:1::200", test::kClientMac);
  }

  void reconfigure() {
    ++generation;
    slot = static_cast<std::uint32_t>(generation % kSnapshotSlots);
    SnapshotBuilder build{box.region.snapshot(slot), generation};
    add_routes(build);
    servers_.clear();
    for (std::uint16_t farm = 0; farm < 3; ++farm) build.farm(FarmId{farm}, "farm", 600);
    for (const Endpoint& service : kServices) add_service(build, service);
    for (const PortId port : {kFront, kBack}) box.region.header().ports[port.value].mtu = dice_.one_in(4) ? 576 : 1500;
    Command adopt;
    adopt.kind = Command::Kind::adopt_snapshot;
    adopt.slot = slot;
    adopt.generation = generation;
    box.send(adopt);
    if (dice_.one_in(3)) {
      Command urgent;
      urgent.kind = Command::Kind::set_server_state;
      urgent.generation = generation;
      urgent.server = dice_.of(servers_);
      urgent.state = dice_.one_in(2) ? ServerState::down : ServerState::up;
      box.send(urgent);
    }
    box.turn();
  }

  // Of a connection that exists, or one that could.
  ExplainQuestion question() {
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

  // Something else: no TCP or UDP, or wrong in some way.
  Bytes odd_frame() {
    PacketBuilder packet;
    packet.eth({.destination = dice_.one_in(4) ? "02:00:00:00:00:77" : test::kFrontMac});
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

 private:
  void add_routes(SnapshotBuilder& build) {
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

  std::optional<ConnectionEntry> some_connection() {
    const auto entries = box.region.entries();
    std::optional<ConnectionEntry> entry;
    for (std::size_t tries = 0; tries < 2 * entries.size() && !entry; ++tries) {
      entry = read_entry(entries[dice_.below(entries.size())]);
    }
    return entry;
  }

  void concern(const ConnectionEntry& entry, bool reply, ExplainQuestion& question) {
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

  void make_up(ExplainQuestion& question) {
    const Endpoint& service = dice_.of(kServices);
    question.protocol = dice_.one_in(20) ? Protocol::udp : service.protocol;
    question.tcp_flags = dice_.one_in(20) ? tcp_flag::ack : tcp_flag::syn;
    question.port = kFront;
    question.destination = *Address::parse(service.address);
    question.source = *Address::parse(dice_.of(question.destination.is_v4() ? kClients4 : kClients6));
    question.source_port = Be16{dice_.of(kClientPorts)};
    question.destination_port = Be16{dice_.one_in(20) ? std::uint16_t{81} : service.port};
    if (service.last != 0) question.destination_port = Be16{static_cast<std::uint16_t>(service.port + dice_.below(5))};
    if (dice_.one_in(30)) question.destination = question.source;
  }

  void add_service(SnapshotBuilder& build, const Endpoint& of) {
    const Mode mode = dice_.one_in(3) ? Mode::dsr : Mode::nat;
    const ServiceId service = of.last != 0 ? build.range(of.address, of.port, of.last, of.protocol, mode)
                                           : build.service(of.address, of.port, of.protocol, mode);
    if (of.last == 0 && of.protocol == Protocol::udp && dice_.one_in(3)) build.row(service).one_packet = 1;
    const bool v4 = build.row(service).address.is_v4();
    ServiceRow& row = build.row(service);
    row.farm = FarmId{static_cast<std::uint16_t>(dice_.below(3))};
    row.persistence_s = dice_.one_in(3) ? 600 : 0;
    row.persistence_length = v4 ? (dice_.one_in(2) ? 24 : 32) : 64;
    std::vector<std::uint16_t> schedule;
    for (std::size_t i = 0; i < kServersEach; ++i) add_server(build, service, v4, mode, schedule);
    if (dice_.one_in(20)) schedule.clear();
    row.scheduler = static_cast<SchedulerKind>(dice_.below(kSchedulers));
    if (is_by_client(row.scheduler) && !schedule.empty()) add_slots(service, row, schedule.size());
    build.schedule(service, schedule);
  }

  // Where the builder puts no schedule.
  void add_slots(ServiceId id, ServiceRow& service, std::size_t servers) {
    constexpr std::uint32_t kSlots = 5;
    Snapshot& snapshot = box.region.snapshot(slot);
    service.slots = id.value;
    SlotTable& table = snapshot.slot_tables[id.value];
    table = {.made_from = 0, .offset = 100'000 + id.value * kSlots, .length = kSlots};
    for (std::uint32_t i = 0; i < kSlots; ++i)
      snapshot.schedule[table.offset + i] = static_cast<std::uint16_t>(i % servers);
  }

  void add_server(SnapshotBuilder& build, ServiceId service, bool v4, Mode mode, std::vector<std::uint16_t>& schedule) {
    const std::size_t which = dice_.below(v4 ? kServers4.size() : kServers6.size());
    const char* address = v4 ? kServers4[which] : kServers6[which];
    const std::uint16_t port = mode == Mode::dsr ? build.row(service).port.host() : dice_.of(kServerPorts);
    const std::uint16_t generation_of_row = dice_.one_in(10) ? 2 : 1;
    const ServerId server = build.server(service, address, port, dice_.one_in(10) ? kFront : kBack, generation_of_row,
                                         MemberId{static_cast<std::uint32_t>(which + 1)});
    servers_.push_back(server);
    if (dice_.below(3) != 0) box.know_neighbour(kBack, address, test::kServerMac);
    if (dice_.one_in(4)) build.row(server).state = ServerState::down;
    for (std::size_t i = dice_.below(4); i > 0; --i) schedule.push_back(server.index);
  }

  Dice& dice_;
  std::vector<ServerId> servers_;
  std::uint32_t gateway_ = kNoNeighbour;

 public:
  test::TestBox box;
  std::unique_ptr<Explainer> explainer;
  std::uint64_t generation = 0;
  std::uint32_t slot = 0;
};

template <class T>
void append(Bytes& bytes, std::span<const T> part) {
  const auto raw = std::as_bytes(part);
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

// What of the region a packet could change.
Bytes state_of(const RandomBox& random) {
  const Region& region = random.box.region;
  Bytes bytes;
  append(bytes, std::span<const ConnectionEntry>{region.entries()});
  append(bytes, std::span<const std::byte>{region.index()});
  append(bytes, std::span<const ConnectionEntry>{region.persistence_entries()});
  append(bytes, std::span<const std::byte>{region.persistence_index()});
  for (std::size_t i = 0; i <= region.workers(); ++i)
    append(bytes, std::span<const WorkerSection>{&region.worker(i), 1});
  append(bytes, std::span<const ServerCounters>{region.server_counters(0).first(64)});
  append(bytes, std::span<const std::uint32_t>{random.box.worker->cursors().at}.first(16));
  append(bytes, std::span<const std::uint64_t>{&random.box.worker->cursors().random, 1});
  append(bytes, std::span<const LoadWord>{region.loads(0).own}.first(64));
  append(bytes, std::span<const LoadWord>{region.shared_loads().samples}.first(64));
  return bytes;
}

// All of the region but the mailbox of explain.
std::uint64_t sum_of_all(const Region& region) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(&region.header());
  const SectionPlace& box = region.header().explain;
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < region.header().total_size / 8; ++i) {
    if (i * 8 >= box.offset && i * 8 < box.offset + box.size) continue;
    sum = (sum ^ words[i]) * 0x9E3779B97F4A7C15U;
  }
  return sum;
}

Bytes bytes_of(const ExplainedHead& head) {
  Bytes bytes(head.length);
  std::copy_n(head.bytes.begin(), std::min<std::size_t>(head.length, kExplainHeadMax), bytes.begin());
  return bytes;
}

// The connection that the packet belongs to by now.
std::optional<ConnectionEntry> connection_of(RandomBox& random, const ExplainQuestion& question,
                                             const ExplainAnswer& answer) {
  const bool reply = answer.to_client != 0;
  const Snapshot& snapshot = random.box.region.snapshot(random.slot);
  const ServerRow& server = snapshot.servers[answer.server];
  const Be16 replying = port_behind(snapshot.services[answer.service].port, port_offset(server, question.source_port));
  const FlowKey key{.client = reply ? question.destination : question.source,
                    .client_port = reply ? question.destination_port : question.source_port,
                    .service = ServiceId{answer.service},
                    .service_port = reply ? replying : question.destination_port};
  ConnectionId id = kNoConnection;
  random.box.tables->connections.lookup({&key, 1}, {&id, 1});
  return id == kNoConnection ? std::nullopt : read_entry(random.box.region.entries()[id.value]);
}

struct Tallies {
  std::size_t alone = 0, sent = 0, punted = 0, dropped = 0, opened = 0, found = 0, bound = 0, full = 0;
};

void expect_same(RandomBox& random, const ExplainAnswer& answer, std::uint64_t drops_before) {
  test::TestBox& box = random.box;
  std::array<std::vector<Bytes>, 2> sent{box.ports[0]->take_sent(), box.ports[1]->take_sent()};
  SlowFrame punted;
  const bool was_punted = box.slow_path.to_linux.peek(punted);
  Bytes left;
  if (answer.outcome == Outcome::send) {
    ASSERT_EQ(sent[answer.out.value].size(), 1U);
    EXPECT_EQ(sent[1U - answer.out.value].size(), 0U);
    left = sent[answer.out.value].front();
  } else if (answer.outcome == Outcome::punt) {
    ASSERT_TRUE(was_punted);
    EXPECT_EQ(punted.port, answer.out);
    left = Bytes{punted.frame.bytes().begin(), punted.frame.bytes().end()};
  } else {
    ASSERT_EQ(box.drops(answer.drop), drops_before + 1) << name(answer.drop);
  }
  EXPECT_EQ(was_punted, answer.outcome == Outcome::punt);
  if (was_punted) {
    box.slow_path.to_linux.pop();
    box.ports[punted.frame.port.value]->release({&punted.frame, 1});
  }
  if (!left.empty()) {
    ASSERT_EQ(left.size(), answer.after.length);
    left.resize(std::min(left.size(), kExplainHeadMax));
    EXPECT_TRUE(std::equal(left.begin(), left.end(), answer.after.bytes.begin()));
  }
  bool neighbour_wanted = false;
  Event event;
  for (auto& events = box.region.worker(0).events; events.peek(event); events.pop()) {
    neighbour_wanted |= event.kind == Event::Kind::neighbour_wanted;
  }
  EXPECT_EQ(neighbour_wanted, answer.neighbour_wanted != 0);
}

void expect_same_connection(RandomBox& random, const ExplainQuestion& question, const ExplainAnswer& answer,
                            std::uint64_t evicted) {
  const bool keeps_none =
      answer.service != kNoIndex && random.box.region.snapshot(random.slot).services[answer.service].one_packet != 0;
  if (keeps_none) {
    EXPECT_EQ(answer.opens, 0);
    EXPECT_EQ(answer.found, ExplainAnswer::Found::none);
    EXPECT_EQ(answer.alone != 0, answer.to_client == 0 && answer.server != kNoIndex);
    return;
  }
  EXPECT_EQ(answer.alone, 0);
  if (answer.server == kNoIndex || answer.found == ExplainAnswer::Found::server_left) return;
  const auto entry = connection_of(random, question, answer);
  if (answer.outcome == Outcome::drop && answer.drop != Drop::ttl && answer.drop != Drop::mtu &&
      answer.drop != Drop::no_neighbour && answer.drop != Drop::no_route) {
    return;
  }
  // The worker makes room behind the packet when the table was full.
  if (!entry && random.box.region.worker(0).tables.evicted.value() != evicted) return;
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->server.index, answer.server);
  EXPECT_EQ(entry->reason, answer.reason);
  EXPECT_EQ(entry->state, answer.state);
  EXPECT_EQ(entry->packets_in + entry->packets_out == 1, answer.opens != 0);
}

void count(Tallies& tallies, const ExplainAnswer& answer) {
  tallies.sent += answer.outcome == Outcome::send ? 1U : 0U;
  tallies.punted += answer.outcome == Outcome::punt ? 1U : 0U;
  tallies.dropped += answer.outcome == Outcome::drop ? 1U : 0U;
  tallies.opened += answer.opens;
  tallies.alone += answer.alone;
  tallies.found += answer.found == ExplainAnswer::Found::used ? 1U : 0U;
  tallies.bound += answer.bound == ExplainAnswer::Bound::used ? 1U : 0U;
  tallies.full += answer.drop == Drop::table_full ? 1U : 0U;
}

// Asks by the mailbox, as control does, or about a frame that no question can name.
ExplainAnswer ask(RandomBox& random, const ExplainQuestion& question, bool odd, Bytes& frame) {
  const Tick now = to_tick(random.box.now);
  ExplainAnswer answer;
  if (odd) {
    Bytes copy = frame;
    random.explainer->explain(question,
                              {.data = copy.data(),
                               .length = static_cast<std::uint32_t>(copy.size()),
                               .port = question.port,
                               .checksum = ChecksumFact::verify},
                              now, answer);
    return answer;
  }
  ExplainBox& box = random.box.region.explain();
  box.question = question;
  box.asked.store(box.asked.load() + 1);
  EXPECT_TRUE(random.explainer->turn(now));
  EXPECT_EQ(box.answered.load(), box.asked.load());
  EXPECT_FALSE(random.explainer->turn(now));
  frame = bytes_of(box.answer.before);
  return box.answer;
}

std::string words(const ExplainAnswer& answer) {
  return fmt::format("ended at {}, outcome {}, drop {}, service {}, server {}, found {}, opens {}, table full {}",
                     static_cast<int>(answer.ended_at), static_cast<int>(answer.outcome), name(answer.drop),
                     answer.service, answer.server, static_cast<int>(answer.found), answer.opens, answer.table_full);
}

void one_case(RandomBox& random, Dice& dice, Tallies& tallies, bool all_of_it) {
  if (dice.one_in(3)) random.reconfigure();
  random.box.now += std::chrono::milliseconds{dice.below(dice.one_in(30) ? 90'000 : 200)};
  const ExplainQuestion question = random.question();
  const bool odd = dice.one_in(8);
  Bytes frame = odd ? random.odd_frame() : Bytes{};
  const Bytes before = state_of(random);
  const std::uint64_t sum = all_of_it ? sum_of_all(random.box.region) : 0;
  const ExplainAnswer answer = ask(random, question, odd, frame);
  ASSERT_EQ(answer.status, ExplainAnswer::Status::answered);
  SCOPED_TRACE(words(answer));
  ASSERT_EQ(before, state_of(random)) << "explain changed something";
  ASSERT_EQ(sum, all_of_it ? sum_of_all(random.box.region) : 0) << "explain changed something";
  const std::uint64_t drops = random.box.drops(answer.drop);
  const std::uint64_t evicted = random.box.region.worker(0).tables.evicted.value();
  random.box.receive(question.port, frame);
  expect_same(random, answer, drops);
  if (!odd) expect_same_connection(random, question, answer, evicted);
  count(tallies, answer);
}

TEST(ExplainProperty, AgreesWithWhatHappens) {
  const std::uint64_t seed = number_from_environment("FULCRUM_SEED", std::random_device{}());
  const std::uint64_t cases = number_from_environment("FULCRUM_EXPLAIN_CASES", 10'000);
  std::printf("FULCRUM_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Dice dice{seed};
  Tallies tallies;
  const std::vector<std::uint32_t> capacities{2, 8, 64, 1024};
  for (std::uint64_t i = 0; i < cases;) {
    RandomBox random{dice, dice.of(capacities)};
    random.reconfigure();
    for (std::uint64_t end = std::min(i + 250, cases); i < end; ++i) {
      one_case(random, dice, tallies, i % 250 == 100);
      ASSERT_FALSE(::testing::Test::HasFailure()) << "case " << i << ", FULCRUM_SEED=" << seed;
    }
  }
  std::printf("sent %zu, punted %zu, dropped %zu, opened %zu, found %zu, bound %zu, table full %zu\n", tallies.sent,
              tallies.punted, tallies.dropped, tallies.opened, tallies.found, tallies.bound, tallies.full);
  // That the cases are worth something.
  for (const std::size_t some : {tallies.sent, tallies.punted, tallies.dropped, tallies.opened, tallies.found}) {
    EXPECT_GE(some, cases / 20);
  }
  EXPECT_GE(tallies.alone, cases / 1000);
  EXPECT_GE(tallies.bound, cases / 1000);
  EXPECT_GE(tallies.full, cases / 2000);
}

}  // namespace
}  // namespace fulcrum
