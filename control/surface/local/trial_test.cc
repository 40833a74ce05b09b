#include "control/surface/local/trial.h"

#include <nlohmann/json.hpp>

#include "tests/support/gtest.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;
using std::chrono_literals::operator""ms;
using Seen = Observation::Kind;

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

class TrialTest : public testing::Test {
 protected:
  TrialTest() {
    test::SnapshotBuilder{region.snapshot(0), 7};
    model::Farm& farm = model.farms.emplace_back();
    farm.name = "shop";
    farm.addresses = {*Address::parse("198.51.100.10"), *Address::parse("2001:db8::10")};
    farm.ports = {{.protocol = Protocol::tcp, .port = 80, .server_port = 8080},
                  {.protocol = Protocol::tcp, .port = 443, .check = {.type = model::PortCheckType::none}},
                  {.protocol = Protocol::udp, .port = 443, .check_port = 8080}};
    farm.servers = {{.name = "web1", .addresses = {*Address::parse("10.1.1.11"), *Address::parse("fd00:1::11")}},
                    {.name = "web2", .addresses = {*Address::parse("10.1.1.12")}}};
    farm.check.timeout = 500ms;
  }
  View look() {
    return {.model = model,
            .region = &region,
            .snapshot = &region.snapshot(0),
            .dataplane_alive = alive,
            .health = [](const model::Farm&, const Address&, const model::ServicePort&) {
              return std::optional{TargetHealth{.judgement = {.health = Health::up, .streak = 2},
                                                .reason = "connected",
                                                .since = {},
                                                .last = "connection refused"}};
            }};
  }
  std::string refusal(const char* question) {
    const auto read = read_trial(json::parse(question), look());
    return read ? "none" : read.error().words();
  }
  // "server address:port timeout", in order.
  std::vector<std::string> places(const char* question) {
    std::vector<std::string> words;
    const auto read = read_trial(json::parse(question), look());
    if (!read) return {read.error().words()};
    for (const TrialPlace& place : *read) {
      words.push_back(place.server + " " + place.trial.address.text() + " " + std::to_string(place.trial.port) + " " +
                      std::to_string(place.trial.timeout.count()));
    }
    return words;
  }

  Region region{*Region::create_anonymous({.workers = 1, .connections = 100})};
  model::Model model;
  bool alive = true;
};

TEST_F(TrialTest, AServerIsTriedOnEachPortThatItsChecksConnectTo) {
  using Places = std::vector<std::string>;
  EXPECT_EQ(places(R"({"farm": "shop", "server": "web1"})"),
            (Places{"web1 10.1.1.11 443 500", "web1 10.1.1.11 8080 500", "web1 fd00:1::11 443 500",
                    "web1 fd00:1::11 8080 500"}));
  EXPECT_EQ(places(R"({"farm": "shop", "port": 8080, "timeout_ms": 20})"),
            (Places{"web1 10.1.1.11 8080 20", "web1 fd00:1::11 8080 20", "web2 10.1.1.12 8080 20"}));
  EXPECT_EQ(places(R"({"address": "192.0.2.1", "port": 25})"), (Places{" 192.0.2.1 25 2000"}));
  model.farms[0].check.timeout = std::chrono::hours{1};
  EXPECT_EQ(places(R"({"farm": "shop", "server": "web2", "port": 8080})"), (Places{"web2 10.1.1.12 8080 15000"}));
}

