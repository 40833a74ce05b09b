// Clients bound to servers, and `fulcrum clear`, through a whole worker.
#include <algorithm>
#include <map>

#include "dataplane/contract/filter.h"
#include "dataplane/packet/parse.h"
#include "tests/worker/test_box.h"

namespace fulcrum {
namespace {

using test::Bytes;
using test::kBack;
using test::kFront;
using test::PacketBuilder;

// One farm: TCP ports 80 and 81, three servers that serve both.
class PersistenceTest : public ::testing::Test {
 protected:
  static constexpr std::array<const char*, 3> kServers{"10.1.1.11", "10.1.1.12", "10.1.1.13"};
  static constexpr std::uint32_t kTimeout = 360;

  explicit PersistenceTest(std::uint32_t capacity = 4096) : box_{capacity} {}
  void SetUp() override {
    publish(32);
    for (const char* server : kServers) box_.know_neighbour(kBack, server, test::kServerMac);
  }
  void TearDown() override { box_.expect_all_accounted_for(); }

  void publish(std::uint8_t length, std::uint32_t timeout_s = kTimeout, std::size_t without = 99,
               ServerState state = ServerState::down) {
    auto build = box_.publish();
    for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{81}}) {
      const ServiceId service = build.service("198.51.100.10", port);
      build.row(service).farm = FarmId{0};
      build.row(service).persistence_s = timeout_s;
      build.row(service).persistence_length = length;
      for (std::size_t i = 0; i < kServers.size(); ++i) {
        const ServerId id =
            build.server(service, kServers[i], 8080, kBack, 1, MemberId{static_cast<std::uint32_t>(100 + i)});
        if (i == without) build.row(id).state = state;
      }
    }
    build.farm(FarmId{0}, "shop", timeout_s);
  }
  // Where a new connection of the client goes.
  std::string opens(const char* client, std::uint16_t port = 80) {
    box_.receive(kFront, PacketBuilder{}
                             .eth({.destination = test::kFrontMac, .source = test::kClientMac})
                             .ipv4({.source = client, .destination = "198.51.100.10"})
                             .tcp({.source_port = ++source_port_, .destination_port = port, .flags = tcp_flag::syn})
                             .build());
    const Bytes frame = box_.sent(kBack);
    Facts facts;
    EXPECT_EQ(parse(frame, ChecksumFact::verify, facts), Drop::none);
    return facts.destination.text();
  }
  std::vector<ConnectionEntry> connections() { return live(box_.region.entries()); }
  std::vector<ConnectionEntry> bindings() { return live(box_.region.persistence_entries()); }
  static std::vector<ConnectionEntry> live(std::span<const ConnectionEntry> entries) {
    std::vector<ConnectionEntry> found;
    for (const ConnectionEntry& at : entries) {
      if (const auto entry = read_entry(at)) found.push_back(*entry);
    }
    return found;
  }
  std::map<Reason, int> reasons() {
    std::map<Reason, int> count;
    for (const ConnectionEntry& entry : connections()) ++count[entry.reason];
    return count;
  }
  std::uint64_t clear(Table table, const EntryFilter& filter) {
    Command command;
    command.kind = Command::Kind::clear;
    command.generation = ++request_;
    command.table = table;
    command.filter = filter;
    box_.send(command);
    TableStatus& status = box_.region.worker(0).tables;
    for (int turns = 0; turns < 100 && status.clear_request.load() != request_; ++turns) box_.turn();
    EXPECT_EQ(status.clear_request.load(), request_);
    return status.cleared.load();
  }

  test::TestBox box_;
  std::uint16_t source_port_ = 1000;
  std::uint64_t request_ = 0;
};

