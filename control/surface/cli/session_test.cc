// Lines of a session against a box that the test plays: which questions they become, and what is made of the answers.
#include "control/surface/cli/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <deque>

#include "control/surface/cli/commands.h"
#include "tests/support/gtest.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

class PlayedBox final : public Box {
 public:
  Answer ask(const Json& question) override {
    questions.push_back(question);
    if (answers.empty()) return Json::object();
    Json answer = std::move(answers.front());
    answers.pop_front();
    if (auto trouble = trouble_in(answer)) return tl::unexpected<Trouble>{std::move(*trouble)};
    return answer;
  }
  std::vector<json> questions;
  std::deque<json> answers;
};

class PlayedScreen final : public Screen {
 public:
  bool print(std::string_view text, bool) override {
    printed += text;
    return true;
  }
  void complain(std::string_view text) override { complained += text; }
  std::optional<bool> ask(std::string_view, bool) override { return agrees; }
  std::optional<std::string> read_line(std::string_view, bool) override {
    if (typed.empty()) return std::nullopt;
    auto line = std::move(typed.front());
    typed.pop_front();
    return line;
  }
  bool pause(std::chrono::seconds) override { return true; }
  [[nodiscard]] bool has_person() const override { return true; }
  [[nodiscard]] bool is_terminal() const override { return false; }
  [[nodiscard]] bool has_colour() const override { return false; }
  [[nodiscard]] std::size_t rows() const override { return 24; }
  [[nodiscard]] std::size_t columns() const override { return wide; }

  std::size_t wide = Table::unbounded;
  std::string printed, complained;
  std::optional<bool> agrees;
  std::deque<std::string> typed;
};

class Talk : public testing::Test {
 protected:
  // The last question that a line became.
  json question(std::string_view line) {
    box_.questions.clear();
    session_.run(line);
    return box_.questions.empty() ? json() : box_.questions.back();
  }
  PlayedBox box_;
  PlayedScreen screen_;
  Session session_{box_, screen_, {.user = "anna"}};
};

TEST_F(Talk, LinesBecomeQuestions) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"show farms", R"({"show": "farms"})"},
      {"show flows server web1", R"({"show": "connections", "server": "web1"})"},
      {"show events limit 5", R"({"show": "events", "limit": 5})"},
      {"show health", R"({"show": "health"})"},
      {"show health shop", R"({"show": "health", "farm": "shop"})"},
      {"show health shop/web1", R"({"show": "health", "farm": "shop", "server": "web1"})"},
      {"show health farm shop", R"({"show": "health", "farm": "shop"})"},
      {"show health farm farm", R"({"show": "health", "farm": "farm"})"},
      {"show health server shop/web1", R"({"show": "health", "farm": "shop", "server": "web1"})"},
      {"show rates", R"({"show": "rates"})"},
      {"show rates drops", R"({"show": "rates", "of": "drops"})"},
      {"show rates servers shop/web1 minutes 60 step 60 maximum",
       R"({"show": "rates", "of": "servers", "name": "shop/web1", "from": -3600, "step": 60, "function": "maximum"})"},
      {"show connections farm shop limit 5", R"({"show": "connections", "farm": "shop", "limit": 5})"},
      {"clear persistence client 192.0.2.7", R"({"clear": "persistence", "client": "192.0.2.7"})"},
      {"clear connections all", R"({"clear": "connections", "all": true})"},
      {"drain shop/web1 for 30m",
       R"({"api": {"method": "POST", "path": "/api/v1/farms/shop/servers/web1/verbs",
                   "body": {"verb": "drain", "for_s": 1800}}})"},
      {"drain server shop/web1",
       R"({"api": {"method": "POST", "path": "/api/v1/farms/shop/servers/web1/verbs", "body": {"verb": "drain"}}})"},
      {"request drain server shop/web1 for 30m",
       R"({"api": {"method": "POST", "path": "/api/v1/farms/shop/servers/web1/verbs",
                   "body": {"verb": "drain", "for_s": 1800}}})"},
      {"request enable shop/web1",
       R"({"api": {"method": "POST", "path": "/api/v1/farms/shop/servers/web1/verbs", "body": {"verb": "enable"}}})"},
      {"enable shop/web1",
       R"({"api": {"method": "POST", "path": "/api/v1/farms/shop/servers/web1/verbs", "body": {"verb": "enable"}}})"},
      {"weight shop/web1 0 for 2h",
       R"({"api": {"method": "POST", "path": "/api/v1/farms/shop/servers/web1/verbs",
                   "body": {"verb": "weight", "weight": 0, "for_s": 7200}}})"},
      {"explain tcp 192.0.2.7:4000 198.51.100.1:80 flags syn,ack ttl 3 revision 7",
       R"({"explain": {"protocol": "tcp", "source": "192.0.2.7:4000", "destination": "198.51.100.1:80",
           "flags": "syn,ack", "ttl": 3}, "revision": 7})"},
      {"test server shop/web1 port 8080 timeout 300",
       R"({"api": {"method": "POST", "path": "/api/v1/test",
                   "body": {"farm": "shop", "server": "web1", "port": 8080, "timeout_ms": 300}}})"},
      {"test farm shop", R"({"api": {"method": "POST", "path": "/api/v1/test", "body": {"farm": "shop"}}})"},
      {"test address 10.1.1.11:8080",
       R"({"api": {"method": "POST", "path": "/api/v1/test", "body": {"address": "10.1.1.11", "port": 8080}}})"},
      {"test address [fd00:1::11]:8080",
       R"({"api": {"method": "POST", "path": "/api/v1/test", "body": {"address": "fd00:1::11", "port": 8080}}})"},
      {"access unlock anna", R"({"api": {"method": "POST", "path": "/api/v1/accounts/anna/unlock"}})"},
      {"audit verify", R"({"api": {"method": "GET", "path": "/api/v1/audit/verification"}})"},
      {"api PATCH /x '{\"weight\": 5}'", R"({"api": {"method": "PATCH", "path": "/x", "body": {"weight": 5}}})"},
  };
  for (const auto& [line, expected] : cases) EXPECT_EQ(question(line), json::parse(expected, nullptr, false)) << line;
}

