#include "control/surface/cli/rates.h"

#include <nlohmann/json.hpp>

#include <sstream>

#include "tests/support/gtest.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

TEST(RateText, IsShort) {
  const std::vector<std::pair<double, const char*>> cases{
      {0, "0"},        {0.001, "<0.01"},  {0.25, "0.25"},    {1, "1"},        {2.5, "2.50"},
      {42.4, "42"},    {950, "950"},      {999.4, "999"},    {999.6, "1.0k"}, {1234, "1.2k"},
      {35'400, "35k"}, {999'499, "999k"}, {999'900, "1.0M"}, {9.96e9, "10G"}, {2.5e12, "2.5T"}};
  for (const auto& [rate, text] : cases) {
    EXPECT_EQ(rate_text(rate), text);
    EXPECT_LE(rate_text(rate).size(), 5U);
  }
}

json answer_of(const char* name) {
  return {{"of", "servers"},
          {"time", "2026-07-24T11:57:03Z"},
          {"rates",
           {{{"name", name},
             {"connections_s", 1200.0},
             {"packets_in_s", 99'999.0},
             {"packets_out_s", 3.5},
             {"bits_in_s", 8.8e9},
             {"bits_out_s", 0.0}}}}};
}

TEST(RatesPage, FitsATerminal) {
  const std::string page = rates_page(answer_of(std::string(127, 'x').c_str()));
  std::istringstream lines{page};
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  EXPECT_NE(rates_page(answer_of("shop/web1")).find("1.2k"), std::string::npos);
}

TEST(RatesPage, SaysWhenThereIsNothing) {
  EXPECT_EQ(rates_page({{"of", "farms"}, {"time", nullptr}, {"rates", json::array()}}),
            "Nothing has been measured yet.\n");
  EXPECT_NE(rates_page({{"of", "farms"}, {"name", "shop"}, {"points", json::array()}}).find("Nothing was recorded"),
            std::string::npos);
  EXPECT_EQ(events_page(json::object()), "Nothing has happened yet.\n");
}

TEST(EventsPage, TellsWhatAndWhy) {
  const json answer{{"events",
                     {{{"time", "2026-07-24T11:57:03Z"},
                       {"kind", "server"},
                       {"object", "web1 of farm shop"},
                       {"text", "down: connection refused (10.1.1.11:80)"}}}}};
  const std::string page = events_page(answer);
  EXPECT_NE(page.find("web1 of farm shop"), std::string::npos);
  std::istringstream lines{page};
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

}  // namespace
}  // namespace fulcrum::cli
