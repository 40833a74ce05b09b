#include "dataplane/worker/worker.h"

#include "dataplane/packet/parse.h"
#include "tests/worker/test_box.h"

namespace fulcrum {
namespace {

using test::Bytes;
using test::kBack;
using test::kFront;
using test::PacketBuilder;

constexpr std::uint8_t kSyn = tcp_flag::syn, kAck = tcp_flag::ack, kSynAck = tcp_flag::syn | tcp_flag::ack,
                       kFin = tcp_flag::fin | tcp_flag::ack, kRst = tcp_flag::rst;

Bytes from_client(std::uint8_t flags, std::uint16_t port = 40000, std::uint8_t ttl = 64) {
  return PacketBuilder{}
      .eth({.destination = test::kFrontMac, .source = test::kClientMac})
      .ipv4({.source = "198.51.100.2", .destination = "198.51.100.10", .ttl = ttl})
      .tcp({.source_port = port, .destination_port = 80, .flags = flags})
      .payload("hello")
      .build();
}

Bytes from_server(const char* server, std::uint8_t flags, std::uint16_t client_port = 40000,
                  const char* to = "198.51.100.2") {
  return PacketBuilder{}
      .eth({.destination = test::kBackMac, .source = test::kServerMac})
      .ipv4({.source = server, .destination = to})
      .tcp({.source_port = 8080, .destination_port = client_port, .flags = flags})
      .payload("world")
      .build();
}

// What is in the frame; its checksums must be right.
Facts facts_of(const Bytes& frame) {
  Facts facts;
  EXPECT_EQ(parse(frame, ChecksumFact::verify, facts), Drop::none);
  return facts;
}

Address address(const char* text) { return *Address::parse(text); }

class WorkerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto build = box_.publish();
    service_ = build.service("198.51.100.10", 80);
    first_ = build.server(service_, "10.1.1.11", 8080);
    second_ = build.server(service_, "10.1.1.12", 8080);
    box_.know_neighbour(kFront, "198.51.100.2", test::kClientMac);
    box_.know_neighbour(kBack, "10.1.1.11", test::kServerMac);
    box_.know_neighbour(kBack, "10.1.1.12", test::kServerMac);
  }
  void TearDown() override { box_.expect_all_accounted_for(); }
  Address goes_to(const Bytes& frame) {
    box_.receive(kFront, frame);
    return facts_of(box_.sent(kBack)).destination;
  }

  test::TestBox box_;
  ServiceId service_;
  ServerId first_, second_;
};

TEST_F(WorkerTest, TakesWhatFollowsASynInTheSameBurst) {
  // Two clients, so that only the one whose connection was opened gets on.
  box_.ports[kFront.value]->inject(0, from_client(kSyn));
  box_.ports[kFront.value]->inject(0, from_client(kAck));
  box_.ports[kFront.value]->inject(0, from_client(kAck, 40001));
  box_.turn();
  const auto sent = box_.ports[kBack.value]->take_sent();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(facts_of(sent[0]).destination, facts_of(sent[1]).destination);
  EXPECT_EQ(facts_of(sent[1]).tcp_flags, kAck);
  EXPECT_EQ(box_.drops(Drop::no_connection), 1U);
  EXPECT_EQ(box_.tables->connections.size(), 1U);
}

TEST_F(WorkerTest, TranslatesThereAndBack) {
  box_.receive(kFront, from_client(kSyn));
  const Bytes there = box_.sent(kBack);
  const Facts in = facts_of(there);
  EXPECT_EQ(in.source, address("198.51.100.2"));
  EXPECT_EQ(in.destination, address("10.1.1.11"));
  EXPECT_EQ(in.destination_port, Be16{8080});
  EXPECT_EQ(in.ttl, 63);
  box_.receive(kBack, from_server("10.1.1.11", kSynAck));
  const Facts out = facts_of(box_.sent(kFront));
  EXPECT_EQ(out.source, address("198.51.100.10"));
  EXPECT_EQ(out.source_port, Be16{80});
  EXPECT_EQ(out.destination, address("198.51.100.2"));
}