TEST_F(Talk, WhatIsNoPlaceIsNotTested) {
  for (const char* place : {"10.1.1.11", ":80", "10.1.1.11:0", "10.1.1.11:65536", "10.1.1.11:x", "fd00:1::11:80",
                            "[10.1.1.11]:80", "[]:80"}) {
    EXPECT_TRUE(question(fmt::format("test address {}", place)).is_null()) << place;
    EXPECT_NE(screen_.complained.find("say 10.1.1.11:8080"), std::string::npos) << place;
    screen_.complained.clear();
  }
}

TEST_F(Talk, AServerThatDoesNotPassIsAFailure) {
  const json step{{"step", "connect"}, {"text", "from 10.1.1.1:4000: connection refused after 200 us"}};
  const json bad{{"farm", "shop"}, {"server", "web1"}, {"address", "fd00:1::11"},
                 {"port", 80},     {"passed", false},  {"steps", json::array({step})}};
  json good = bad;
  good["passed"] = true;
  const auto answer = [](bool passed, const json& tests) {
    return json{{"status", 200}, {"body", json{{"passed", passed}, {"tests", tests}}}};
  };
  const json no_names = json::object();  // what completion asks for
  box_.answers = {no_names, answer(false, json::array({bad, good}))};
  EXPECT_EQ(session_.run("test server shop/web1"), Status::failed);
  EXPECT_NE(screen_.printed.find("shop/web1 at [fd00:1::11]:80: not passed\n"), std::string::npos) << screen_.printed;
  EXPECT_NE(screen_.printed.find("  connect  from 10.1.1.1:4000: connection refused after 200 us\n"),
            std::string::npos);
  EXPECT_NE(screen_.printed.find("1 of 2 passed.\n"), std::string::npos);
  box_.answers = {no_names, answer(true, json::array({good}))};
  EXPECT_EQ(session_.run("test server shop/web1"), Status::good);
}

