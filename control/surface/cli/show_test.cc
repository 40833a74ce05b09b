#include "control/surface/cli/show.h"

#include <nlohmann/json.hpp>

#include <sstream>

#include "control/surface/cli/explain.h"
#include "control/surface/cli/table.h"
#include "tests/support/gtest.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

const std::string kLongName(63, 'n');
constexpr const char* kLongAddress = "2001:db8:1234:5678:9abc:def0:1234:5678";
constexpr std::uint64_t kHuge = 1ULL << 62U;

// The widest things that the model and the counters allow.
json widest() {
  const json running{{"alive", true}, {"waiting_for", nullptr}};
  const json counters{{"active_connections", kHuge}, {"closing_connections", kHuge}, {"total_connections", kHuge},
                      {"packets_in", kHuge / 2},     {"packets_out", kHuge / 2},     {"bytes_in", kHuge / 2},
                      {"bytes_out", kHuge / 2}};
  json farm{{"name", kLongName}, {"state", "degraded"}, {"servers_up", 1023}, {"servers_total", 1024}};
  farm.update(counters);
  farm["services"] =
      json::array({{{"address", kLongAddress}, {"protocol", "tcp"}, {"port", 10000}, {"last_port", 65535}},
                   {{"address", "198.51.100.100"}, {"protocol", "udp"}, {"port", 65535}}});
  json server{{"farm", kLongName},
              {"name", kLongName},
              {"address", kLongAddress},
              {"port", 10000},
              {"last_port", 65535},
              {"state", "unknown"},
              {"for_s", 999'999'999},
              {"weight", 65535},
              {"reason", "host unreachable (no answer to ARP or neighbour discovery, or an ICMP error)"}};
  server.update(counters);
  const std::string endpoint = std::string{"["} + kLongAddress + "]:65535";
  json connection{{"client", endpoint}, {"service", endpoint}, {"server", kLongName},     {"state", "client_closing"},
                  {"idle_s", 999'999},  {"packets_in", kHuge}, {"reason", "persistence"}, {"age_s", 999'999'999},
                  {"packets_out", 0},   {"bytes_in", kHuge},   {"bytes_out", 0}};
  return {{"dataplane", running},
          {"farms", {farm}},
          {"servers", {server}},
          {"connections", {connection}},
          {"persistence",
           {{{"client", std::string{kLongAddress} + "/128"},
             {"farm", kLongName},
             {"server", kLongName},
             {"age_s", 1'800'000},
             {"unused_s", 2'591'999},
             {"expires_s", 2'591'999},
             {"connections", kHuge}}}},
          {"table", {{"capacity", 1'000'000'000}, {"live", 999'999'999}, {"evicted", 0}, {"refused", 0}}},
          {"next", kHuge},
          {"received", kHuge},
          {"unaccounted", -3},
          {"drops",
           {{{"reason", "ipv6_payload_length"},
             {"packets", kHuge},
             {"means", "IPv6 payload length beyond the frame, or a jumbogram"}}}},
          {"lost_before_receive",
           {{{"port", "fifteen-letters"},
             {"reason", "receive_error"},
             {"packets", kHuge},
             {"means", "came faster than the workers took it: the port's receive ring was full"}}}},
          {"ports",
           {{{"name", "fifteen-letters"},
             {"mac", "02:00:00:00:00:01"},
             {"link", "unknown"},
             {"received_packets", kHuge},
             {"received_bytes", kHuge},
             {"sent_packets", kHuge},
             {"sent_bytes", kHuge}}}}};
}

TEST(Pages, FitEightyColumns) {
  for (const char* what : {"farms", "servers", "connections", "persistence", "drops", "interfaces"}) {
    std::istringstream lines{page(what, widest())};
    for (std::string line; std::getline(lines, line);)
      EXPECT_LE(line.size(), Table::width_usual) << what << ": " << line;
  }
}

TEST(Pages, KeepAddressesAndWordsWhole) {
  const std::string shown = page("connections", widest());
  for (const std::string& whole :
       {std::string{"["} + kLongAddress + "]:65535", kLongName, std::string{"client_closing"}}) {
    EXPECT_NE(shown.find(whole), std::string::npos) << shown;
  }
}

TEST(Pages, SayWhenTheDataplaneIsNotRunning) {
  const json answer{{"dataplane", {{"alive", false}, {"waiting_for", "waiting for the dataplane: why"}}}};
  const std::string shown = page("farms", answer);
  EXPECT_NE(shown.find("The dataplane is not running."), std::string::npos);
  EXPECT_NE(shown.find("waiting for the dataplane: why"), std::string::npos);
  EXPECT_NE(shown.find("There are no farms"), std::string::npos);
}

// The operator's word stands behind the reason, where there is one; and "since" is that of the state that is shown.
TEST(Pages, SayWhyAServerIsAsItIs) {
  const json said{{"value", "drain"}, {"who", "anna"}, {"until", nullptr}, {"for_s", 125}};
  json server{{"farm", "shop"}, {"name", "web1"}, {"state", "up"}, {"reason", "connected"}, {"for_s", 4000}};
  for (const json& none : {json(), json{{"state", nullptr}, {"weight", nullptr}}}) {
    server["operator"] = none;
    const std::string shown = page("servers", {{"servers", {server}}}, Table::unbounded);
    EXPECT_NE(shown.find("connected\n"), std::string::npos) << shown;
    EXPECT_NE(shown.find("1 h 6 min"), std::string::npos) << shown;
  }
  server["duty"] = "draining";
  EXPECT_EQ(page("servers", {{"servers", {server}}}, Table::unbounded).find("1 h 6 min"), std::string::npos);
  server["operator"] = {{"state", said}, {"weight", nullptr}};
  const std::string shown = page("servers", {{"servers", {server}}}, Table::unbounded);
  EXPECT_NE(shown.find("draining  2 min 5 s"), std::string::npos) << shown;
  EXPECT_NE(shown.find("connected; drain by anna\n"), std::string::npos) << shown;
  server["operator"] = {{"state", nullptr},
                        {"weight", {{"value", 7}, {"who", "anna"}, {"until", "noon"}, {"configured", 50}}}};
  EXPECT_NE(page("servers", {{"servers", {server}}}, Table::unbounded)
                .find("connected; weight 7 by anna until noon, configured 50\n"),
            std::string::npos);
  server["began_earlier"] = true;
  server.erase("duty");
  EXPECT_NE(page("servers", {{"servers", {server}}}, Table::unbounded).find("> 1 h 6 min"), std::string::npos);
}

// Who is in maintenance is often switched off, too: the page says what was wanted, and then what the check says.
TEST(Pages, SayMaintenanceOfAServerThatIsSwitchedOff) {
  json server{{"farm", "shop"},        {"name", "web1"},
              {"state", "down"},       {"reason", "connection refused"},
              {"duty", "maintenance"}, {"duty_reason", "in maintenance: takes nobody"}};
  std::string shown = page("servers", {{"servers", {server}}}, Table::unbounded);
  EXPECT_NE(shown.find("  maintenance  "), std::string::npos) << shown;
  EXPECT_NE(shown.find("in maintenance: takes nobody; connection refused\n"), std::string::npos) << shown;
  server["state"] = "up";
  shown = page("servers", {{"servers", {server}}}, Table::unbounded);
  EXPECT_NE(shown.find("in maintenance: takes nobody\n"), std::string::npos) << shown;
  server["state"] = server["duty"] = "down";
  server["duty_reason"] = "";
  shown = page("servers", {{"servers", {server}}}, Table::unbounded);
  EXPECT_NE(shown.find("  down  "), std::string::npos) << shown;
}

TEST(Pages, SayWhoTakesNoNewClients) {
  const json farm{{"name", "shop"},       {"state", "down"},
                  {"servers_serving", 0}, {"servers_up", 2},
                  {"servers_total", 2},   {"reason", "0 of 2 servers take new clients (draining: web1, web2)"}};
  const std::string shown = page("farms", {{"farms", {farm}}});
  EXPECT_NE(shown.find("0/2"), std::string::npos) << shown;
  EXPECT_NE(shown.find("Farm shop: 0 of 2 servers take new clients (draining: web1, web2).\n"), std::string::npos)
      << shown;
}

TEST(Pages, SayHowToGoOn) {
  EXPECT_NE(page("connections", {{"connections", json::array()}, {"next", 77}}).find("offset 77, or all"),
            std::string::npos);
}

TEST(Pages, BeginWithTheAlarms) {
  const json answer{{"dataplane", {{"alive", true}, {"alarms", {"The table is full."}}}}};
  EXPECT_EQ(page("farms", answer).find("ALARM: The table is full.\n"), 0U);
}

TEST(Pages, SayHowMuchWasCleared) {
  EXPECT_EQ(cleared_text("connections", {{"dataplane", {{"alive", true}}}, {"cleared", 1}}),
            "1 connection was ended.\n");
  EXPECT_EQ(cleared_text("persistence", {{"dataplane", {{"alive", true}}}, {"cleared", 7}}),
            "7 clients were let go.\n");
}

TEST(Pages, SumWhatAnInterfaceLost) {
  const json answer{
      {"dataplane", {{"alive", true}}},
      {"ports", {{{"name", "front"}, {"mac", "02:00:00:00:00:01"}, {"link", "up"}, {"received_packets", 5}}}},
      {"lost_before_receive",
       {{{"port", "front"}, {"packets", 3}}, {{"port", "front"}, {"packets", 4}}, {{"port", "back"}}}}};
  EXPECT_EQ(page("interfaces", answer),
            "INTERFACE  MAC                LINK  RECEIVED  BYTES  SENT  BYTES  LOST\n"
            "front      02:00:00:00:00:01  up           5    0 B     0    0 B     7\n"
            "LOST: before it was received; `show drops` says why.\n");
}

TEST(Pages, ShowNegativeInFlight) { EXPECT_NE(page("drops", widest()).find(" -3 "), std::string::npos); }

// An answer of another release: keys missing, of other types.
TEST(Pages, SurviveAnyAnswer) {
  const json answers[]{json::object(),
                       {{"farms", 7}, {"dataplane", "x"}, {"workers", {{{"worker", {}}}}}},
                       {{"farms", {1, "x", nullptr}}, {"servers", {json::array()}}, {"connections", {true}}}};
  for (const json& answer : answers) {
    for (const char* what : {"farms", "servers", "connections", "persistence", "drops", "version"})
      EXPECT_FALSE(page(what, answer).empty());
  }
}

TEST(ExplainPage, ShowsWhatTheSchedulerCompared) {
  const auto page = [](const char* measure, const json& value) {
    json server{{"name", "web1"},  {"address", "10.1.1.11:80"}, {"state", "up"},     {"weight", 5},
                {"chosen", false}, {"active_connections", 7},   {"turn", json()},    {"score", json()},
                {"slots", json()}, {"reason", json()},          {"operator", json()}};
    json chosen = server;
    chosen["chosen"] = true;
    chosen[measure] = value;
    return explain_page({{"servers", {server, chosen}}}, 80);
  };
  EXPECT_NE(page("score", 1.6).find("WEIGHT  ACTIVE  SCORE"), std::string::npos) << page("score", 1.6);
  EXPECT_NE(page("score", 1.6).find("1.6  <- this one"), std::string::npos);
  EXPECT_NE(page("score", 1.0 / 3).find("0.333333  <- this one"), std::string::npos);
  EXPECT_NE(page("turn", 3).find("TURN: new connections"), std::string::npos);
  EXPECT_NE(page("slots", 12).find("SLOTS: of the table"), std::string::npos);
  EXPECT_EQ(page("reason", json()).find("SCORE"), std::string::npos);
}

TEST(Pages, ChecksFitTheScreenWithTheLongestAddresses) {
  json row{{"farm", "shop-of-the-north"},
           {"name", "web-server-17"},
           {"address", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:f017"},
           {"port", 65535},
           {"ports", {"tcp/80", "udp/443"}},
           {"check", "tcp_connect"},
           {"state", "up"},
           {"reason", "connected"},
           {"for_s", 90},
           {"began_earlier", true},
           {"successes_in_a_row", 0},
           {"failures_in_a_row", 2},
           {"contradictions", 2},
           {"rise", 2},
           {"fall", 3},
           {"interval_ms", 1000},
           {"timeout_ms", 500},
           {"activity", "waiting"},
           {"next_in_ms", 412},
           {"last", {{"at", "2026-07-24T11:57:03Z"}, {"reason", "connection refused"}, {"took_us", 312}}}};
  json never = row;
  never["last"] = never["next_in_ms"] = nullptr;
  never["activity"] = "under_way";
  never["failures_in_a_row"] = never["contradictions"] = 0;
  const json answer{{"dataplane", {{"alive", true}}}, {"health", json::array({row, never})}};
  const std::string text = page("health", answer, 80);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 80U) << text;
    begin = end + 1;
  }
  for (const char* part : {"[2001:db8:aaaa:bbbb:cccc:dddd:eeee:f017]:65535", ">1m30s", "2/3 bad", "312 us", "412 ms",
                           "now", "connected; last: connection refused", "rise 2, fall 3"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(page("health", {{"dataplane", {{"alive", true}}}, {"health", json::array()}}, 80),
            "There is no server that could be checked.\n");
}

TEST(Pages, ServersFitTheScreenWithTheLongestAddresses) {
  json row{{"farm", "shop-of-the-north"},
           {"name", "web-server-17"},
           {"address", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:f017"},
           {"port", 60000},
           {"last_port", 65535},
           {"state", "down"},
           {"for_s", 86400 * 300},
           {"began_earlier", true},
           {"weight", 100},
           {"reason", "host unreachable (no answer to ARP or neighbour discovery, or an ICMP error)"}};
  for (const char* count : {"active_connections", "closing_connections", "total_connections"}) row[count] = 999'999;
  json leaving = row;
  leaving["since"] = "2026-07-24T11:57:03Z";
  const json answer{
      {"dataplane", {{"alive", true}}}, {"servers", json::array({row})}, {"leaving", json::array({leaving})}};
  const std::string text = page("servers", answer, 80);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 80U) << text;
    begin = end + 1;
  }
  EXPECT_NE(text.find("2001:db8:aaaa:bbbb:cccc:dddd:eeee:f017"), std::string::npos) << text;
}

}  // namespace
}  // namespace fulcrum::cli
