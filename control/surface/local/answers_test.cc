// Questions and answers as the socket's clients meet them, over a region that the test fills.
#include "control/surface/local/answers.h"

#include <nlohmann/json.hpp>

#include "control/surface/local/dispatcher.h"
#include "dataplane/base/clock.h"
#include "tests/support/gtest.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;

class KeepsAnswer final : public LineServer::Reply {
 public:
  void send(std::string line) override { answer = json::parse(line); }
  [[nodiscard]] bool is_wanted() const override { return wanted; }
  [[nodiscard]] const access::Peer& peer() const override { return asker; }
  json answer;
  bool wanted = true;
  access::Peer asker{};
};

class AnswersTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kConnections = 100'000;

  AnswersTest() {
    Snapshot& snapshot = region.snapshot(0);
    test::SnapshotBuilder builder{snapshot, 7};
    service = builder.service("198.51.100.10", 80);
    web1 = builder.server(service, "10.1.1.11", 8080);
    web2 = builder.server(service, "10.1.1.12", 8080);
    builder.row(service).farm = FarmId{0};
    snapshot.farms[0].name = Name{"shop"};
    snapshot.server_names[web1.index] = Name{"web1"};
    snapshot.server_names[web2.index] = Name{"web2"};
    model.farms.emplace_back();
    model::Farm& farm = model.farms[0];
    farm.name = "shop";
    farm.addresses = {*Address::parse("198.51.100.10")};
    farm.ports = {{.protocol = Protocol::tcp, .port = 80, .server_port = 8080}};
    farm.servers = {{.name = "web1", .addresses = {*Address::parse("10.1.1.11")}, .weight = 10},
                    {.name = "web2", .addresses = {*Address::parse("10.1.1.12")}, .weight = 20}};
  }

  View look() {
    return {.model = model,
            .region = &region,
            .snapshot = &region.snapshot(0),
            .dataplane_alive = alive,
            .alarms = {"The connection table is full."},
            .waiting_for = {},
            .workers = {{.acknowledged = 7, .unread = 0, .waiting = 0}, {.acknowledged = 6, .unread = 2, .waiting = 1}},
            .health = [this](const model::Farm&, const Address& address,
                             const model::ServicePort& port) -> std::optional<TargetHealth> {
              if (!checked) return std::nullopt;
              const bool up = address == *Address::parse("10.1.1.11") && port.port != failed_port;
              return TargetHealth{.judgement = {.health = up ? Health::up : Health::down},
                                  .reason = up ? "connected" : "connection refused",
                                  .since = std::chrono::system_clock::now() - std::chrono::seconds{90},
                                  .last = "connected"};
            },
            .compiled = compiled,
            .config_file = "fulcrum.cfg",
            .config_loaded = {},
            .config_rejected = rejected,
            .now = std::chrono::seconds{1000}};
  }
  json ask(const std::string& line) {
    const auto reply = std::make_shared<KeepsAnswer>();
    dispatcher.answer(line, reply);
    loop.restart();
    loop.run();
    return reply->answer;
  }
  void count(std::size_t worker, ServerId server, std::uint64_t opened, std::int32_t active, std::int32_t closing = 0) {
    ServerCounters& row = region.server_counters(worker)[server.index];
    row.server_generation = server.generation;
    row.connections.add(opened);
    row.active = active;
    row.closing = closing;
    row.bytes_in.add(opened * 100);
  }
  void connect(std::size_t at, ServerId server, std::uint16_t client_port, Life life = Life::live) {
    ConnectionEntry& entry = region.entries()[at];
    entry.key.client = *Address::parse("203.0.113.5");
    entry.key.client_port = Be16{client_port};
    entry.key.service = service;
    entry.key.service_port = Be16{80};
    entry.server = server;
    entry.state = ConnectionState::established;
    entry.reason = reason_of(SchedulerKind::least_connections);
    entry.last_seen = to_tick(std::chrono::seconds{990});
    entry.key.opened = OpenedAt::at(to_tick(std::chrono::seconds{900})).bits();
    entry.bytes_in_high = 1;
    entry.bytes_in = 5;
    entry.word = static_cast<std::uint32_t>(life);
  }

  Region region{*Region::create_anonymous({.workers = 2, .connections = kConnections, .persistence = 100})};
  model::Model model;
  ServiceId service;
  ServerId web1, web2;
  std::vector<CompiledServer> compiled;
  bool checked = true, alive = true;
  std::uint16_t failed_port = 0;
  std::vector<std::string> rejected;
  boost::asio::io_context loop;
  std::vector<std::pair<Table, std::vector<EntryFilter>>> cleared;
  Result<std::uint64_t> clear_result = 12;
  Dispatcher dispatcher{
      loop,
      [this] { return look(); },
      [this](Table table, std::vector<EntryFilter> filters, const Clearer::Done& done) {
        cleared.emplace_back(table, std::move(filters));
        done(clear_result);
      },
      [](const ExplainRequest&, const Questioner::Done& done) { done({}, fail(Error::Code::io, "", "nobody to ask")); },
      [](const telemetry::HistoryQuery&, const telemetry::Recorder::Done& done) {
        done(std::vector<telemetry::HistoryPoint>{{.time = 1'800'000'000, .rates = {5, 0, 0, 2, 0}}});
      },
      [](const std::string& line, const access::Peer& peer, const auto& done) { done(peer.name() + " asks " + line); }};
};

TEST_F(AnswersTest, FarmsAddUpTheirServersOverAllWorkers) {
  count(0, web1, 10, 5, 3);
  count(1, web1, 20, -2, -1);  // closed here what the other worker had opened
  count(1, web2, 30, 1);
  const json farm = ask(R"({"show": "farms"})")["farms"][0];
  EXPECT_EQ(farm["name"], "shop");
  EXPECT_EQ(farm["state"], "degraded");
  EXPECT_EQ(farm["reason"], "1 of 2 servers take new clients (down: web2)");
  EXPECT_EQ(farm["servers_serving"], 1);
  EXPECT_EQ(farm["servers_up"], 1);
  EXPECT_EQ(farm["servers_total"], 2);
  EXPECT_EQ(farm["total_connections"], 60);
  EXPECT_EQ(farm["active_connections"], 2);
  EXPECT_EQ(farm["closing_connections"], 2);
  EXPECT_EQ(farm["bytes_in"], 6000);
  EXPECT_EQ(farm["services"][0]["address"], "198.51.100.10");
}

TEST_F(AnswersTest, CountersOfAnEarlierServerDoNotCount) {
  ServerId former = web1;
  former.generation = static_cast<std::uint16_t>(former.generation + 1);
  count(0, former, 99, 99);
  EXPECT_EQ(ask(R"({"show": "farms"})")["farms"][0]["total_connections"], 0);
}

TEST_F(AnswersTest, ServersSayHowTheyAreAndWhy) {
  count(0, web2, 3, 2);
  const json servers = ask(R"({"show": "servers"})")["servers"];
  ASSERT_EQ(servers.size(), 2U);
  EXPECT_EQ(servers[0]["state"], "up");
  EXPECT_EQ(servers[1]["name"], "web2");
  EXPECT_EQ(servers[1]["state"], "down");
  EXPECT_EQ(servers[1]["reason"], "connection refused");
  EXPECT_EQ(servers[1]["for_s"], 90);
  EXPECT_EQ(servers[1]["address"], "10.1.1.12");
  EXPECT_EQ(servers[1]["port"], 8080);
  EXPECT_EQ(servers[1]["weight"], 20);
  EXPECT_EQ(servers[1]["active_connections"], 2);
  EXPECT_EQ(servers[1]["role"], "active");
  EXPECT_EQ(servers[1]["wanted"], "enabled");
  EXPECT_TRUE(servers[1]["duty"].is_null()) << "another configuration is in force";
  checked = false;
  EXPECT_EQ(ask(R"({"show": "servers"})")["servers"][1]["state"], "up");
}

TEST_F(AnswersTest, ServersSayWhatTheyDoInTheirFarm) {
  model.farms[0].servers[1].role = model::ServerRole::standby;
  compiled = {{web1, service, 0, 0, {ServerState::up, roster::Why::serves}},
              {web2, service, 0, 1, {ServerState::reserve, roster::Why::not_needed}}};
  const json servers = ask(R"({"show": "servers"})")["servers"];
  EXPECT_EQ(servers[0]["duty"], "up");
  EXPECT_EQ(servers[0]["duty_reason"], "");
  EXPECT_EQ(servers[1]["role"], "standby");
  EXPECT_EQ(servers[1]["duty"], "standby");
  EXPECT_EQ(servers[1]["duty_reason"], "ready, and not needed");
}

TEST_F(AnswersTest, AServerSaysWhichOfItsBoundPortsFailed) {
  model.farms[0].ports.push_back({.protocol = Protocol::tcp, .port = 443});
  failed_port = 443;
  compiled = {{web1, service, 0, 0, {ServerState::down, roster::Why::port_failed, 1}}};
  const json web = ask(R"({"show": "servers"})")["servers"][0];
  EXPECT_EQ(web["state"], "up");
  EXPECT_EQ(web["duty"], "down");
  EXPECT_EQ(web["duty_reason"], "tcp port 443 is down, and the farm's ports are bound");
  const json farm = ask(R"({"show": "farms"})")["farms"][0];
  EXPECT_EQ(farm["state"], "down") << "nobody serves on any port";
  EXPECT_EQ(farm["servers_up"], 0);
  compiled = {};
  EXPECT_EQ(ask(R"({"show": "farms"})")["farms"][0]["state"], "down") << "nothing is in force yet: as it will be";
  model.farms[0].port_health = model::PortHealth::independent;
  const json half = ask(R"({"show": "farms"})")["farms"][0];
  EXPECT_EQ(half["state"], "degraded");
  EXPECT_EQ(half["unserved"], json({"tcp port 443 over IPv4"}));
  EXPECT_EQ(half["reason"].get<std::string>().rfind("nobody serves tcp port 443 over IPv4; 0 of 2 servers", 0), 0U)
      << half["reason"];
}

// A farm is up when somebody takes its new clients, whatever the checks say.
TEST_F(AnswersTest, AFarmIsWhatItsServersTake) {
  using roster::Why;
  checked = false;
  struct Row {
    roster::Duty web1, web2;
    const char* state;
    const char* reason;
  };
  const Row rows[]{
      {{ServerState::up, Why::serves}, {ServerState::up, Why::serves}, "up", ""},
      {{ServerState::up, Why::serves}, {ServerState::reserve, Why::not_needed}, "up", ""},
      {{ServerState::maintenance, Why::maintenance},
       {ServerState::draining, Why::drained},
       "down",
       "0 of 2 servers take new clients (draining: web2; maintenance: web1)"},
      {{ServerState::up, Why::full},
       {ServerState::down, Why::failed},
       "full",
       "0 of 2 servers take new clients (down: web2; full: web1)"},
      {{ServerState::reserve, Why::waits},
       {ServerState::up, Why::stands_in},
       "degraded",
       "1 of 2 servers take new clients (waiting while a standby holds its place: web1)"},
  };
  for (const Row& row : rows) {
    compiled = {{web1, service, 0, 0, row.web1}, {web2, service, 0, 1, row.web2}};
    const json farm = ask(R"({"show": "farms"})")["farms"][0];
    EXPECT_EQ(farm["state"], row.state) << row.reason;
    EXPECT_EQ(farm["reason"], row.reason);
    EXPECT_EQ(farm["servers_up"], 2);
  }
}

TEST_F(AnswersTest, DropsBalance) {
  region.worker(0).packets.received.add(100);
  region.worker(1).packets.from_linux.add(7);
  region.worker(0).packets.sent.add(90);
  region.worker(2).packets.punted.add(6);
  region.worker(1).packets.drops[static_cast<std::size_t>(Drop::ttl)].add(4);
  region.worker(2).packets.drops[static_cast<std::size_t>(Drop::twin_refused)].add(5);
  region.header().ports[0].in_use = 1;
  region.header().ports[0].name = Name{"front"};
  region.worker(1).ports[0].sent_packets.add(11);
  const json answer = ask(R"({"show": "drops"})");
  EXPECT_EQ(answer["received"], 100);
  EXPECT_EQ(answer["from_linux"], 7);
  EXPECT_EQ(answer["dropped"], 9);
  EXPECT_EQ(answer["unaccounted"], 2);
  ASSERT_EQ(answer["drops"].size(), 2U);
  EXPECT_EQ(answer["drops"][0]["reason"], "ttl");
  EXPECT_EQ(answer["drops"][0]["means"], "TTL or hop limit used up");
  EXPECT_EQ(answer["ports"][0]["sent_packets"], 11);
  EXPECT_TRUE(answer["lost_before_receive"].empty());
}

TEST_F(AnswersTest, LossesStandApartFromTheBalance) {
  region.header().ports[1].in_use = 1;
  region.header().ports[1].name = Name{"back"};
  region.worker(2).ports[1].lost[static_cast<std::size_t>(Loss::ring_full)].add(12);
  const json answer = ask(R"({"show": "drops"})");
  ASSERT_EQ(answer["lost_before_receive"].size(), 1U);
  const json& row = answer["lost_before_receive"][0];
  EXPECT_EQ(row["port"], "back");
  EXPECT_EQ(row["reason"], "ring_full");
  EXPECT_EQ(row["packets"], 12);
  EXPECT_EQ(answer["dropped"], 0);
  EXPECT_EQ(answer["received"], 0);
  EXPECT_EQ(answer["unaccounted"], 0);
}

TEST_F(AnswersTest, VersionTellsWhoHasWhat) {
  rejected = {"fulcrum.cfg:3: farms: wrong"};
  const json answer = ask(R"({"show": "version"})");
  EXPECT_EQ(answer["snapshot_generation"], 7);
  EXPECT_EQ(answer["workers"][1]["acknowledged_generation"], 6);
  EXPECT_EQ(answer["workers"][1]["commands_waiting"], 1);
  EXPECT_EQ(answer["region"]["layout_version"], kLayoutVersion);
  EXPECT_EQ(answer["configuration"]["rejected_since"][0], "fulcrum.cfg:3: farms: wrong");
}

TEST_F(AnswersTest, ConnectionsInWords) {
  connect(5, web1, 4711);
  connect(6, web1, 4712, Life::dead);
  const json answer = ask(R"({"show": "connections"})");
  ASSERT_EQ(answer["connections"].size(), 1U);
  const json& row = answer["connections"][0];
  EXPECT_EQ(row["client"], "203.0.113.5:4711");
  EXPECT_EQ(row["farm"], "shop");
  EXPECT_EQ(row["service"], "198.51.100.10:80");
  EXPECT_EQ(row["server"], "web1");
  EXPECT_EQ(row["server_address"], "10.1.1.11:8080");
  EXPECT_EQ(row["state"], "established");
  EXPECT_EQ(row["reason"], "least_connections");
  EXPECT_EQ(row["why"], "least connections");
  EXPECT_EQ(row["idle_s"], 10);
  EXPECT_EQ(row["age_s"], 100);
  EXPECT_EQ(row["bytes_in"], (1ULL << 32U) + 5);
  EXPECT_TRUE(answer["next"].is_null());
}

TEST_F(AnswersTest, WhyInWords) {
  region.snapshot(0).services[service.value].scheduler = SchedulerKind::weighted_round_robin;
  const std::pair<Reason, const char*> rows[]{{reason_of(SchedulerKind::maglev), "maglev"},
                                              {Reason::persistence, "bound client"},
                                              {Reason::fallback, "bound client, moved by weighted round robin"},
                                              {Reason::spare, "had room"},
                                              {Reason::stand_in, "stands in"},
                                              {Reason::port_taken, "port in use elsewhere"},
                                              {Reason::scheduler, "weighted round robin"}};
  connect(5, web1, 4711);
  for (const auto& [reason, words] : rows) {
    region.entries()[5].reason = reason;
    EXPECT_EQ(ask(R"({"show": "connections"})")["connections"][0]["why"], words);
  }
}

TEST_F(AnswersTest, PagesJoinWithoutGapOrOverlap) {
  for (std::uint16_t i = 0; i < 250; ++i) connect(static_cast<std::size_t>(i) * 399, i % 2 == 0 ? web1 : web2, i);
  std::set<std::string> seen;
  json next = 0;
  int pages = 0;
  while (!next.is_null()) {
    const json answer = ask(json{{"show", "connections"}, {"offset", next}, {"limit", 60}}.dump());
    for (const json& row : answer["connections"]) EXPECT_TRUE(seen.insert(row["client"]).second);
    next = answer["next"];
    ++pages;
  }
  EXPECT_EQ(seen.size(), 250U);
  EXPECT_EQ(pages, 5);
  EXPECT_EQ(ask(R"({"show": "connections", "server": "web2", "limit": 1000})")["connections"].size(), 125U);
  EXPECT_EQ(ask(R"({"show": "connections", "farm": "shop", "limit": 1000})")["connections"].size(), 250U);
}

// The table is larger than what one turn may read, so a client that leaves ends the walk between two turns.
TEST_F(AnswersTest, AWalkTakesTurnsAndEndsWithItsClient) {
  static_assert(kConnections > EntryWalk::entries_per_turn * 2);
  const auto reply = std::make_shared<KeepsAnswer>();
  dispatcher.answer(R"({"show": "connections"})", reply);
  EXPECT_TRUE(reply->answer.is_null());
  EXPECT_EQ(loop.run_one(), 1U);
  EXPECT_TRUE(reply->answer.is_null());
  reply->wanted = false;
  loop.run();
  EXPECT_TRUE(reply->answer.is_null());
}

// Ids in an entry may be older than the snapshot, or anything if the table is damaged.
TEST_F(AnswersTest, AConnectionOfAGoneServerIsShownWithoutIt) {
  connect(1, {.index = web1.index, .generation = 99}, 1);
  connect(2, {.index = UINT16_MAX, .generation = 1}, 2);
  connect(3, web1, 3);
  region.entries()[3].key.service = ServiceId{UINT16_MAX};
  const json rows = ask(R"({"show": "connections"})")["connections"];
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_TRUE(rows[0]["server"].is_null());
  EXPECT_TRUE(rows[1]["server"].is_null());
  EXPECT_TRUE(rows[2]["farm"].is_null());
}

TEST_F(AnswersTest, BadQuestionsGetAReason) {
  const std::pair<const char*, const char*> cases[]{
      {"", "invalid"},
      {"garbage", "invalid"},
      {"\xFF\xFE\x00", "invalid"},
      {"[]", "invalid"},
      {"{}", "invalid"},
      {R"({"show": 7})", "invalid"},
      {R"({"show": "secrets"})", "invalid"},
      {R"({"show": "farms", "extra": 1})", "invalid"},
      {R"({"show": "connections", "limit": 0})", "invalid"},
      {R"({"show": "connections", "limit": 1001})", "invalid"},
      {R"({"show": "connections", "limit": "many"})", "invalid"},
      {R"({"show": "connections", "offset": -1})", "invalid"},
      {R"({"show": "connections", "farm": 3})", "invalid"},
      {R"({"show": "connections", "client": "192.0.2.0/33"})", "invalid"},
      {R"({"show": "connections", "client": "everybody"})", "invalid"},
      {R"({"show": "connections", "state": "open"})", "invalid"},
      {R"({"show": "connections", "state": "udp,"})", "invalid"},
      {R"({"show": "connections", "all": true})", "invalid"},
      {R"({"show": "persistence", "state": "udp"})", "invalid"},
      {R"({"clear": "farms"})", "invalid"},
      {R"({"clear": "connections"})", "invalid"},
      {R"({"clear": "connections", "all": false})", "invalid"},
      {R"({"clear": "connections", "all": true, "farm": "shop"})", "invalid"},
      {R"({"clear": "connections", "all": 1})", "invalid"},
      {R"({"clear": "connections", "farm": "shop", "limit": 5})", "invalid"},
      {R"({"clear": "persistence", "server": "nobody"})", "not_found"},
      {R"({"show": "connections", "farm": "nowhere"})", "not_found"},
      {R"({"show": "connections", "server": "nobody"})", "not_found"},
  };
  for (const auto& [question, code] : cases) {
    const json answer = ask(question);
    EXPECT_EQ(answer["error"]["code"], code) << question;
    EXPECT_FALSE(answer["error"]["text"].get<std::string>().empty());
  }
  EXPECT_EQ(ask(std::string(4000, '['))["error"]["code"], "invalid");
  EXPECT_TRUE(cleared.empty());
}

TEST_F(AnswersTest, AnOffsetBeyondTheTableIsAnEmptyPage) {
  const json answer = ask(R"({"show": "connections", "offset": 18446744073709551615})");
  EXPECT_TRUE(answer["connections"].empty());
  EXPECT_TRUE(answer["next"].is_null());
}

TEST_F(AnswersTest, ConnectionsByFilter) {
  for (std::uint16_t i = 0; i < 40; ++i) {
    connect(i, i % 2 == 0 ? web1 : web2, i);
    ConnectionEntry& entry = region.entries()[i];
    entry.key.client = Address::v4(Be32{0xC0000200U + (i < 10 ? 0U : 256U) + i});
    entry.state = i % 4 == 0 ? ConnectionState::embryonic : ConnectionState::established;
  }
  const auto count_of = [&](const json& filter) {
    json question{{"show", "connections"}, {"limit", 1000}};
    question.update(filter);
    return ask(question.dump())["connections"].size();
  };
  EXPECT_EQ(count_of(json::object()), 40U);
  EXPECT_EQ(count_of({{"client", "192.0.2.0/24"}}), 10U);
  EXPECT_EQ(count_of({{"client", "192.0.2.3"}}), 1U);
  EXPECT_EQ(count_of({{"client", "2001:db8::/32"}}), 0U);
  EXPECT_EQ(count_of({{"state", "embryonic"}}), 10U);
  EXPECT_EQ(count_of({{"state", "embryonic,established"}}), 40U);
  EXPECT_EQ(count_of({{"state", "reset"}}), 0U);
  EXPECT_EQ(count_of({{"server", "web1"}, {"client", "192.0.2.0/24"}}), 5U);
  EXPECT_EQ(count_of({{"farm", "shop"}, {"server", "web2"}, {"state", "embryonic"}}), 0U);
}

TEST_F(AnswersTest, HowFullTheTableIsAndWhatIsWrong) {
  region.worker(1).tables.connections = 77;
  region.worker(1).tables.evicted.add(5);
  region.worker(0).packets.drops[static_cast<std::size_t>(Drop::table_full)].add(3);
  const json answer = ask(R"({"show": "connections"})");
  EXPECT_EQ(answer["table"], (json{{"capacity", kConnections}, {"live", 77}, {"evicted", 5}, {"refused", 3}}));
  EXPECT_EQ(answer["dataplane"]["alarms"][0], "The connection table is full.");
}

TEST_F(AnswersTest, BindingsInWords) {
  Snapshot& snapshot = region.snapshot(0);
  snapshot.farms[0].persistence_s = 360;
  const auto bind = [&](std::size_t at, std::uint16_t farm, const char* client, std::uint8_t length, ServerId server) {
    ConnectionEntry& entry = region.persistence_entries()[at];
    entry.key = binding_key(FarmId{farm}, *Address::parse(client), length);
    entry.key.opened = OpenedAt::at(to_tick(std::chrono::seconds{400})).bits();
    entry.server = std::bit_cast<ServerId>(snapshot.servers[server.index].member.value);
    entry.last_seen = to_tick(std::chrono::seconds{900});
    entry.packets_in = 4;
    entry.word = static_cast<std::uint32_t>(Life::live);
  };
  bind(3, 0, "203.0.113.77", 24, web2);
  bind(4, 0, "203.0.114.1", 32, web1);
  bind(5, 9, "203.0.113.1", 32, web1);
  const json rows = ask(R"({"show": "persistence", "client": "203.0.113.5", "farm": "shop"})")["persistence"];
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0], (json{{"client", "203.0.113.0/24"},
                           {"farm", "shop"},
                           {"server", "web2"},
                           {"age_s", 600},
                           {"unused_s", 100},
                           {"expires_s", 260},
                           {"connections", 4}}));
  EXPECT_EQ(ask(R"({"show": "persistence", "server": "web1"})")["persistence"].size(), 2U);
  const json all = ask(R"({"show": "persistence"})");
  EXPECT_TRUE(all["persistence"][2]["farm"].is_null()) << "a farm that is gone";
  EXPECT_EQ(all["table"]["capacity"], 100);
}