TEST_F(WorkerTest, ConnectionStaysWithItsServer) {
  EXPECT_EQ(goes_to(from_client(kSyn, 40000)), address("10.1.1.11"));
  EXPECT_EQ(goes_to(from_client(kSyn, 40001)), address("10.1.1.12"));
  EXPECT_EQ(goes_to(from_client(kAck, 40000)), address("10.1.1.11"));
  EXPECT_EQ(goes_to(from_client(kAck, 40001)), address("10.1.1.12"));
  EXPECT_EQ(box_.active(first_), 1);
}

TEST_F(WorkerTest, OnlyTheChosenServerMayAnswer) {
  box_.receive(kFront, from_client(kSyn));
  box_.receive(kBack, from_server("10.1.1.12", kSynAck));
  EXPECT_EQ(box_.drops(Drop::no_connection), 1U);
  EXPECT_TRUE(box_.ports[0]->take_sent().empty());
}

TEST_F(WorkerTest, MiddleOfAnUnknownConnectionIsDropped) {
  box_.receive(kFront, from_client(kAck));
  box_.receive(kFront, from_client(kRst));
  box_.receive(kFront, from_client(kSynAck));
  EXPECT_EQ(box_.drops(Drop::no_connection), 3U);
}

TEST_F(WorkerTest, PortReusedAfterTheEndOpensANewConnection) {
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.11"));
  EXPECT_EQ(goes_to(from_client(kAck)), address("10.1.1.11"));
  // While it is established, a SYN does not move it.
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.11"));
  EXPECT_EQ(box_.closing(first_), 0);
  EXPECT_EQ(goes_to(from_client(kFin)), address("10.1.1.11"));
  EXPECT_EQ(box_.closing(first_), 1);
  box_.receive(kBack, from_server("10.1.1.11", kFin));
  EXPECT_EQ(box_.closing(first_), 1);
  EXPECT_EQ(box_.active(first_), 1);
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.12"));
  EXPECT_EQ(box_.active(first_), 0);
  EXPECT_EQ(box_.closing(first_), 0);
  EXPECT_EQ(box_.active(second_), 1);
}

TEST_F(WorkerTest, UnansweredClientIsMovedFromAServerThatWentDown) {
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.11"));
  Command down;
  down.kind = Command::Kind::set_server_state;
  down.generation = 1;
  down.server = first_;
  down.state = ServerState::down;
  box_.send(down);
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.12"));
  EXPECT_EQ(goes_to(from_client(kSyn, 40001)), address("10.1.1.12"));
}

// A client that always sends from the same port, and never pauses: its flow has no end of its own.
TEST_F(WorkerTest, AUdpFlowLeavesAServerThatWentDownAndNoOther) {
  auto build = box_.publish();
  const ServiceId time = build.service("198.51.100.10", 123, Protocol::udp);
  for (const char* server : {"10.1.1.11", "10.1.1.12"}) build.server(time, server, 123);
  const auto ask = [] {
    return PacketBuilder{}
        .eth({.destination = test::kFrontMac, .source = test::kClientMac})
        .ipv4({.source = "198.51.100.2", .destination = "198.51.100.10"})
        .udp({.source_port = 5060, .destination_port = 123})
        .build();
  };
  EXPECT_EQ(goes_to(ask()), address("10.1.1.11"));
  for (const ServerState state : {ServerState::draining, ServerState::untested, ServerState::leaving}) {
    build.row(first_).state = state;
    EXPECT_EQ(goes_to(ask()), address("10.1.1.11")) << static_cast<int>(state);
  }
  build.row(first_).state = ServerState::down;
  EXPECT_EQ(goes_to(ask()), address("10.1.1.12"));
  build.row(first_).state = ServerState::up;
  EXPECT_EQ(goes_to(ask()), address("10.1.1.12")) << "and stays with the one that it has found";
}

