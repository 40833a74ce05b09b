// What the tests of the store share: a configuration in a directory of its own, as a program that starts would open it.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "control/document/json.h"
#include "control/files/files.h"
#include "control/store/configuration.h"
#include "control/store/file_link.h"
#include "control/store/revision_json.h"
#include "tests/support/gtest.h"
#include "tests/support/lab.h"

namespace fulcrum::store {

using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr const char* kText = R"(# of the test
version = 1;
ports = ( { name = "front"; addresses = [ "198.51.100.1/24" ]; },
          { name = "back"; addresses = [ "10.1.1.1/24" ]; } );
farms = ( { name = "shop"; addresses = [ "198.51.100.10" ];
            ports = ( { port = 80; } );
            servers = ( { name = "web1"; addresses = [ "10.1.1.11" ]; weight = 10; },  # the old one
                        { name = "web2"; addresses = [ "10.1.1.12" ]; weight = 10; } ); } );
)";

inline document::Path path(std::string_view text) { return *document::parse_path(text); }

template <class T>
std::string refused(const document::Answer<T>& answer) {
  if (answer) return "done";
  std::string lines;
  for (const auto& problem : answer.error().problems) lines += problem.words() + "\n";
  return lines;
}

// A box with a small configuration, whose program can be started again.
class ConfigurationTest : public testing::Test {
 protected:
  void SetUp() override { start(); }

  // As the program does: opens the history, reads the file.
  void start() {
    configuration.reset();
    auto history = History::open(directory.path() + "/state", model::description().shape());
    ASSERT_TRUE(history) << history.error().words();
    damage = history->damage();
    configuration.emplace(
        std::move(*history),
        Configuration::Rules{
            .validate = [](const auto& model, const auto& sources) { return judge(model, sources); },
            .may_follow = [](const auto&, const auto&) { return std::vector<std::pair<std::string, std::string>>{}; }});
    configuration->on_applied([this](const Committed& committed) { applied.push_back(committed.revision.number); });
    link.emplace(file, directory.path() + "/state");
    news = link->read(*configuration, now, "first start");
  }
  // The test's one rule between fields.
  static std::vector<settings::Problem> judge(const model::Model& model, const settings::Sources& sources) {
    if (model.farms.empty() || model.farms[0].servers.empty() || model.farms[0].servers[0].weight != 99) return {};
    return {sources.problem("farms[0].servers[0].weight", "is forbidden")};
  }
  document::Answer<const Candidate*> set(const std::string& name, const char* where, const char* word) {
    return configuration->edit(name, now, [&](const Document& document) {
      return document.set_words(path(where), std::vector<std::string>{word});
    });
  }
  document::Answer<Committed> commit(const std::string& name, CommitOptions options = {}) {
    return configuration->commit(name, {name, "cli", "because"}, now += minutes{1}, options);
  }
  // A commit of one setting by somebody.
  document::Answer<Committed> change(const char* where, const char* word, CommitOptions options = {}) {
    EXPECT_TRUE(configuration->open("someone", "someone", now));
    EXPECT_TRUE(set("someone", where, word));
    auto committed = commit("someone", options);
    if (!committed) {
      EXPECT_TRUE(configuration->discard("someone"));
    }
    return committed;
  }
  [[nodiscard]] std::string weight(int server = 1) const {
    const auto place =
        configuration->current().find(path("farms.shop.servers.web" + std::to_string(server) + ".weight"));
    return place ? to_json(configuration->current(), *place).dump() : "gone";
  }
  [[nodiscard]] std::string text() const { return **files::read(file, 1U << 20U); }

  test::TemporaryDirectory directory;
  std::string file = directory.write("fulcrum.cfg", kText);
  Time now = *parse_time("2026-01-01T12:00:00.000Z");
  std::vector<std::uint64_t> applied;
  std::optional<Configuration> configuration;
  std::optional<FileLink> link;
  FileLink::News news;
  std::vector<std::string> damage;
};

}  // namespace fulcrum::store