TEST_F(AnswersTest, ClearIsHandedOnInIds) {
  const json answer = ask(R"({"clear": "connections", "server": "web2", "client": "192.0.2.0/24", "state": "udp"})");
  EXPECT_EQ(answer["cleared"], 12);
  ASSERT_EQ(cleared.size(), 1U);
  EXPECT_EQ(cleared[0].first, Table::connections);
  EntryFilter wanted;
  wanted.client = *Address::parse("192.0.2.0");
  wanted.client_length = 24;
  wanted.states = state_bit(ConnectionState::udp);
  wanted.member = region.snapshot(0).servers[web2.index].member;
  EXPECT_EQ(cleared[0].second, std::vector<EntryFilter>{wanted});
  EXPECT_EQ(ask(R"({"clear": "persistence", "all": true})")["table"], "persistence");
  EXPECT_EQ(cleared[1].first, Table::persistence);
  EXPECT_EQ(cleared[1].second, std::vector<EntryFilter>{{}});
}

TEST_F(AnswersTest, ClearSaysWhyItCannot) {
  clear_result = fail(Error::Code::io, "", "a worker has not answered");
  EXPECT_EQ(ask(R"({"clear": "connections", "all": true})")["error"]["text"], "a worker has not answered");
  alive = false;
  EXPECT_EQ(ask(R"({"clear": "connections", "all": true})")["error"]["code"], "failed");
  EXPECT_EQ(cleared.size(), 1U);
}

}  // namespace
}  // namespace fulcrum::surface