TEST_F(WorkerTest, AStandbyComesInBeforeTheNextSnapshot) {
  auto build = box_.publish();
  build.service("198.51.100.10", 80);
  build.server(service_, "10.1.1.11", 8080);
  build.server(service_, "10.1.1.12", 8080);
  build.row(second_).state = ServerState::reserve;
  build.schedule(service_, {first_.index});
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.11"));
  Command news;
  news.kind = Command::Kind::set_server_state;
  news.generation = 2;
  for (const auto& [server, state] : {std::pair{first_, ServerState::down}, std::pair{second_, ServerState::up}}) {
    news.server = server;
    news.state = state;
    box_.send(news);
  }
  EXPECT_EQ(goes_to(from_client(kSyn, 40001)), address("10.1.1.12"));
}

TEST_F(WorkerTest, ADrainingServerKeepsItsConnections) {
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.11"));
  auto build = box_.publish();
  build.service("198.51.100.10", 80);
  build.server(service_, "10.1.1.11", 8080);
  build.server(service_, "10.1.1.12", 8080);
  build.row(first_).state = ServerState::draining;
  build.schedule(service_, {second_.index});
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.11")) << "sent again: still unanswered";
  EXPECT_EQ(goes_to(from_client(kAck)), address("10.1.1.11"));
  EXPECT_EQ(goes_to(from_client(kSyn, 40001)), address("10.1.1.12"));
  build.row(first_).state = ServerState::maintenance;
  EXPECT_EQ(goes_to(from_client(kAck)), address("10.1.1.11"));
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.12")) << "anew, and not to a server in maintenance";
}

TEST_F(WorkerTest, PortReusedAfterTheServerDiedOpensANewConnection) {
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.11"));
  EXPECT_EQ(goes_to(from_client(kAck)), address("10.1.1.11"));
  Command down;
  down.kind = Command::Kind::set_server_state;
  down.generation = 1;
  down.server = first_;
  down.state = ServerState::down;
  box_.send(down);
  // What belongs to the old connection still goes its way; only a SYN says that it is over.
  EXPECT_EQ(goes_to(from_client(kAck)), address("10.1.1.11"));
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.12"));
  EXPECT_EQ(goes_to(from_client(kAck)), address("10.1.1.12"));
  EXPECT_EQ(box_.active(first_), 0);
}

TEST_F(WorkerTest, EstablishedConnectionOutlivesTheHealthCheck) {
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.11"));
  EXPECT_EQ(goes_to(from_client(kAck)), address("10.1.1.11"));
  auto build = box_.publish();
  build.service("198.51.100.10", 80);
  build.server(service_, "10.1.1.11", 8080);
  build.server(service_, "10.1.1.12", 8080);
  build.row(first_).state = ServerState::down;
  EXPECT_EQ(goes_to(from_client(kAck)), address("10.1.1.11"));
}

TEST_F(WorkerTest, RemovedServersConnectionsEndAndMayStartAnew) {
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.11"));
  EXPECT_EQ(goes_to(from_client(kAck)), address("10.1.1.11"));
  auto build = box_.publish();
  build.service("198.51.100.10", 80);
  build.server(service_, "10.1.1.13", 8080, kBack, 2);  // the row has changed hands
  box_.know_neighbour(kBack, "10.1.1.13", test::kServerMac);
  box_.receive(kFront, from_client(kAck));
  EXPECT_EQ(box_.drops(Drop::server_gone), 1U);
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.13"));
}