TEST_F(Talk, VerbsOfTheConfigurationBecomeQuestions) {
  session_.enter("mine", 0);
  const std::vector<std::pair<const char*, const char*>> cases{
      {"annotate farms shop as \"web team, 4711\"",
       R"({"config": "set", "candidate": "mine", "path": "farms.shop.remark", "words": ["web team, 4711"]})"},
      {"annotate farms shop servers web1 as \"\"",
       R"({"config": "set", "candidate": "mine", "path": "farms.shop.servers.web1.remark", "words": [""]})"},
      {"rename farms shop to store",
       R"({"config": "rename", "candidate": "mine", "path": "farms.shop", "name": "store"})"},
      {"run request weight server shop/web1 5",
       R"({"api": {"method": "POST", "path": "/api/v1/farms/shop/servers/web1/verbs",
                   "body": {"verb": "weight", "weight": 5}}})"},
      {"rebase", R"({"config": "rebase", "candidate": "mine"})"},
      {"rebase theirs", R"({"config": "rebase", "candidate": "mine", "wins": "theirs"})"},
  };
  for (const auto& [line, expected] : cases) EXPECT_EQ(question(line), json::parse(expected, nullptr, false)) << line;
  box_.questions.clear();
  session_.run("revert 7 change 2");
  EXPECT_EQ(box_.questions.front(), json::parse(R"({"config": "revert", "revision": 7, "change": 2, "face": "cli"})"));
  EXPECT_EQ(session_.run("rename farms shop"), Status::syntax);
  EXPECT_EQ(session_.run("rename farms shop to a b"), Status::syntax);
  EXPECT_EQ(session_.run("rename farms shop to \"\""), Status::syntax);
  EXPECT_EQ(session_.run("annotate farms shop as two words"), Status::syntax);
  EXPECT_EQ(session_.run("annotate farms shop"), Status::syntax);
  EXPECT_EQ(session_.run("annotate farms as anything"), Status::syntax);
}

TEST_F(Talk, ExplainTakesAFarmForADestination) {
  const json farms{{"farms",
                    {{{"name", "shop"},
                      {"services",
                       {{{"address", "2001:db8::10"}, {"protocol", "tcp"}, {"port", 80}},
                        {{"address", "198.51.100.1"}, {"protocol", "tcp"}, {"port", 443}, {"last_port", 449}},
                        {{"address", "198.51.100.1"}, {"protocol", "tcp"}, {"port", 80}}}}}}}};
  for (const auto& [source, name, address] : {std::array{"192.0.2.7:4000", "shop:80", "198.51.100.1:80"},
                                              std::array{"192.0.2.7:4000", "shop", "198.51.100.1:443"},
                                              std::array{"192.0.2.7:4000", "shop:447", "198.51.100.1:447"},
                                              std::array{"[2001:db8::7]:4000", "shop:80", "[2001:db8::10]:80"}}) {
    box_.answers = {farms};
    EXPECT_EQ(question(fmt::format("explain tcp {} {}", source, name))["explain"]["destination"], address) << name;
  }
  box_.answers = {farms};
  EXPECT_EQ(session_.run("explain udp 192.0.2.7:4000 shop:80"), Status::not_found);
  box_.answers = {farms};
  EXPECT_EQ(session_.run("explain tcp 192.0.2.7:4000 mail:80"), Status::not_found);
}

TEST_F(Talk, AFileThatIsWrongIsNamed) {
  session_.enter("mine", 0);
  box_.answers = {{{"error",
                    {{"code", "invalid"},
                     {"text", "text:1: is no group"},
                     {"problems", {{{"path", "text:1"}, {"text", "a"}}, {{"path", "text:2"}, {"text", "b"}}}}}}}};
  EXPECT_EQ(session_.run("load /etc/hostname"), Status::invalid);
  EXPECT_NE(screen_.complained.find("/etc/hostname:1: a\n/etc/hostname:2: b\n"), std::string::npos);
}

TEST_F(Talk, HelpIsNotCutOff) {
  const std::string help(100, 'w');
  const std::string words = "first " + help.substr(0, 50) + " " + help.substr(0, 30) + " last";
  const std::string shown = hint_lines({{"word", words, true}}, 9);
  EXPECT_NE(shown.find("last"), std::string::npos);
  EXPECT_EQ(shown.find("..."), std::string::npos);
}

TEST_F(Talk, WhatTheApiRefusesHasAStatus) {
  for (const auto& [code, status] : {std::pair{404, Status::not_found}, std::pair{409, Status::conflict},
                                     std::pair{422, Status::invalid}, std::pair{503, Status::failed}}) {
    box_.answers = {{{"status", code}, {"body", {{"detail", "because"}}}}};
    screen_.complained.clear();
    EXPECT_EQ(session_.run("access unlock anna"), status);
    EXPECT_NE(screen_.complained.find("because"), std::string::npos);
  }
}

