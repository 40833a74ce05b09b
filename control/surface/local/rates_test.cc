#include "control/surface/local/rates.h"

#include <nlohmann/json.hpp>

#include "tests/support/gtest.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;
using telemetry::Kind;

constexpr std::int64_t kNow = 1'800'000'000;

std::string refusal(const char* question) {
  const auto request = read_rates(json::parse(question), kNow);
  return request ? "" : request.error().path;
}

TEST(ReadRates, ChoosesTheFinestStepThatReachesBack) {
  const auto step = [](std::int64_t from) {
    const json question{{"show", "rates"}, {"of", "servers"}, {"name", "shop/web1"}, {"from", from}};
    const auto request = read_rates(question, kNow);
    return request && request->past ? request->past->step_s : 0;
  };
  EXPECT_EQ(step(-300), 1);
  EXPECT_EQ(step(kNow - 3600), 1);
  EXPECT_EQ(step(-3601), 60);
  EXPECT_EQ(step(-86'400), 60);
  EXPECT_EQ(step(-86'401), 900);
}

TEST(ReadRates, SaysWhatIsWrong) {
  EXPECT_EQ(refusal(R"({"show": "rates", "of": "cars"})"), "of");
  EXPECT_EQ(refusal(R"({"show": "rates", "of": "farms", "from": -5})"), "name");
  EXPECT_EQ(refusal(R"({"show": "rates", "name": "shop", "from": "noon"})"), "from");
  EXPECT_EQ(refusal(R"({"show": "rates", "name": "shop", "function": "least"})"), "function");
  EXPECT_EQ(refusal(R"({"show": "rates", "colour": 1})"), "colour");
  EXPECT_FALSE(read_rates(json::parse(R"({"show": "rates"})"), kNow)->past.has_value());
}

TEST(ShowRates, TellsEveryFarmPerSecondAndInBits) {
  model::Model model;
  model.farms.resize(2);
  model.farms[0].name = "idle";
  model.farms[1].name = "shop";
  const telemetry::SeriesName shop{Kind::farms, "shop"};
  const telemetry::Sample sample{
      .time = kNow, .seconds = 2, .entries = {{.series = &shop, .counts = {10, 20, 30, 1000, 500}}}};
  const View view{.model = model, .rates = &sample};
  const json rates = show_rates(view, Kind::farms)["rates"];
  ASSERT_EQ(rates.size(), 2U);
  EXPECT_EQ(rates[0]["name"], "idle");
  EXPECT_EQ(rates[0]["connections_s"], 0);
  EXPECT_EQ(rates[1]["connections_s"], 5);
  EXPECT_EQ(rates[1]["bits_in_s"], 4000);
}

TEST(ShowEvents, TellsTheNewestOrWhatCameSince) {
  telemetry::EventTrail trail;
  for (int i = 0; i < 3000; ++i) trail.add({.kind = "server", .text = std::to_string(i)});
  model::Model model;
  const View view{.model = model, .events = &trail};
  const auto ask = [&](const char* question) { return (*show_events(json::parse(question), view))["events"]; };
  EXPECT_EQ(ask(R"({"show": "events"})").size(), 100U);
  EXPECT_EQ(ask(R"({"show": "events", "limit": 9999})").size(), telemetry::EventTrail::capacity);
  const json since = ask(R"({"show": "events", "since": 2998})");
  ASSERT_EQ(since.size(), 2U);
  EXPECT_EQ(since[1]["text"], "2999");
  EXPECT_EQ(since[1]["number"], 3000);
  EXPECT_FALSE(show_events(json::parse(R"({"show": "events", "colour": 1})"), view).has_value());
}

}  // namespace
}  // namespace fulcrum::surface