TEST_F(WorkerTest, OneEndpointInTwoServices) {
  auto build = box_.publish();
  const ServiceId shop = build.service("198.51.100.10", 80);
  build.server(shop, "10.1.1.11", 8080);
  const ServiceId admin = build.service("198.51.100.10", 81);
  build.server(admin, "10.1.1.11", 8080);
  box_.receive(kFront, PacketBuilder{}
                           .eth({.destination = test::kFrontMac, .source = test::kClientMac})
                           .ipv4({.source = "198.51.100.2", .destination = "198.51.100.10"})
                           .tcp({.source_port = 40007, .destination_port = 81, .flags = kSyn})
                           .build());
  EXPECT_EQ(facts_of(box_.sent(kBack)).destination, address("10.1.1.11"));
  box_.receive(kFront, from_client(kSyn, 40000));
  static_cast<void>(box_.sent(kBack));
  box_.receive(kBack, from_server("10.1.1.11", kSynAck, 40007));
  EXPECT_EQ(facts_of(box_.sent(kFront)).source_port, Be16{81});
  box_.receive(kBack, from_server("10.1.1.11", kSynAck, 40000));
  EXPECT_EQ(facts_of(box_.sent(kFront)).source_port, Be16{80});
}

// Two services share servers, and a client speaks to both from one port: a second connection with the same server could
// not be told from the first by its answers, which is why the server would not have it either.
TEST_F(WorkerTest, AClientsPortHasOneConnectionAtAServersPort) {
  for (const Protocol protocol : {Protocol::tcp, Protocol::udp}) {
    auto build = box_.publish();
    const ServiceId shop = build.service("198.51.100.10", 80, protocol);
    const ServiceId admin = build.service("198.51.100.10", 81, protocol);
    const ServiceId range = build.range("198.51.100.10", 8000, 8010, protocol);
    build.server(shop, "10.1.1.11", 8080);
    build.server(admin, "10.1.1.11", 8080);
    build.row(build.server(admin, "10.1.1.12", 8080)).weight = 1;
    build.schedule(admin, {1});  // the scheduler knows the first only
    build.server(range, "10.1.1.11", 8079);
    for (const ServiceId service : {shop, admin, range}) {
      build.row(service).udp_s = 300;
    }
    const std::uint16_t own = protocol == Protocol::udp ? 5061 : 5060;
    const auto to = [&](std::uint16_t port, std::uint8_t flags = kSyn) {
      PacketBuilder packet;
      packet.eth({.destination = test::kFrontMac, .source = test::kClientMac})
          .ipv4({.source = "198.51.100.2", .destination = "198.51.100.10"});
      if (protocol == Protocol::udp) return packet.udp({.source_port = own, .destination_port = port}).build();
      return packet.tcp({.source_port = own, .destination_port = port, .flags = flags}).build();
    };
    EXPECT_EQ(goes_to(to(80)), address("10.1.1.11"));
    EXPECT_EQ(goes_to(to(81)), address("10.1.1.12")) << "the other server, which the scheduler had not chosen";
    const std::uint64_t before = box_.drops(Drop::port_taken);
    box_.receive(kFront, to(8001));  // would arrive at port 8080 of the first
    EXPECT_EQ(box_.drops(Drop::port_taken), before + 1);
    EXPECT_EQ(goes_to(to(8002)), address("10.1.1.11")) << "another port of the server";
    EXPECT_EQ(goes_to(to(80)), address("10.1.1.11")) << "the first goes on";
    if (protocol == Protocol::udp) break;
    // When the first is over, its port is free.
    EXPECT_EQ(goes_to(to(80, kFin)), address("10.1.1.11"));
    box_.receive(kBack, from_server("10.1.1.11", kFin, own));
    EXPECT_EQ(goes_to(to(8001)), address("10.1.1.11"));
  }
}

TEST_F(WorkerTest, UnknownNeighbourTakesTheWayThroughLinux) {
  auto build = box_.publish();
  const ServiceId service = build.service("198.51.100.10", 80);
  build.server(service, "10.1.1.14", 8080);
  box_.receive(kFront, from_client(kSyn));
  SlowFrame punted;
  ASSERT_TRUE(box_.slow_path.to_linux.peek(punted));
  EXPECT_EQ(punted.port, kBack);
  const Bytes frame{punted.frame.data, punted.frame.data + punted.frame.length};
  EXPECT_EQ(facts_of(frame).destination, address("10.1.1.14"));
  EXPECT_EQ(facts_of(frame).ttl, 64);
  Event event;
  ASSERT_TRUE(box_.region.worker(0).events.peek(event));
  EXPECT_EQ(event.kind, Event::Kind::neighbour_wanted);
  EXPECT_EQ(event.port, kBack);
  EXPECT_EQ(event.address, address("10.1.1.14"));
}