TEST_F(Talk, AccountsAndTokensAreOperationsOfTheApi) {
  const json nobody{{"status", 404}, {"body", {{"detail", "there is no account"}}}};
  const json somebody{{"status", 200}, {"body", {{"name", "bob"}, {"role", "operator"}}}};
  screen_.typed = {"one password of mine", "one password of mine"};
  box_.answers = {nobody, somebody};
  EXPECT_EQ(question("access account bob farm-admin farms shop,mail"),
            json::parse(R"({"api": {"method": "PUT", "path": "/api/v1/accounts/bob", "body": {"role": "farm-admin",
                            "scope": ["shop", "mail"], "password": "one password of mine"}}})"));
  box_.answers = {somebody, somebody};
  EXPECT_EQ(question("access account bob operator"),
            json::parse(R"({"api": {"method": "PUT", "path": "/api/v1/accounts/bob", "body": {"role": "operator"}}})"))
      << "who is there keeps the password";
  screen_.typed = {"another of mine", "another of mine"};
  box_.answers = {somebody, somebody};
  EXPECT_EQ(question("access password bob")["api"]["body"], json({{"password", "another of mine"}}));
  box_.answers = {nobody};
  EXPECT_EQ(session_.run("access password bbo"), Status::not_found);
  EXPECT_EQ(question("access revoke ci")["api"]["method"], "DELETE");
  EXPECT_EQ(question("show audit limit 5 before 9")["api"]["path"], "/api/v1/audit?before=9&limit=5");
}

TEST_F(Talk, ListsOfTheApiAreTables) {
  const auto shown = [&](const char* line, const json& body) {
    screen_.printed.clear();
    box_.answers = {{{"status", 200}, {"body", body}}};
    session_.run(line);
    return screen_.printed;
  };
  EXPECT_EQ(shown("show alarms", {{"alarms", {{{"severity", "major"}, {"object", "farm shop"}, {"text", "down"}}}}}),
            "SEVERITY  OBJECT     WHAT IS WRONG\nmajor     farm shop  down\n");
  EXPECT_EQ(shown("show alarms", {{"alarms", json::array()}}), "There are no alarms.\n");
  EXPECT_NE(shown("show accounts", {{"accounts", {{{"name", "bob"}, {"scope", {"shop", "mail"}}}}}}).find("shop,mail"),
            std::string::npos);
  EXPECT_NE(shown("show tokens", {{"tokens", {{{"name", "ci"}, {"expired", true}}}}}).find("expired"),
            std::string::npos);
  EXPECT_NE(shown("show sessions", {{"sessions", {{{"id", "7f"}, {"idle_s", 61}}}}}).find("1m1s"), std::string::npos);
  EXPECT_NE(shown("show audit", {{"records", {{{"sequence", 7}, {"action", "commit"}, {"object", "revision 3"}}}}})
                .find("commit revision 3"),
            std::string::npos);
}

TEST_F(Talk, PasswordsAreAskedForTwice) {
  screen_.typed = {"one password of mine", "another one of mine"};
  EXPECT_EQ(question("access setup"), json());
  EXPECT_NE(screen_.complained.find("not the same"), std::string::npos);
  screen_.typed = {"one password of mine", "one password of mine"};
  box_.answers = {{{"status", 200}, {"body", {{"name", "admin"}}}}};
  EXPECT_EQ(question("access setup")["api"]["path"], "/api/v1/accounts/admin");
  screen_.typed.clear();
  EXPECT_EQ(session_.run("access setup"), Status::unconfirmed);
}

TEST_F(Talk, CommitsAskWhatItWouldDoFirst) {
  session_.enter("mine", 1);
  const json check{{"changes", {{{"words", "x"}}}}, {"confirm_advised_s", 600}};
  box_.answers = {check};
  session_.run("check");
  EXPECT_NE(screen_.printed.find("This could cut you off: `commit confirmed`"), std::string::npos);
  box_.answers = {check};
  EXPECT_EQ(session_.run("commit"), Status::unconfirmed);
  EXPECT_EQ(box_.questions.back()["config"], "check");
  screen_.agrees = true;
  box_.answers = {check, {{"revision", {{"revision", 7}}}, {"acknowledged", true}}};
  box_.questions.clear();
  EXPECT_EQ(session_.run("commit comment why"), Status::good);
  EXPECT_EQ(box_.questions[1], json::parse(R"({"config": "commit", "candidate": "mine", "face": "cli",
                                              "why": "why", "confirm_s": 600})"));
  EXPECT_EQ(box_.questions[2]["config"], "open");
  box_.answers = {check, {{"revision", {{"revision", 7}}}, {"acknowledged", false}, {"waiting_for", "the dataplane"}}};
  EXPECT_EQ(session_.run("commit now"), Status::pending);
  box_.answers = {{{"changes", {{{"words", "x"}}}}, {"problems", {{{"path", "farms"}, {"text", "are wrong"}}}}}};
  EXPECT_EQ(session_.run("commit"), Status::invalid);
  EXPECT_NE(screen_.complained.find("farms: are wrong"), std::string::npos);
}

