// Servers that leave their farm, or go into maintenance, while they have connections.
#include "tests/support/compiled_shop.h"

namespace fulcrum {
namespace {

using namespace test;  // NOLINT: the tests read as sentences

// A later snapshot, at a time, while servers have connections or have none.
std::unique_ptr<Snapshot> later(const model::Model& model, const Snapshot& before, std::uint32_t now_s,
                                bool has_connections = true) {
  auto next = std::make_unique<Snapshot>();
  const auto routes = routes_of(model, kPorts);
  const auto done = compile({.model = model,
                             .routes = routes,
                             .generation = before.generation + 1,
                             .now_s = now_s,
                             .previous = &before,
                             .state = {},
                             .has_connections = [&](ServerId) { return has_connections; },
                             .neighbour = {}},
                            *next);
  EXPECT_TRUE(done.has_value()) << done.error().words();
  return next;
}

TEST(Compile, AServerThatLeftGoesOnForItsConnections) {
  model::Model model = shop();
  const Compiled first = compiled(model);
  const std::uint16_t left = find_endpoint(*first.snapshot, ip("10.1.1.12"), Be16{8080}, Protocol::tcp);
  model.farms[0].servers.erase(model.farms[0].servers.begin() + 1);
  const auto second = later(model, *first.snapshot, 1000);
  const ServerRow& row = second->servers[left];
  EXPECT_EQ(row.state, ServerState::leaving);
  EXPECT_EQ(row.flows, Flows::go_on_for_a_time);
  EXPECT_EQ(row.left_at, 1000U);
  EXPECT_EQ(row.generation, first.snapshot->servers[left].generation);
  EXPECT_EQ(row.address_port_delta, first.snapshot->servers[left].address_port_delta);
  EXPECT_EQ(second->server_names[left].view(), "web2");
  EXPECT_EQ(find_endpoint(*second, ip("10.1.1.12"), Be16{8080}, Protocol::tcp), left) << "its answers are known";
  EXPECT_EQ(find_member(*second, row.service, row.member), kNoIndex) << "clients that were bound to it move";
  for (std::uint16_t s = second->services[row.service.value].first_server; s != kNoIndex;
       s = second->servers[s].next_of_service) {
    EXPECT_NE(s, left);
  }
  const auto third = later(model, *second, 1299);
  EXPECT_EQ(third->servers[left].flows, Flows::go_on_for_a_time);
  EXPECT_EQ(third->servers[left].left_at, 1000U);
  EXPECT_EQ(later(model, *third, 1300)->servers[left].flows, Flows::reset) << "drain_time_s is over";
  EXPECT_EQ(later(model, *third, 1300, false)->servers[left].state, ServerState::unused) << "the last one has ended";
  EXPECT_EQ(later(model, *first.snapshot, 1000, false)->servers[left].state, ServerState::leaving)
      << "a worker may be opening one right now";
  model.farms[0].removed_flows = model::RemovedFlows::keep;
  EXPECT_EQ(later(model, *third, 999'999)->servers[left].flows, Flows::go_on);
  model.farms[0].removed_flows = model::RemovedFlows::reset;
  EXPECT_EQ(later(model, *first.snapshot, 1000)->servers[left].flows, Flows::reset);
}

// No connection can go on the other way, whatever the farm says of those that are removed; clients keep their servers.
TEST(Compile, AnotherModeEndsTheConnectionsOfTheOldOne) {
  model::Model model = shop();
  model.farms[0].removed_flows = model::RemovedFlows::keep;
  const Compiled first = compiled(model);
  const std::uint16_t old = find_endpoint(*first.snapshot, ip("10.1.1.12"), Be16{8080}, Protocol::tcp);
  const ServerRow& before = first.snapshot->servers[old];
  model.farms[0].mode = Mode::dsr;
  const auto second = later(model, *first.snapshot, 1000);
  EXPECT_EQ(second->servers[old].state, ServerState::leaving);
  EXPECT_EQ(second->servers[old].flows, Flows::reset);
  EXPECT_EQ(second->servers[old].generation, before.generation);
  const std::uint16_t now = find_member(*second, before.service, before.member);
  ASSERT_NE(now, kNoIndex) << "clients that are bound to it stay";
  EXPECT_NE(now, old);
  EXPECT_EQ(second->servers[now].state, ServerState::up);
  const auto third = later(model, *second, 1001);
  EXPECT_EQ(third->servers[old].flows, Flows::reset) << "still";
  EXPECT_EQ(find_member(*third, before.service, before.member), now);
  EXPECT_EQ(later(model, *third, 1002, false)->servers[old].state, ServerState::unused);
  model.farms[0].mode = Mode::nat;
  const auto fourth = later(model, *third, 1003);
  const std::uint16_t again = find_member(*fourth, before.service, before.member);
  const auto fifth = later(model, *fourth, 1004);
  EXPECT_EQ(find_member(*fifth, before.service, before.member), again) << "not the one that left, which looks the same";
}

// By keeping what the model no longer has: an address, a port, the whole farm.
TEST(Compile, AnAddressAPortAndAFarmGoOnForTheirConnections) {
  const model::Model whole = shop();
  const Compiled first = compiled(whole);
  const auto leaves = [](const Snapshot& snapshot, const char* address, std::uint16_t port, Protocol protocol) {
    const std::uint16_t row = find_service(snapshot, ip(address), Be16{port}, protocol);
    return row != kNoIndex && snapshot.services[row].in_use == kLeaves;
  };
  model::Model no_address = whole;
  no_address.farms[0].addresses.pop_back();
  model::Model no_port = whole;
  no_port.farms[0].ports.pop_back();
  model::Model no_farm = whole;
  no_farm.farms[0].name = "other";
  no_farm.farms[0].addresses = {ip("198.51.100.77")};
  no_farm.farms[0].removed_flows = model::RemovedFlows::reset;
  for (const auto& [model, count] : {std::pair{&no_address, 2}, std::pair{&no_port, 2}, std::pair{&no_farm, 4}}) {
    const auto second = later(*model, *first.snapshot, 1000);
    int leaving = 0;
    for (const ServiceRow& row : second->services) leaving += row.in_use == kLeaves ? 1 : 0;
    EXPECT_EQ(leaving, count);
    for (std::uint16_t i = 0; i < first.snapshot->server_count; ++i) {
      const ServerRow& before = first.snapshot->servers[i];
      const ServerRow& row = second->servers[i];
      EXPECT_EQ(row.generation, before.generation);
      if (second->services[before.service.value].in_use != kLeaves) continue;
      EXPECT_EQ(row.state, ServerState::leaving);
      EXPECT_EQ(row.flows, Flows::go_on_for_a_time) << "as the farm said that is gone";
      EXPECT_EQ(row.address_port_delta, before.address_port_delta);
      EXPECT_EQ(row.egress, before.egress);
    }
    const ServiceRow& kept = second->services[first.service("198.51.100.10", 80)];
    EXPECT_EQ(second->farms[kept.farm.value].name.view(), "shop");
    // Without connections nothing is left of it the time after.
    const auto third = later(*model, *second, 1001, false);
    for (const ServiceRow& row : third->services) EXPECT_NE(row.in_use, kLeaves);
    // It comes back as it was.
    const auto back = later(whole, *second, 1001);
    for (const char* address : {"198.51.100.10", "2001:db8:1::10"}) {
      EXPECT_EQ(find_service(*back, ip(address), Be16{80}, Protocol::tcp), first.service(address, 80));
      EXPECT_FALSE(leaves(*back, address, 80, Protocol::tcp));
    }
    EXPECT_EQ(back->servers[0].state, ServerState::up);
  }
  const auto gone = later(no_farm, *first.snapshot, 1000);
  EXPECT_TRUE(leaves(*gone, "198.51.100.10", 53, Protocol::udp));
  EXPECT_EQ(find_route(*gone, ip("198.51.100.10")).kind, RouteKind::service);
  EXPECT_EQ(later(no_farm, *gone, 1299)->servers[0].flows, Flows::go_on_for_a_time);
  EXPECT_EQ(later(no_farm, *gone, 1300)->servers[0].flows, Flows::reset);
  const std::uint16_t reply = find_endpoint(*gone, ip("10.1.1.12"), Be16{8080}, Protocol::tcp);
  ASSERT_NE(reply, kNoIndex);
}

TEST(Compile, WhatIsLeavingGivesItsAddressUpToTheBoxAndToServers) {
  model::Model model = shop();
  const Compiled first = compiled(model);
  model.farms[0].addresses.pop_back();
  model.farms[0].addresses[0] = ip("198.51.100.77");
  model::Model own = model;
  own.ports[0].addresses[0] = *Prefix::parse("198.51.100.10/24");
  model::Model served = model;
  served.farms[0].servers[1].addresses[0] = ip("198.51.100.10");
  for (const model::Model* next : {&own, &served}) {
    const auto second = later(*next, *first.snapshot, 1000);
    EXPECT_EQ(find_service(*second, ip("198.51.100.10"), Be16{80}, Protocol::tcp), kNoIndex);
    EXPECT_NE(find_service(*second, ip("2001:db8:1::10"), Be16{80}, Protocol::tcp), kNoIndex);
  }
}

TEST(Compile, ConnectionsOfWhoLeftCountAgainstTheFarmsLimit) {
  model::Model model = shop();
  model.farms[0].connections_max = 50;
  model.farms[0].servers[1].connections_max = 10;
  const Compiled first = compiled(model);
  const std::uint16_t left = find_endpoint(*first.snapshot, ip("10.1.1.12"), Be16{8080}, Protocol::tcp);
  const std::uint16_t whole =
      limit_of(FarmId{first.snapshot->services[first.snapshot->servers[left].service.value].farm});
  model.farms[0].servers[1].addresses[0] = ip("10.1.1.99");
  const auto moved = later(model, *first.snapshot, 1000);
  const std::uint16_t now = find_endpoint(*moved, ip("10.1.1.99"), Be16{8080}, Protocol::tcp);
  EXPECT_EQ(moved->servers[left].limit, moved->servers[now].limit) << "it is the same server, elsewhere";
  model.farms[0].servers.erase(model.farms[0].servers.begin() + 1);
  EXPECT_EQ(later(model, *moved, 1000)->servers[left].limit, whole);
}

TEST(Compile, AServerThatComesBackTakesUpItsRow) {
  const model::Model whole = shop();
  model::Model less = whole;
  less.farms[0].servers.pop_back();
  const Compiled first = compiled(whole);
  const std::uint16_t left = find_endpoint(*first.snapshot, ip("10.9.1.13"), Be16{8080}, Protocol::tcp);
  const auto second = later(less, *first.snapshot, 1000);
  const auto third = later(whole, *second, 1001);
  EXPECT_EQ(third->servers[left].state, ServerState::up);
  EXPECT_EQ(third->servers[left].flows, Flows::go_on);
  EXPECT_EQ(third->servers[left].generation, first.snapshot->servers[left].generation);
  EXPECT_EQ(third->servers[left].member, first.snapshot->servers[left].member);
}

TEST(Compile, AServerWithAnotherAddressLeavesAtItsOldOne) {
  model::Model model = shop();
  const Compiled first = compiled(model);
  const std::uint16_t left = find_endpoint(*first.snapshot, ip("10.1.1.12"), Be16{8080}, Protocol::tcp);
  model.farms[0].servers[1].addresses = {ip("10.1.1.99")};
  const auto second = later(model, *first.snapshot, 1000);
  EXPECT_EQ(second->servers[left].state, ServerState::leaving);
  const std::uint16_t now = find_endpoint(*second, ip("10.1.1.99"), Be16{8080}, Protocol::tcp);
  EXPECT_EQ(second->servers[now].state, ServerState::up);
  EXPECT_EQ(second->servers[now].member, second->servers[left].member) << "persistent clients go on with it";
}

TEST(Compile, MaintenanceEndsConnectionsAsTheFarmSays) {
  model::Model model = shop();
  const Compiled first = compiled(model);
  const std::uint16_t row = find_endpoint(*first.snapshot, ip("10.1.1.12"), Be16{8080}, Protocol::tcp);
  model.farms[0].servers[1].state = model::AdminState::maintenance;
  const auto second = later(model, *first.snapshot, 1000);
  EXPECT_EQ(second->servers[row].flows, Flows::go_on_for_a_time);
  const auto third = later(model, *second, 1300);
  EXPECT_EQ(third->servers[row].flows, Flows::reset);
  EXPECT_EQ(third->servers[row].left_at, 1000U);
  model.farms[0].servers[1].state = model::AdminState::enabled;
  const auto fourth = later(model, *third, 1400);
  EXPECT_EQ(fourth->servers[row].flows, Flows::go_on);
  EXPECT_EQ(fourth->servers[row].left_at, 0U);
}

}  // namespace
}  // namespace fulcrum