TEST_F(PersistenceTest, AClientStaysOnAllPortsOfTheFarm) {
  const std::string first = opens("192.0.2.1");
  const std::string second = opens("192.0.2.2");
  EXPECT_NE(first, second);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(opens("192.0.2.1", 80), first);
    EXPECT_EQ(opens("192.0.2.1", 81), first);
    EXPECT_EQ(opens("192.0.2.2", 81), second);
  }
  EXPECT_EQ(reasons(), (std::map<Reason, int>{{Reason::persistence, 15}, {reason_of(SchedulerKind::round_robin), 2}}));
  ASSERT_EQ(bindings().size(), 2U);
  std::map<std::string, std::uint32_t> used;
  for (const ConnectionEntry& entry : bindings()) used[binding_of(entry).client.text()] = entry.packets_in;
  EXPECT_EQ(used, (std::map<std::string, std::uint32_t>{{"192.0.2.1/32", 11}, {"192.0.2.2/32", 6}}));
}

TEST_F(PersistenceTest, AClientStaysWithAServerThatDrainsAndMovesFromOneInMaintenance) {
  const std::string first = opens("192.0.2.1");
  const auto place = static_cast<std::size_t>(std::find(kServers.begin(), kServers.end(), first) - kServers.begin());
  for (const ServerState state : {ServerState::draining, ServerState::reserve}) {
    publish(32, kTimeout, place, state);
    EXPECT_EQ(opens("192.0.2.1"), first);
    EXPECT_EQ(opens("192.0.2.1", 81), first);
    for (const char* other : {"192.0.2.20", "192.0.2.21", "192.0.2.22"}) EXPECT_NE(opens(other), first);
  }
  EXPECT_EQ(reasons()[Reason::persistence], 7) << "the others came twice";
  publish(32, kTimeout, place, ServerState::maintenance);
  EXPECT_NE(opens("192.0.2.1"), first);
  EXPECT_EQ(reasons()[Reason::fallback], 1);
}

TEST_F(PersistenceTest, AMaskMakesOneClientOfANetwork) {
  publish(24);
  const std::string first = opens("192.0.2.1");
  EXPECT_EQ(opens("192.0.2.99"), first);
  EXPECT_EQ(opens("192.0.2.255", 81), first);
  EXPECT_NE(opens("192.0.3.1"), first);
}

TEST_F(PersistenceTest, LastsUntilNoNewConnectionCameForItsTime) {
  const std::string first = opens("192.0.2.1");
  for (int i = 0; i < 3; ++i) {
    box_.now += std::chrono::seconds{kTimeout - 1};
    EXPECT_EQ(opens("192.0.2.1"), first) << "each new connection refreshes it";
  }
  box_.now += std::chrono::seconds{kTimeout + 1};
  EXPECT_NE(opens("192.0.2.1"), first) << "over, whether swept or not";
  EXPECT_EQ(reasons()[Reason::fallback], 0);
  for (int turns = 0; turns < 10; ++turns, box_.now += std::chrono::seconds{60}) box_.turn();
  EXPECT_TRUE(bindings().empty()) << "swept";
}

TEST_F(PersistenceTest, MovesFromAServerThatIsDownAndStaysThere) {
  const std::string first = opens("192.0.2.1");
  publish(32, kTimeout, 0);
  ASSERT_EQ(first, kServers[0]);
  const std::string second = opens("192.0.2.1");
  EXPECT_NE(second, first);
  EXPECT_EQ(reasons()[Reason::fallback], 1) << "says that it is not where it should be";
  publish(32);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(opens("192.0.2.1", 81), second);
}

TEST_F(PersistenceTest, SurvivesTheDataplaneAndEndsWithTheFarmsWish) {
  const std::string first = opens("192.0.2.1");
  box_.start_worker(ConnectionTable::Start::warm);
  EXPECT_EQ(opens("192.0.2.1"), first);
  publish(32, 0);
  for (int turns = 0; turns < 4; ++turns, box_.now += std::chrono::seconds{2}) box_.turn();
  EXPECT_TRUE(bindings().empty());
  EXPECT_NE(opens("192.0.2.1"), opens("192.0.2.1"));
}

class SmallPersistenceTest : public PersistenceTest {
 protected:
  SmallPersistenceTest() : PersistenceTest{8} {}
};