TEST_F(Talk, ACommitMayBeLeftToItsTime) {
  session_.enter("mine", 1);
  const json waits{{"candidate", "mine"},
                   {"commit_at", "2026-07-24T03:00:00.000Z"},
                   {"commit_for", "anna"},
                   {"commit_refused", nullptr}};
  box_.answers = {{{"changes", {{{"words", "x"}}}}}, waits};
  EXPECT_EQ(session_.run("commit at 03:00 confirmed 10 comment why"), Status::good);
  EXPECT_EQ(box_.questions.back(), json::parse(R"({"config": "schedule", "candidate": "mine", "face": "cli",
                                                   "at": "03:00", "why": "why", "confirm_s": 600})"));
  EXPECT_NE(screen_.printed.find("`discard mine` cancels that.\n"), std::string::npos) << screen_.printed;
  EXPECT_EQ(session_.mode(), Mode::operate);

  json late = waits;
  late["commit_refused"] = "it is too late now";
  box_.answers = {{{"candidates", {waits, late}}}};
  screen_.printed.clear();
  session_.run("show candidates");
  EXPECT_NE(screen_.printed.find("mine is committed at 2026-07-24 03:00:00 for anna; `discard mine` cancels that.\n"
                                 "mine was not committed at 2026-07-24 03:00:00 for anna: it is too late now.\n"),
            std::string::npos)
      << screen_.printed;

  box_.answers = {{{"candidates", {waits}}}};
  EXPECT_EQ(session_.run("configure mine"), Status::conflict);
  EXPECT_EQ(question("discard mine"), json::parse(R"({"config": "discard", "candidate": "mine"})"));
}

TEST_F(Talk, ASessionGoesOnWhileItsFirstCandidateWaits) {
  box_.answers = {{{"candidates", json::array()}}, {{"error", {{"code", "conflict"}, {"text", "is open already"}}}}};
  EXPECT_EQ(session_.run("configure"), Status::good);
  EXPECT_EQ(session_.candidate(), "cli-anna-" + std::to_string(getpid()) + ".2");
}

json long_connections() {
  json rows = json::array();
  for (const char* client : {"[2001:db8:1234:5678:9abc:def0:1234:5678]:40000", "10.0.0.1:40001"}) {
    rows.push_back({{"client", client},
                    {"service", "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:443"},
                    {"server", "web1"},
                    {"state", "established"},
                    {"reason", "weighted_round_robin"}});
  }
  return {{"dataplane", {{"alive", true}}}, {"connections", rows}};
}

TEST_F(Talk, FiltersPickRowsAndNotLinesOfTheScreen) {
  screen_.wide = 80;
  box_.answers = {long_connections()};
  session_.run("show connections | match db8:1234:.*weighted_round_robin | count");
  EXPECT_EQ(screen_.printed, "1\n");
  screen_.printed.clear();
  box_.answers = {long_connections()};
  session_.run("show connections | match 10.0.0.1:40001");
  EXPECT_EQ(screen_.printed.find("10.0.0.1:40001"), 0U);
  EXPECT_NE(screen_.printed.find("weighted_round_robin"), std::string::npos) << screen_.printed;
  EXPECT_LE(screen_.printed.find('\n'), 80U) << "a picked row goes on in the next line";
}

TEST_F(Talk, TellsTheWayToCommandsOfTheOtherMode) {
  EXPECT_EQ(session_.run("commit at 12:00"), Status::syntax);
  EXPECT_EQ(screen_.complained, "fulcrum: commit is a command of configuration: say `configure` first\n");
  screen_.complained.clear();
  session_.enter("mine", 0);
  EXPECT_EQ(session_.run("access rescue"), Status::syntax);
  EXPECT_EQ(screen_.complained, "fulcrum: access is no command of configuration: `exit` leaves it\n");
  screen_.complained.clear();
  session_.run("rain");
  EXPECT_NE(screen_.complained.find("\"rain\" is no command"), std::string::npos);
}