TEST_F(WorkerTest, NobodyOutsideSpeaksWithOurAddress) {
  box_.receive(kFront, PacketBuilder{}
                           .eth({.destination = test::kFrontMac, .source = test::kClientMac})
                           .ipv4({.source = "10.1.1.1", .destination = "198.51.100.10"})
                           .tcp({.source_port = 1, .destination_port = 80, .flags = kSyn})
                           .build());
  EXPECT_EQ(box_.drops(Drop::bad_source), 1U);
}

TEST_F(WorkerTest, IdleConnectionsAreForgotten) {
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.11"));
  box_.now += std::chrono::seconds{59};
  for (int i = 0; i < 4; ++i, box_.now += std::chrono::milliseconds{100}) box_.turn();
  EXPECT_EQ(box_.tables->connections.size(), 1U);
  box_.now += std::chrono::seconds{3};
  for (int i = 0; i < 4; ++i, box_.now += std::chrono::seconds{2}) box_.turn();
  EXPECT_EQ(box_.tables->connections.size(), 0U);
  EXPECT_EQ(box_.active(first_), 0);
}

TEST_F(WorkerTest, NewProcessGoesOnWithTheOldOnesConnections) {
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.11"));
  EXPECT_EQ(goes_to(from_client(kAck)), address("10.1.1.11"));
  box_.start_worker(ConnectionTable::Start::warm);
  EXPECT_EQ(goes_to(from_client(kAck)), address("10.1.1.11"));
  box_.receive(kBack, from_server("10.1.1.11", kAck));
  EXPECT_EQ(facts_of(box_.sent(kFront)).source, address("198.51.100.10"));
}

TEST_F(WorkerTest, FirstThingsFirst) {
  // In one mailbox: a state for a snapshot that is adopted only after it, as after a retry. It does not apply.
  Command early;
  early.kind = Command::Kind::set_server_state;
  early.generation = 2;
  early.server = first_;
  early.state = ServerState::down;
  box_.send(early);
  auto build = box_.publish();
  build.service("198.51.100.10", 80);
  build.server(service_, "10.1.1.11", 8080);
  EXPECT_EQ(goes_to(from_client(kSyn)), address("10.1.1.11"));
}

TEST(WorkerBeforeConfiguration, PassesArpToLinuxAndDropsTheRest) {
  test::TestBox box;
  box.receive(kFront, PacketBuilder{}.eth({.destination = "ff:ff:ff:ff:ff:ff"}).arp().build());
  SlowFrame punted;
  EXPECT_TRUE(box.slow_path.to_linux.peek(punted));
  box.receive(kFront, from_client(kSyn));
  EXPECT_EQ(box.drops(Drop::no_configuration), 1U);
  box.expect_all_accounted_for();
}

TEST(WorkerTransmitFull, WhatTheWireDoesNotTakeIsANamedDrop) {
  test::TestBox box;
  box.ports[1] = std::make_unique<MemoryPort>(MemoryPort::Options{.id = kBack, .wire_capacity = 1});
  box.start_worker(ConnectionTable::Start::cold);
  auto build = box.publish();
  build.server(build.service("198.51.100.10", 80), "10.1.1.11", 8080);
  box.know_neighbour(kBack, "10.1.1.11", test::kServerMac);
  for (const std::uint16_t port : std::array<std::uint16_t, 3>{5000, 5001, 5002})
    box.ports[0]->inject(0, from_client(kSyn, port));
  box.turn();
  EXPECT_EQ(facts_of(box.sent(kBack)).source_port.host(), 5000);
  EXPECT_EQ(box.drops(Drop::tx_full), 2U);
  box.expect_all_accounted_for();
}

