#include <nlohmann/json.hpp>

#include "control/surface/local/answers.h"
#include "tests/support/gtest.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;

class HealthTest : public testing::Test {
 protected:
  HealthTest() {
    model::Farm& farm = model.farms.emplace_back();
    farm.name = "shop";
    farm.addresses = {*Address::parse("198.51.100.10")};
    farm.ports = {{.protocol = Protocol::tcp, .port = 80, .server_port = 8080},
                  {.protocol = Protocol::udp, .port = 443, .check_port = 8080},
                  {.protocol = Protocol::tcp, .port = 443, .check = {.type = model::PortCheckType::none}},
                  {.protocol = Protocol::tcp, .port = 25, .check = {.interval = 60'000ms, .fall = 9}}};
    farm.servers = {{.name = "web1", .addresses = {*Address::parse("10.1.1.11")}},
                    {.name = "web2", .addresses = {*Address::parse("10.1.1.12")}}};
    model.farms.push_back(farm);
    model.farms[1].name = "mail";
  }
  Result<json> ask(json question) {
    question["show"] = "health";
    return show_health(question, {.model = model,
                                  .health = [this](const model::Farm&, const Address&,
                                                   const model::ServicePort&) { return std::optional{health}; },
                                  .checks_paused = paused});
  }

  model::Model model;
  TargetHealth health{
      .judgement = {}, .reason = "not checked yet", .since = std::chrono::system_clock::now(), .last = {}};
  bool paused = false;
};

TEST_F(HealthTest, WhatAServersPortsHaveInCommonIsOneCheck) {
  const json rows = (*ask({{"farm", "shop"}, {"server", "web1"}}))["health"];
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["port"], 25);
  EXPECT_EQ(rows[0]["interval_ms"], 60'000);
  EXPECT_EQ(rows[0]["fall"], 9);
  EXPECT_EQ(rows[1]["port"], 443);
  EXPECT_EQ(rows[1]["check"], "none");
  EXPECT_EQ(rows[1]["state"], "unchecked");
  EXPECT_TRUE(rows[1]["rise"].is_null());
  EXPECT_EQ(rows[2]["port"], 8080);
  EXPECT_EQ(rows[2]["ports"], json({"tcp/80", "udp/443"}));
  EXPECT_EQ((*ask({{"farm", "mail"}}))["health"].size(), 6U);
  EXPECT_EQ((*ask(json::object()))["health"].size(), 12U);
}

TEST_F(HealthTest, OneThatWasNeverCheckedSaysSo) {
  const json row = (*ask({{"farm", "shop"}}))["health"][0];
  EXPECT_EQ(row["state"], "unknown");
  EXPECT_TRUE(row["last"].is_null());
  EXPECT_TRUE(row["next_in_ms"].is_null());
  EXPECT_EQ(row["activity"], "under_way");
  EXPECT_EQ(row["failures_in_a_row"], 0);
  paused = true;
  EXPECT_EQ((*ask(json::object()))["health"][0]["activity"], "paused");
}

TEST_F(HealthTest, TheNewestResultStandsBesideTheState) {
  health.judgement = {.health = Health::up, .streak = 2};
  health.reason = "connected";
  health.last = "connection refused";
  health.newest = LastProbe{.kind = Observation::Kind::refused, .took = 312us, .at = {}, .counts = true};
  health.in_a_row = -2;
  health.response = 450us;
  health.next = std::chrono::steady_clock::now() + std::chrono::hours{1};
  const json row = (*ask({{"farm", "shop"}}))["health"][0];
  EXPECT_EQ(row["state"], "up");
  EXPECT_EQ(row["reason"], "connected");
  EXPECT_EQ(row["contradictions"], 2);
  EXPECT_EQ(row["failures_in_a_row"], 2);
  EXPECT_EQ(row["successes_in_a_row"], 0);
  EXPECT_EQ(row["response_us"], 450);
  EXPECT_EQ(row["last"]["result"], "refused");
  EXPECT_EQ(row["last"]["reason"], "connection refused");
  EXPECT_EQ(row["last"]["took_us"], 312);
  EXPECT_EQ(row["last"]["at"], "1970-01-01T00:00:00Z");
  EXPECT_EQ(row["activity"], "waiting");
  EXPECT_GT(row["next_in_ms"], 3'000'000);
  EXPECT_LE(row["next_in_ms"], 3'600'000);
}

TEST_F(HealthTest, WhoIsNotThereIsNamed) {
  EXPECT_EQ(ask({{"farm", "mole"}}).error().words(), "farms.mole: there is no such farm");
  EXPECT_EQ(ask({{"farm", "shop"}, {"server", "web9"}}).error().code, Error::Code::not_found);
  EXPECT_EQ(ask({{"farm", 7}}).error().code, Error::Code::invalid);
  EXPECT_EQ(ask({{"form", "shop"}}).error().code, Error::Code::invalid);
}

}  // namespace
}  // namespace fulcrum::surface