TEST_F(TrialTest, WhatCannotBeTriedIsNamed) {
  EXPECT_EQ(refusal(R"({"farm": "mail"})"), "farms.mail: there is no such farm");
  EXPECT_EQ(refusal(R"({"farm": "shop", "server": "web9"})"),
            "farms.shop.servers.web9: there is no such server in the farm");
  EXPECT_TRUE(has(refusal(R"({"farm": "shop", "port": 22})"), "no server is checked on port 22"));
  EXPECT_TRUE(has(refusal(R"({})"), "name a farm, or an address and a port"));
  EXPECT_TRUE(has(refusal(R"({"farm": "shop", "speed": 1})"), "speed"));
  EXPECT_TRUE(has(refusal(R"({"address": "10.1.1.11"})"), "is missing: 1 to 65535"));
  EXPECT_TRUE(has(refusal(R"({"address": "10.1.1", "port": 80})"), "no IPv4 or IPv6 address"));
  EXPECT_TRUE(has(refusal(R"({"address": "127.0.0.1", "port": 80})"), "no address that a server"));
  EXPECT_TRUE(has(refusal(R"({"address": "10.1.1.11", "farm": "shop", "port": 80})"), "without a farm"));
  for (const char* wrong : {"0", "65536", "-1", "\"80\"", "1.5"}) {
    const std::string question = std::string{R"({"address": "10.1.1.11", "port": )"} + wrong + "}";
    EXPECT_TRUE(has(refusal(question.c_str()), "out of range")) << wrong;
  }
  EXPECT_TRUE(has(refusal(R"({"farm": "shop", "timeout_ms": 15001})"), "10 to 15000"));
  alive = false;
  EXPECT_TRUE(has(refusal(R"({"farm": "shop"})"), "the dataplane is not running"));
}

TEST_F(TrialTest, TellsStepByStepWhatWasSeen) {
  const auto read = read_trial(json::parse(R"({"farm": "shop", "server": "web1", "port": 8080})"), look());
  ASSERT_TRUE(read);
  Observation good{.kind = Seen::answered, .reason = "connected", .took = std::chrono::microseconds{312}};
  good.source = Address::parse("10.1.1.1").value();
  good.source_port = 4000;
  Observation bad{.kind = Seen::silent, .reason = "no answer within 500 ms"};
  bad.syns = 2;
  const json answer = trial_answer(look(), *read, {good, bad});
  EXPECT_EQ(answer["passed"], false);
  const json& first = answer["tests"][0];
  EXPECT_EQ(first["passed"], true);
  EXPECT_EQ(first["result"], "answered");
  EXPECT_EQ(first["took_us"], 312);
  EXPECT_EQ(first["state"], "up");
  EXPECT_EQ(first["check"], "tcp_connect");
  std::map<std::string, std::string> steps;
  for (const json& step : first["steps"]) steps[step["step"]] = step["text"];
  EXPECT_EQ(steps["way"], "no route by a data port leads there");
  EXPECT_EQ(steps["connect"], "from 10.1.1.1:4000: answered after 312 us");
  EXPECT_EQ(steps.count("close"), 1U);
  EXPECT_TRUE(has(steps["meaning"], "succeeds"));
  EXPECT_TRUE(has(steps["meaning"], "the last 2 say otherwise"));
  const json& second = answer["tests"][1];
  EXPECT_EQ(second["result"], "silent");
  EXPECT_TRUE(has(second["steps"].dump(), "no answer within 500 ms; the SYN was sent 2 times"));
  EXPECT_FALSE(has(second["steps"].dump(), "close"));
}

TEST_F(TrialTest, NobodysStateStandsBesideAnAddressOrAPortWithoutACheck) {
  const Observation good{.kind = Seen::answered, .reason = "connected"};
  json answer =
      trial_answer(look(), *read_trial(json::parse(R"({"address": "192.0.2.1", "port": 25})"), look()), {good});
  EXPECT_TRUE(answer["tests"][0]["farm"].is_null());
  EXPECT_TRUE(answer["tests"][0]["state"].is_null());
  EXPECT_EQ(answer["passed"], true);
  answer = trial_answer(look(), *read_trial(json::parse(R"({"farm": "shop", "port": 443})"), look()), {good, good});
  EXPECT_EQ(answer["tests"][0]["check"], "none");
  EXPECT_TRUE(answer["tests"][0]["state"].is_null());
}

}  // namespace
}  // namespace fulcrum::surface