// A box with room for few connections, and one server.
class WorkerTableFull : public ::testing::Test {
 protected:
  static constexpr std::uint16_t kRoom = 64;
  void SetUp() override {
    auto build = box_.publish();
    server_ = build.server(build.service("198.51.100.10", 80), "10.1.1.11", 8080);
    box_.know_neighbour(kFront, "198.51.100.2", test::kClientMac);
    box_.know_neighbour(kBack, "10.1.1.11", test::kServerMac);
  }
  void TearDown() override { box_.expect_all_accounted_for(); }
  bool goes_through(const Bytes& frame) {
    box_.receive(kFront, frame);
    return box_.ports[1]->take_sent().size() == 1;
  }
  void establish(std::uint16_t port) {
    EXPECT_TRUE(goes_through(from_client(kSyn, port)));
    box_.receive(kBack, from_server("10.1.1.11", kSynAck, port));
    EXPECT_TRUE(goes_through(from_client(kAck, port)));
  }
  // A client that gives up after some tries, each a moment later.
  bool opens(std::uint16_t port) {
    for (int tries = 0; tries < 3; ++tries) {
      if (goes_through(from_client(kSyn, port))) return true;
      for (int turns = 0; turns < 3; ++turns) box_.turn();
    }
    return false;
  }

  test::TestBox box_{kRoom};
  ServerId server_;
};

TEST_F(WorkerTableFull, RefusesNewConnectionsAndSaysSo) {
  for (std::uint16_t i = 0; i < kRoom; ++i) establish(static_cast<std::uint16_t>(5000 + i));
  for (std::uint16_t i = 0; i < 10 * kRoom; ++i) EXPECT_FALSE(opens(static_cast<std::uint16_t>(6000 + i)));
  EXPECT_EQ(box_.drops(Drop::table_full), 3U * 10 * kRoom);
  Event event;
  ASSERT_TRUE(box_.region.worker(0).events.peek(event));
  EXPECT_EQ(event.kind, Event::Kind::table_full);
  EXPECT_EQ(event.address, address("198.51.100.10"));
  // Those inside do not suffer.
  for (std::uint16_t i = 0; i < kRoom; ++i)
    EXPECT_TRUE(goes_through(from_client(kAck, static_cast<std::uint16_t>(5000 + i))));
  EXPECT_EQ(box_.active(server_), kRoom);
  EXPECT_EQ(box_.region.worker(0).tables.evicted.value(), 0U);
}

TEST_F(WorkerTableFull, UnconfirmedConnectionsMakeRoomForNewOnes) {
  for (std::uint16_t i = 0; i < kRoom / 2; ++i) establish(static_cast<std::uint16_t>(5000 + i));
  // Ten times as many as there is room for, none of which is ever confirmed.
  for (std::uint16_t i = 0; i < 10 * kRoom; ++i) EXPECT_TRUE(opens(static_cast<std::uint16_t>(6000 + i))) << i;
  EXPECT_LT(box_.drops(Drop::table_full), 5U) << "room is kept once it was lacking";
  EXPECT_GE(box_.region.worker(0).tables.evicted.value(), 9U * kRoom);
  establish(7000);
  for (std::uint16_t i = 0; i < kRoom / 2; ++i)
    EXPECT_TRUE(goes_through(from_client(kAck, static_cast<std::uint16_t>(5000 + i)))) << "established never suffer";
  EXPECT_EQ(box_.active(server_), static_cast<std::int64_t>(box_.tables->connections.size()));
  // When it is quiet again nothing more is evicted.
  const std::uint64_t evicted = box_.region.worker(0).tables.evicted.value();
  box_.now += std::chrono::seconds{3};
  box_.turn();
  for (int turns = 0; turns < 20; ++turns) box_.turn();
  EXPECT_EQ(box_.region.worker(0).tables.evicted.value(), evicted);
}

}  // namespace
}  // namespace fulcrum
