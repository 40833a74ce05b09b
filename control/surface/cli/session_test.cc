// Lines of a session against a box that the test plays: which questions they become, and what is made of the answers.
#include "control/surface/cli/session.h"

#include <deque>

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
      {"show events limit 5", R"({"show": "events", "limit": 5})"},
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
      {"enable shop/web1",
       R"({"api": {"method": "POST", "path": "/api/v1/farms/shop/servers/web1/verbs", "body": {"verb": "enable"}}})"},
      {"weight shop/web1 0 for 2h",
       R"({"api": {"method": "POST", "path": "/api/v1/farms/shop/servers/web1/verbs",
                   "body": {"verb": "weight", "weight": 0, "for_s": 7200}}})"},
      {"explain tcp 192.0.2.7:4000 198.51.100.1:80 flags syn,ack ttl 3 revision 7",
       R"({"explain": {"protocol": "tcp", "source": "192.0.2.7:4000", "destination": "198.51.100.1:80",
           "flags": "syn,ack", "ttl": 3}, "revision": 7})"},
      {"access unlock anna", R"({"api": {"method": "POST", "path": "/api/v1/accounts/anna/unlock"}})"},
      {"audit verify", R"({"api": {"method": "GET", "path": "/api/v1/audit/verification"}})"},
      {"api PATCH /x '{\"weight\": 5}'", R"({"api": {"method": "PATCH", "path": "/x", "body": {"weight": 5}}})"},
  };
  for (const auto& [line, expected] : cases) EXPECT_EQ(question(line), json::parse(expected, nullptr, false)) << line;
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
  EXPECT_EQ(session_.run("commit"), Status::unconfirmed);
  EXPECT_EQ(box_.questions.back()["config"], "check");
  screen_.agrees = true;
  box_.answers = {check, {{"revision", {{"revision", 7}}}, {"acknowledged", true}}};
  box_.questions.clear();
  EXPECT_EQ(session_.run("commit comment why"), Status::good);
  EXPECT_EQ(box_.questions[1], json::parse(R"({"config": "commit", "candidate": "mine", "who": "anna", "face": "cli",
                                              "why": "why", "confirm_s": 600})"));
  EXPECT_EQ(box_.questions[2]["config"], "open");
  box_.answers = {{{"changes", {{{"words", "x"}}}}, {"problems", {{{"path", "farms"}, {"text", "are wrong"}}}}}};
  EXPECT_EQ(session_.run("commit"), Status::invalid);
  EXPECT_NE(screen_.complained.find("farms: are wrong"), std::string::npos);
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
