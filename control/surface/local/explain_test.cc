#include "control/surface/local/explain.h"

#include <nlohmann/json.hpp>

#include "tests/support/gtest.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;
using test::SnapshotBuilder;

class ExplainTest : public ::testing::Test {
 protected:
  ExplainTest() {
    for (std::size_t i = 0; i < 2; ++i) {
      region_.header().ports[i].name = Name{i == 0 ? "front" : "back"};
      region_.header().ports[i].in_use = 1;
    }
    SnapshotBuilder build{region_.snapshot(0), 41};
    build.farm(FarmId{0}, "shop");
    build.route("0.0.0.0", {.kind = RouteKind::gateway, .port = PortId{1}});
    build.route("198.51.100.0", {.kind = RouteKind::on_link, .port = PortId{0}});
    build.route("198.51.101.0", {});
    service_ = build.service("203.0.113.10", 443);
    build.row(service_).farm = FarmId{0};
    web1_ = build.server(service_, "10.1.1.11", 8443);
    region_.snapshot(0).server_names[web1_.index] = Name{"web1"};
  }
  [[nodiscard]] View look() const {
    View view{.model = model_, .region = &region_, .snapshot = &region_.snapshot(0), .dataplane_alive = alive_};
    view.changed_by = [](const std::string& path, std::uint64_t) -> std::optional<std::uint64_t> {
      return path == "farms.shop.timeouts" ? std::nullopt : std::optional<std::uint64_t>{12};
    };
    return view;
  }
  [[nodiscard]] Result<ExplainRequest> read(const char* question) const {
    return read_explain(json::parse(question), look());
  }
  [[nodiscard]] std::string refusal(const char* question) const {
    const auto request = read(question);
    return request ? "" : request.error().path + " " + request.error().text;
  }

  Region region_{*Region::create_anonymous({.workers = 2})};
  model::Model model_;
  ServiceId service_;
  ServerId web1_;
  bool alive_ = true;
};

TEST_F(ExplainTest, ReadsAQuestion) {
  const auto request = read(
      R"({"explain": {"protocol": "tcp", "source": "198.51.100.7:40000", "destination": "203.0.113.10:443",
                      "flags": "syn,ack", "worker": 1, "ttl": 3, "payload": 100}, "candidate": "next"})");
  ASSERT_TRUE(request.has_value()) << request.error().words();
  EXPECT_EQ(request->question.source, *Address::parse("198.51.100.7"));
  EXPECT_EQ(request->question.source_port.host(), 40000);
  EXPECT_EQ(request->question.destination_port.host(), 443);
  EXPECT_EQ(request->question.tcp_flags, 0x12);
  EXPECT_EQ(request->question.worker, WorkerId{1});
  EXPECT_EQ(request->question.ttl, 3);
  EXPECT_EQ(request->question.payload, 100);
  EXPECT_EQ(request->question.port, PortId{0});  // where the way to the source leads
  EXPECT_EQ(request->candidate, "next");
}

TEST_F(ExplainTest, TakesAPortByNameAndIpv6InBrackets) {
  const auto request = read(
      R"({"explain": {"protocol": "udp", "source": "[2001:db8::7]:40000", "destination": "[2001:db8::10]:53",
                      "port": "back"}})");
  ASSERT_TRUE(request.has_value()) << request.error().words();
  EXPECT_EQ(request->question.port, PortId{1});
  EXPECT_EQ(request->question.source, *Address::parse("2001:db8::7"));
}

TEST_F(ExplainTest, SaysWhatIsWrongWithAQuestion) {
  const auto with = [](const std::string& rest) {
    return R"({"explain": {"protocol": "tcp", "source": "198.51.100.7:40000", "destination": )" + rest + "}}";
  };
  EXPECT_NE(refusal(with(R"("203.0.113.10")").c_str()).find("destination is an address and a port"), std::string::npos);
  EXPECT_NE(refusal(with(R"("[203.0.113.10]:443")").c_str()).find("destination"), std::string::npos);
  EXPECT_NE(refusal(with(R"("203.0.113.10:0")").c_str()).find("destination"), std::string::npos);
  EXPECT_NE(refusal(with(R"("[2001:db8::1]:443")").c_str()).find("another family"), std::string::npos);
  EXPECT_NE(refusal(with(R"("203.0.113.10:443", "flags": "sym")").c_str()).find("flags"), std::string::npos);
  EXPECT_NE(refusal(with(R"("203.0.113.10:443", "flags": "syn ack")").c_str()).find("commas"), std::string::npos);
  EXPECT_NE(refusal(with(R"("203.0.113.10:443", "worker": 2)").c_str()).find("from 0 to 1"), std::string::npos);
  EXPECT_NE(refusal(with(R"("203.0.113.10:443", "port": "side")").c_str()).find("front, back"), std::string::npos);
  EXPECT_NE(refusal(with(R"("203.0.113.10:443", "colour": 1)").c_str()).find("colour"), std::string::npos);
  alive_ = false;
  EXPECT_NE(refusal(with(R"("203.0.113.10:443")").c_str()).find("not running"), std::string::npos);
}

