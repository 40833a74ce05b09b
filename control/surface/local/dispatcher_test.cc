// Whose lines change something is on record. Commits and their like are tried on the real process (tests/api).
#include "control/surface/local/dispatcher.h"

#include <nlohmann/json.hpp>

#include "tests/support/gtest.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;

class KeepsLine final : public LineServer::Reply {
 public:
  void send(std::string line) override { answer = json::parse(line); }
  [[nodiscard]] bool is_wanted() const override { return true; }
  [[nodiscard]] const access::Peer& peer() const override { return asker; }
  json answer;
  access::Peer asker{.user = "root", .login = "anna"};
};

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    model.farms.emplace_back().name = "shop";
    dispatcher.set_record([this](audit::Record record, std::function<void()> done) {
      records.push_back(std::move(record));
      written = std::move(done);
    });
  }

  model::Model model;
  boost::asio::io_context loop;
  std::vector<audit::Record> records;
  std::function<void()> written;
  std::shared_ptr<KeepsLine> reply = std::make_shared<KeepsLine>();
  Dispatcher dispatcher{loop,
                        [this] { return View{.model = model}; },
                        [](Table, const std::vector<EntryFilter>&, const Clearer::Done& done) { done(12); },
                        [](const ExplainRequest&, const Questioner::Done&) {},
                        [](const telemetry::HistoryQuery&, const telemetry::Recorder::Done&) {},
                        [](const std::string& line, const access::Peer& peer, const auto& done) {
                          done(json(peer.name() + " asks " + line).dump());
                        }};
};

TEST_F(DispatcherTest, WhatChangesTheBoxIsOnRecordBeforeItIsAnswered) {
  dispatcher.answer(R"({"clear": "connections", "farm": "shop", "who": "bob"})", reply);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].who, "bob (login anna)");
  EXPECT_EQ(records[0].face, "console");
  EXPECT_EQ(records[0].source, "local");
  EXPECT_EQ(records[0].action, "clear-connections");
  EXPECT_EQ(records[0].object, R"({"clear":"connections","farm":"shop"})");
  EXPECT_EQ(records[0].result, "refused (failed)");
  EXPECT_EQ(records[0].note, "the dataplane is not running: nothing was cleared");
  EXPECT_TRUE(reply->answer.is_null());
  written();
  EXPECT_EQ(reply->answer["error"]["code"], "failed");
}

TEST_F(DispatcherTest, LookingLeavesNoRecord) {
  dispatcher.answer(R"({"show": "rain", "who": "bob"})", reply);
  EXPECT_EQ(reply->answer["error"]["code"], "invalid");
  EXPECT_TRUE(records.empty());
}

TEST_F(DispatcherTest, TheApiHearsWhoAsks) {
  dispatcher.answer(R"({"api":{}})", reply);
  loop.run();
  EXPECT_EQ(reply->answer, R"(root (login anna) asks {"api":{}})");
}

}  // namespace
}  // namespace fulcrum::surface
