#include "control/app/blast_radius.h"

#include <memory>

#include "tests/support/gtest.h"
#include "tests/support/snapshot_builder.h"

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

TEST(BlastRadius, CountsApartWhatIsClosing) {
  auto region = Region::create_anonymous({.workers = 2});
  ASSERT_TRUE(region.has_value());
  const auto running = std::make_unique<Snapshot>();
  const auto planned = std::make_unique<Snapshot>();
  test::SnapshotBuilder build{*running};
  const ServiceId service = build.service("198.51.100.10", 80);
  const ServerId web1 = build.server(service, "10.1.1.11", 80);
  const ServerId web2 = build.server(service, "10.1.1.12", 80);
  *planned = *running;
  planned->servers[web2.index].state = ServerState::leaving;
  planned->servers[web2.index].flows = Flows::reset;
  const auto count = [&](std::size_t worker, ServerId server, std::int32_t active, std::int32_t closing) {
    ServerCounters& counters = region->server_counters(worker)[server.index];
    counters.server_generation = server.generation;
    counters.active = active;
    counters.closing = closing;
  };
  count(0, web1, 5, 1);
  count(1, web1, -2, 0);  // it closed what the other had opened
  count(0, web2, 4, 0);
  count(1, web2, 0, 3);
  const BlastRadius radius = radius_of(*region, *running, *planned);
  EXPECT_EQ(radius.kept, 2U);
  EXPECT_EQ(radius.reset, 1U);
  EXPECT_EQ(radius.closing, 4U);
  EXPECT_EQ(connections_of(*region, web2), 4U);
}

}  // namespace
}  // namespace fulcrum