TEST_F(ExplainTest, TellsTheWayToAServer) {
  const auto request =
      read(R"({"explain": {"protocol": "tcp", "source": "198.51.100.7:40000", "destination": "203.0.113.10:443"}})");
  ASSERT_TRUE(request.has_value());
  auto answer = std::make_unique<ExplainAnswer>();
  answer->generation = 41;
  answer->outcome = ExplainAnswer::Outcome::send;
  answer->service = service_.value;
  answer->server = web1_.index;
  answer->out = PortId{1};
  answer->opens = 1;
  answer->next_hop = *Address::parse("10.1.1.11");
  answer->servers_total = answer->servers_count = 1;
  answer->servers[0] = {.id = web1_, .member = {}, .weight = 5, .is_usable = 1, .turn = 0, .active = 7};
  const json told = explain_answer(look(), *request, request->question, *answer, region_.snapshot(0));
  EXPECT_EQ(told["outcome"]["text"], "Sent to server web1 of farm shop by port back.");
  EXPECT_EQ(told["configuration"]["generation"], 41);
  EXPECT_EQ(told["service"]["path"], "farms.shop");
  EXPECT_EQ(told["stages"].size(), 6U);
  EXPECT_EQ(told["stages"][3]["because"][0], "farms.shop.persistence");
  EXPECT_EQ(told["stages"][3]["because"][1], "farms.shop.servers.web1");
  EXPECT_EQ(told["revisions"]["farms.shop.servers.web1"], 12);
  EXPECT_EQ(told["revisions"]["farms.shop.timeouts"], nullptr);
  EXPECT_EQ(told["revisions"]["ports.back"], 12);
  EXPECT_EQ(told["servers"][0]["active_connections"], 7);
  EXPECT_EQ(told["servers"][0]["chosen"], true);
  EXPECT_EQ(told["rewrite"]["readdressed"]["to"], "10.1.1.11:8443");
}

TEST_F(ExplainTest, SaysWhatTheSchedulerCompared) {
  const auto request =
      read(R"({"explain": {"protocol": "tcp", "source": "198.51.100.7:40000", "destination": "203.0.113.10:443"}})");
  ASSERT_TRUE(request.has_value());
  auto answer = std::make_unique<ExplainAnswer>();
  answer->outcome = ExplainAnswer::Outcome::send;
  answer->service = service_.value;
  answer->server = web1_.index;
  answer->opens = 1;
  answer->servers_total = answer->servers_count = 1;
  answer->servers[0] = {.id = web1_, .member = {}, .weight = 5, .is_usable = 1, .active = 7, .score = 1.6};
  Snapshot& snapshot = region_.snapshot(0);
  const auto told = [&](SchedulerKind scheduler) {
    snapshot.services[service_.value].scheduler = scheduler;
    answer->reason = reason_of(scheduler);
    return explain_answer(look(), *request, request->question, *answer, snapshot);
  };
  json said = told(SchedulerKind::weighted_least_connections);
  EXPECT_EQ(said["servers"][0]["score"], 1.6);
  EXPECT_TRUE(said["servers"][0]["turn"].is_null());
  EXPECT_TRUE(said["servers"][0]["slots"].is_null());
  EXPECT_EQ(said["stages"][3]["text"].back(),
            "It takes the server with the lowest score: its connections for each unit of weight, the one to come "
            "included.");
  EXPECT_EQ(said["service"]["scheduler_goes_by"], said["stages"][3]["text"].back());
  EXPECT_EQ(told(SchedulerKind::two_choices)["service"]["scheduler_goes_by"].get<std::string>().find("It draws two"),
            0U);
  answer->servers[0].score = ExplainedServer::no_score;
  snapshot.services[service_.value].slots = 0;
  snapshot.slot_tables[0] = {.made_from = 0, .offset = 1000, .length = 3};
  for (const std::size_t other : {1001U, 1002U}) snapshot.schedule[other] = 1;
  snapshot.schedule[snapshot.services[service_.value].schedule_offset + 1] = 77;
  said = told(SchedulerKind::maglev);
  EXPECT_EQ(said["servers"][0]["slots"], 1);
  EXPECT_TRUE(said["servers"][0]["score"].is_null());
  // Every scheduler has a sentence.
  for (std::size_t kind = 0; kind < kSchedulers; ++kind) {
    EXPECT_NE(told(static_cast<SchedulerKind>(kind))["service"]["scheduler_goes_by"], "") << kind;
  }
}

