#include "control/app/blast_radius.h"

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

model::Server server(const char* name, const char* address, std::uint16_t weight) {
  model::Server one;
  one.name = name;
  one.addresses = {*Address::parse(address)};
  one.weight = weight;
  return one;
}

model::Model two_servers() {
  model::Model model;
  model::Farm& farm = model.farms.emplace_back();
  farm.name = "shop";
  farm.addresses = {*Address::parse("198.51.100.10")};
  farm.ports.emplace_back().port = 80;
  farm.servers = {server("web1", "10.1.1.11", 10), server("web2", "10.1.1.12", 10)};
  return model;
}

// What is said of a change of the farm "shop".
std::string losing(const model::Model& from, const model::Model& to) {
  document::Change change;
  change.path = {{"farms", false}, {"shop", false}};
  BlastRadius radius;
  add_changes(radius, from, to, {change});
  std::string words;
  for (const LostWeight& one : radius.losing_weight) {
    words += one.farm + "/" + one.server + " " + std::to_string(one.from) + " to " + std::to_string(one.to) + " " +
             one.why + ";";
  }
  return words;
}

TEST(BlastRadius, SaysWhoTakesLessAndWhy) {
  const model::Model before = two_servers();
  const auto after = [&](auto change) {
    model::Model model = before;
    change(model.farms[0]);
    return losing(before, model);
  };
  EXPECT_EQ(after([](model::Farm& farm) { farm.servers[0].weight = 4; }), "shop/web1 10 to 4 weight;");
  EXPECT_EQ(after([](model::Farm& farm) { farm.servers[0].weight = 20; }), "");
  EXPECT_EQ(after([](model::Farm& farm) { farm.servers.pop_back(); }), "shop/web2 10 to 0 removed;");
  EXPECT_EQ(after([](model::Farm& farm) { farm.servers[1].state = model::AdminState::drain; }),
            "shop/web2 10 to 0 drain;");
  EXPECT_EQ(after([](model::Farm& farm) { farm.servers[1].state = model::AdminState::maintenance; }),
            "shop/web2 10 to 0 maintenance;");
  EXPECT_EQ(after([](model::Farm& farm) { farm.servers[1].role = model::ServerRole::standby; }),
            "shop/web2 10 to 0 standby;");
  EXPECT_EQ(after([](model::Farm& farm) { farm.servers[1].role = model::ServerRole::favorite; }), "");
}

TEST(BlastRadius, KnowsAServerUnderItsNewName) {
  const model::Model before = two_servers();
  model::Model after = before;
  after.farms[0].name = "store";
  after.farms[0].servers[0].name = "red";
  EXPECT_EQ(losing(before, after), "");
  after.farms[0].servers[0].weight = 1;
  EXPECT_EQ(losing(before, after), "store/red 10 to 1 weight;");
}

}  // namespace
}  // namespace fulcrum