TEST_F(SmallPersistenceTest, AFullTableBindsNobodyElseButServesThem) {
  const std::string first = opens("192.0.2.1");
  const auto client = [](int i) { return "192.0.3." + std::to_string(i); };
  for (int i = 0; i < 6; ++i) opens(client(i).c_str());
  // Connections need room, too: those of above are over.
  EXPECT_EQ(clear(Table::connections, {}), 7U);
  for (int turns = 0; turns < 4; ++turns, box_.now += std::chrono::seconds{1}) box_.turn();
  for (int i = 6; i < 9; ++i) EXPECT_FALSE(opens(client(i).c_str()).empty());
  EXPECT_EQ(bindings().size(), 8U);
  EXPECT_EQ(box_.region.worker(0).tables.bindings_refused.value(), 2U);
  EXPECT_EQ(opens("192.0.2.1"), first);
  Event event;
  ASSERT_TRUE(box_.region.worker(0).events.peek(event));
  EXPECT_EQ(event.kind, Event::Kind::bindings_full);
}

TEST_F(PersistenceTest, ClearEndsWhatTheFilterNamesAndNothingElse) {
  for (int i = 0; i < 30; ++i) opens(("192.0.2." + std::to_string(i + 1)).c_str(), i % 2 == 0 ? 80 : 81);
  for (int i = 0; i < 30; ++i) opens(("192.0.3." + std::to_string(i + 1)).c_str());
  EntryFilter network;
  network.client = *Address::parse("192.0.2.0");
  network.client_length = 24;
  EntryFilter member;
  member.member = MemberId{101};
  EntryFilter both = network;
  both.member = member.member;
  EXPECT_EQ(clear(Table::connections, both), 10U);
  EXPECT_EQ(clear(Table::connections, both), 0U);
  EXPECT_EQ(clear(Table::connections, member), 10U);
  EXPECT_EQ(clear(Table::connections, network), 20U);
  EXPECT_EQ(connections().size(), 20U);
  EntryFilter state;
  state.states = state_bit(ConnectionState::established);
  EXPECT_EQ(clear(Table::connections, state), 0U);
  EntryFilter other_farm;
  other_farm.farm = FarmId{1};
  EXPECT_EQ(clear(Table::connections, other_farm), 0U);
  EXPECT_EQ(clear(Table::persistence, other_farm), 0U);
  EXPECT_EQ(clear(Table::persistence, network), 30U);
  EXPECT_EQ(clear(Table::connections, {}), 20U);
  EXPECT_EQ(clear(Table::persistence, {}), 30U);
  EXPECT_TRUE(connections().empty() && bindings().empty());
  for (std::uint16_t row = 0; row < 6; ++row) EXPECT_EQ(box_.active({row, 1}), 0) << "nothing is left in the counts";
}

// A client of a network that is bound as a whole is found by its own address.
TEST_F(PersistenceTest, ClearFindsTheNetworkOfAClient) {
  publish(24);
  opens("192.0.2.1");
  opens("192.0.3.1");
  EntryFilter one;
  one.client = *Address::parse("192.0.2.77");
  one.client_length = 32;
  EXPECT_EQ(clear(Table::persistence, one), 1U);
  EXPECT_EQ(bindings().size(), 1U);
}

TEST_F(PersistenceTest, ClearingALargeTableTakesManyShortTurns) {
  for (int i = 0; i < 1000; ++i) opens("192.0.2.1");
  Command command;
  command.kind = Command::Kind::clear;
  command.generation = 1;
  box_.send(command);
  std::size_t before = box_.tables->connections.size(), turns = 0;
  while (box_.region.worker(0).tables.clear_request.load() != 1 && turns++ < 100) {
    box_.turn();
    EXPECT_LE(before - box_.tables->connections.size(), ConnectionTable::kRemovalsMax);
    before = box_.tables->connections.size();
  }
  EXPECT_EQ(before, 0U);
  EXPECT_GE(turns, 7U);
  EXPECT_EQ(box_.region.worker(0).tables.cleared.load(), 1000U);
}

}  // namespace
}  // namespace fulcrum