TEST_F(ExplainTest, SaysWhoseAddressItIsThatNobodyServes) {
  const auto request =
      read(R"({"explain": {"protocol": "udp", "source": "198.51.100.7:40000", "destination": "203.0.113.10:443"}})");
  ASSERT_TRUE(request.has_value());
  auto answer = std::make_unique<ExplainAnswer>();
  answer->ended_at = Stage::classify;
  answer->drop = Drop::no_service;
  answer->route.kind = RouteKind::service;
  const auto told = [&] {
    return explain_answer(look(), *request, request->question, *answer, region_.snapshot(0))["stages"][1];
  };
  json classify = told();
  EXPECT_EQ(classify["text"][0], "203.0.113.10 is an address of farm shop, which serves 203.0.113.10:443/tcp.");
  EXPECT_EQ(classify["because"], json{"farms.shop.ports"});
  answer->outcome = ExplainAnswer::Outcome::punt;
  answer->route.kind = RouteKind::local;
  classify = told();
  EXPECT_EQ(classify["text"][0], "203.0.113.10 is an address of the box itself.");
  EXPECT_EQ(classify["because"], json{"ports"});
}

TEST_F(ExplainTest, NamesThePortThatKeepsAServerAway) {
  const auto request =
      read(R"({"explain": {"protocol": "tcp", "source": "198.51.100.7:40000", "destination": "203.0.113.10:443"}})");
  ASSERT_TRUE(request.has_value());
  auto answer = std::make_unique<ExplainAnswer>();
  answer->service = service_.value;
  answer->servers_total = answer->servers_count = 1;
  answer->servers[0] = {.id = web1_, .member = {}, .state = ServerState::down};
  const auto told = [&] {
    return explain_answer(look(), *request, request->question, *answer, region_.snapshot(0))["servers"][0]["reason"];
  };
  EXPECT_TRUE(told().is_null());
  ServiceRow& pay = region_.snapshot(0).services[service_.value + 1U];
  pay.protocol = Protocol::tcp;
  pay.port = Be16{8000};
  region_.snapshot(0).servers[web1_.index].failed_service = ServiceId{static_cast<std::uint16_t>(service_.value + 1U)};
  EXPECT_EQ(told(), "tcp port 8000 is not up, and the farm's ports are bound");
}

TEST_F(ExplainTest, FollowsAPortThroughARange) {
  region_.snapshot(0).services[service_.value].last_port = Be16{499};
  const auto request =
      read(R"({"explain": {"protocol": "tcp", "source": "198.51.100.7:40000", "destination": "203.0.113.10:450"}})");
  ASSERT_TRUE(request.has_value());
  auto answer = std::make_unique<ExplainAnswer>();
  answer->outcome = ExplainAnswer::Outcome::send;
  answer->service = service_.value;
  answer->server = web1_.index;
  const json told = explain_answer(look(), *request, request->question, *answer, region_.snapshot(0));
  EXPECT_EQ(told["service"]["last_port"], 499);
  EXPECT_EQ(told["stages"][1]["text"][0], "The destination is service 203.0.113.10:443-499/tcp of farm shop.");
  EXPECT_EQ(told["rewrite"]["readdressed"]["from"], "203.0.113.10:450");
  EXPECT_EQ(told["rewrite"]["readdressed"]["to"], "10.1.1.11:8450");
}

TEST_F(ExplainTest, SaysThatAServiceKeepsNoConnections) {
  region_.snapshot(0).services[service_.value].one_packet = 1;
  const auto request =
      read(R"({"explain": {"protocol": "udp", "source": "198.51.100.7:40000", "destination": "203.0.113.10:443"}})");
  ASSERT_TRUE(request.has_value());
  auto answer = std::make_unique<ExplainAnswer>();
  answer->outcome = ExplainAnswer::Outcome::send;
  answer->service = service_.value;
  answer->server = web1_.index;
  answer->alone = 1;
  answer->reason = Reason::persistence;
  const json told = explain_answer(look(), *request, request->question, *answer, region_.snapshot(0));
  EXPECT_EQ(told["service"]["one_packet"], true);
  EXPECT_EQ(told["stages"][2]["text"][0], "The service keeps no connections: each packet is scheduled by itself.");
  EXPECT_EQ(told["stages"][3]["text"][0],
            "This packet goes to server web1: because an earlier connection of the client went there.");
  EXPECT_EQ(told["stages"][4]["text"][0], "The packet is counted for its server.");
}

TEST_F(ExplainTest, EndsWhereThePacketEnds) {
  const auto request =
      read(R"({"explain": {"protocol": "tcp", "source": "198.51.100.7:40000", "destination": "203.0.113.10:80"}})");
  ASSERT_TRUE(request.has_value());
  auto answer = std::make_unique<ExplainAnswer>();
  answer->generation = 41 | kDraftMark;
  answer->outcome = ExplainAnswer::Outcome::drop;
  answer->drop = Drop::no_service;
  answer->ended_at = Stage::classify;
  const json told = explain_answer(look(), *request, request->question, *answer, region_.snapshot(0));
  EXPECT_EQ(told["stages"].size(), 2U);
  EXPECT_EQ(told["outcome"]["drop"], "no_service");
  EXPECT_EQ(told["configuration"]["in_force"], false);
  EXPECT_TRUE(told["service"].is_null());
  answer->status = ExplainAnswer::Status::stale;
  EXPECT_TRUE(explain_answer(look(), *request, request->question, *answer, region_.snapshot(0)).contains("error"));
}

}  // namespace
}  // namespace fulcrum::surface