TEST_F(Talk, CountsRowsAndNotWhatStandsBesideThem) {
  const json farm{{"name", "shop"}, {"state", "down"}, {"reason", "nobody serves"}};
  const std::vector<std::tuple<const char*, json, const char*>> cases{
      {"show farms | count", {{"farms", {farm, farm}}}, "2\n"},
      {"show farms | count", {{"farms", json::array()}}, "0\n"},
      {"show connections | count", long_connections(), "2\n"},
      {"show connections | count", {{"connections", json::array()}}, "0\n"},
      {"show farms | match nobody | count", {{"farms", {farm}}}, "0\n"},
  };
  for (const auto& [line, answer, count] : cases) {
    screen_.printed.clear();
    box_.answers = {answer};
    session_.run(line);
    EXPECT_EQ(screen_.printed, count) << line << answer;
  }
}

TEST_F(Talk, TheLastFormThatIsSaidCounts) {
  const json answer{{"connections", {{{"client", "192.0.2.7:1"}}, {{"client", "192.0.2.8:1"}}}}};
  box_.answers = {answer};
  session_.run("show connections all | json | yaml");
  EXPECT_EQ(screen_.printed, "- client: \"192.0.2.7:1\"\n- client: \"192.0.2.8:1\"\n");
  Session scripted{box_, screen_, {.user = "anna", .as_json = true}};
  screen_.printed.clear();
  box_.answers = {answer};
  scripted.run("show connections | table | match ^CLIENT");
  EXPECT_EQ(screen_.printed.find("CLIENT"), 0U) << screen_.printed;
}

TEST_F(Talk, RowsAreOneLineWhereNobodyLooks) {
  box_.answers = {long_connections()};
  session_.run("show connections");
  EXPECT_NE(screen_.printed.find("5678]:40000  [2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:443  web1"), std::string::npos)
      << screen_.printed;
}

TEST_F(Talk, ALongCommentStandsBelowItsRevision) {
  screen_.wide = 80;
  const std::string who = "anna-lindberg (token continuous-deployment)";
  box_.answers = {{{"revisions",
                    {{{"revision", 1041},
                      {"when", "2026-07-24T11:57:03Z"},
                      {"who", who},
                      {"face", "api"},
                      {"why", "moves the web servers of the shop to the machines in the new hall"}}}}}};
  session_.run("show history");
  EXPECT_NE(
      screen_.printed.find("1041  2026-07-24 11:57:03  " + who + "  api\n    moves the web servers of the shop to"),
      std::string::npos)
      << screen_.printed;
}

TEST_F(Talk, WhatOthersWroteDoesNotSteerTheTerminal) {
  const std::string evil =
      "\033]0;pwned\007\nnext\xc2\x9b"
      "2J\x7f";
  const json revision{{"revision", 7}, {"when", "2026-07-24T11:57:03Z"}, {"who", evil}, {"face", "api"}, {"why", evil}};
  for (const char* line : {"show history", "show history | json", "show revision 7", "show candidates"}) {
    screen_.printed.clear();
    json answer = revision;
    answer["revisions"] = answer["candidates"] = json::array({revision});
    answer["steps"] = json::array({evil, {{"words", evil}}});
    box_.answers = {answer};
    session_.run(line);
    EXPECT_NE(screen_.printed.find("pwned"), std::string::npos) << line;
    for (const char* bad : {"\033", "\007", "\nnext", "\x9b", "\x7f"}) {
      EXPECT_EQ(screen_.printed.find(bad), std::string::npos) << line << screen_.printed;
    }
  }
  screen_.printed.clear();
  box_.answers = {revision};
  session_.run("api GET /x");
  box_.answers = {{{"error", {{"code", "failed"}, {"text", evil}}}}};
  session_.run("show farms");
  EXPECT_EQ((screen_.printed + screen_.complained).find('\033'), std::string::npos);
}

TEST_F(Talk, JsonSaysWhatItSaid) {
  const std::string evil =
      "\033]0;\n\xc2\x9b"
      "2J\x7f";
  box_.answers = {{{"why", evil}}};
  session_.run("show version | json");
  EXPECT_EQ(json::parse(screen_.printed)["why"], evil);
}

TEST_F(Talk, PagesComeOneByOne) {
  box_.answers = {{{"connections", json::array()}, {"next", 1000}},
                  {{"connections", json::array()}, {"next", nullptr}}};
  EXPECT_EQ(session_.run("show connections all"), Status::good);
  ASSERT_EQ(box_.questions.size(), 2);
  EXPECT_EQ(box_.questions[1]["offset"], 1000);
}

}  // namespace
}  // namespace fulcrum::cli
