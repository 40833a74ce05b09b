#include "control/app/targets.h"

#include "tests/support/gtest.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum {
namespace {

Address address(const char* text) { return *Address::parse(text); }

model::Model shop() {
  model::Model model;
  model::Farm farm;
  farm.name = "shop";
  farm.addresses = {address("198.51.100.10"), address("198.51.100.11"), address("2001:db8::10")};
  farm.ports = {{.protocol = Protocol::tcp, .port = 80, .server_port = 8080}};
  farm.servers = {{.name = "web1", .addresses = {address("10.1.1.11"), address("fd00::11")}}};
  model.farms = {farm};
  return model;
}

TEST(Targets, OneProbeHoweverManyServicesShareTheEndpoint) {
  model::Model model = shop();
  model.farms.push_back(model.farms[0]);
  model.farms[1].name = "mail";
  EXPECT_EQ(targets_of(model, nullptr, nullptr).size(), 2U);  // one per family
  model.farms[1].check.fall = 7;
  EXPECT_EQ(targets_of(model, nullptr, nullptr).size(), 4U);  // other rules, another judgement
}

TEST(Targets, OnlyFamiliesOfTheFarm) {
  model::Model model = shop();
  model.farms[0].addresses = {address("198.51.100.10")};
  const auto targets = targets_of(model, nullptr, nullptr);
  ASSERT_EQ(targets.size(), 1U);
  EXPECT_EQ(targets.begin()->first.address, address("10.1.1.11"));
  EXPECT_EQ(targets.begin()->first.port, 8080);
  EXPECT_EQ(targets.begin()->second, Health::unknown);
}

TEST(Targets, DsrServersListenOnTheServicesPort) {
  model::Model model = shop();
  model.farms[0].mode = Mode::dsr;
  EXPECT_EQ(targets_of(model, nullptr, nullptr).begin()->first.port, 80);
}

TEST(Targets, UdpGoesByTheFarmsTcpPort) {
  model::Model model = shop();
  model.farms[0].ports.push_back({.protocol = Protocol::udp, .port = 443});
  EXPECT_EQ(targets_of(model, nullptr, nullptr).size(), 2U);
  const auto target = target_of(model.farms[0], address("10.1.1.11"), model.farms[0].ports[1]);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->port, 8080);
}

TEST(Targets, APortMayBeCheckedAtAnother) {
  model::Model model = shop();
  model.farms[0].ports.push_back({.protocol = Protocol::udp, .port = 443, .check_port = 8443});
  EXPECT_EQ(targets_of(model, nullptr, nullptr).size(), 4U);
  EXPECT_EQ(target_of(model.farms[0], address("10.1.1.11"), model.farms[0].ports[1])->port, 8443);
  model.farms[0].ports[0].check_port = 8000;
  model.farms[0].ports[1].check_port = 0;
  EXPECT_EQ(target_of(model.farms[0], address("10.1.1.11"), model.farms[0].ports[1])->port, 8000);
}

TEST(Targets, APortThatIsCheckedAtAnotherBeginsWithWhatWorkersGoBy) {
  const Region region{*Region::create_anonymous({.workers = 1})};
  test::SnapshotBuilder builder{region.snapshot(0), 5};
  const ServerId web1 = builder.server(builder.service("198.51.100.10", 80), "10.1.1.11", 8080);
  model::Model model = shop();
  model.farms[0].addresses = {address("198.51.100.10")};
  model.farms[0].ports[0].check_port = 8081;
  const auto state = [&] { return targets_of(model, &region, &region.snapshot(0)).begin()->second; };
  EXPECT_EQ(state(), Health::up);
  builder.row(web1).state = ServerState::down;
  EXPECT_EQ(state(), Health::down);
  builder.row(web1).is_healthy = 1;
  EXPECT_EQ(state(), Health::up) << "another port is down, to which this one is bound";
}

TEST(Targets, NoneWithoutACheck) {
  model::Model model = shop();
  model.farms[0].check.type = model::CheckType::none;
  EXPECT_TRUE(targets_of(model, nullptr, nullptr).empty());
}

TEST(Targets, APortMayHaveACheckOfItsOwn) {
  using namespace std::chrono_literals;
  model::Model model = shop();
  model::Farm& farm = model.farms[0];
  farm.check = {.interval = 5s, .timeout = 2s, .rise = 2, .fall = 3};
  farm.ports.push_back({.protocol = Protocol::tcp, .port = 443});
  const auto target = [&](std::size_t port) { return target_of(farm, address("10.1.1.11"), farm.ports[port]); };
  farm.ports[1].check = {.interval = 200ms, .fall = 1};
  EXPECT_EQ(target(0)->interval, 5s);
  EXPECT_EQ(target(0)->fall, 3);
  EXPECT_EQ(target(1)->interval, 200ms);
  EXPECT_EQ(target(1)->timeout, 2s) << "the farm's";
  EXPECT_EQ(target(1)->rise, 2);
  EXPECT_EQ(target(1)->fall, 1);
  farm.ports[1].check = {.timeout = 1s, .rise = 7};
  EXPECT_EQ(target(1)->interval, 5s);
  EXPECT_EQ(target(1)->timeout, 1s);
  EXPECT_EQ(target(1)->rise, 7);
  farm.ports[1].check = {.type = model::PortCheckType::none};
  EXPECT_FALSE(target(1).has_value());
  EXPECT_EQ(targets_of(model, nullptr, nullptr).size(), 2U) << "port 80 of both families";
  farm.check.type = model::CheckType::none;
  EXPECT_TRUE(targets_of(model, nullptr, nullptr).empty());
  farm.ports[1].check = {.type = model::PortCheckType::tcp_connect};
  EXPECT_EQ(targets_of(model, nullptr, nullptr).size(), 2U);
  EXPECT_EQ(target(1)->port, 443);
}

TEST(Targets, BeginWithWhatWorkersGoBy) {
  const Region region{*Region::create_anonymous({.workers = 2})};
  Snapshot& snapshot = region.snapshot(0);
  test::SnapshotBuilder builder{snapshot, 5};
  const ServiceId v4 = builder.service("198.51.100.10", 80);
  const ServerId web1 = builder.server(v4, "10.1.1.11", 8080);
  const ServiceId v6 = builder.service("2001:db8::10", 80);
  const ServerId web1_v6 = builder.server(v6, "fd00::11", 8080);
  builder.row(web1_v6).state = ServerState::down;
  const auto state = [&](const char* of) {
    const auto targets = targets_of(shop(), &region, &snapshot);
    const auto found = std::find_if(targets.begin(), targets.end(),
                                    [&](const auto& target) { return target.first.address == address(of); });
    return found->second;
  };
  EXPECT_EQ(state("10.1.1.11"), Health::up);
  EXPECT_EQ(state("fd00::11"), Health::down);
  // An urgent message came after the snapshot, and control died before it compiled the next.
  ServerCounters& counters = region.server_counters(1)[web1.index];
  counters.server_generation = web1.generation;
  counters.urgent_state = ServerState::down;
  counters.urgent_since = 4;
  EXPECT_EQ(state("10.1.1.11"), Health::up) << "of an older snapshot";
  counters.urgent_since = 5;
  EXPECT_EQ(state("10.1.1.11"), Health::down);
  // States that say nothing of the server's health stand beside it.
  builder.row(web1_v6).state = ServerState::maintenance;
  EXPECT_EQ(state("fd00::11"), Health::unknown);
  builder.row(web1_v6).is_healthy = 1;
  EXPECT_EQ(state("fd00::11"), Health::up);
  builder.row(web1_v6).is_healthy = 0;
  builder.row(web1_v6).state = ServerState::untested;
  EXPECT_EQ(state("fd00::11"), Health::unknown);
}

TEST(Targets, AUdpRowTellsNothingAboutTheTcpPortOfItsNumber) {
  const Region region{*Region::create_anonymous({.workers = 1})};
  test::SnapshotBuilder builder{region.snapshot(0), 5};
  builder.server(builder.service("198.51.100.99", 53, Protocol::udp), "10.1.1.11", 8080);
  EXPECT_EQ(targets_of(shop(), &region, &region.snapshot(0)).begin()->second, Health::unknown);
}

// One farm asks the servers' port 80, another whether the shop behind it is well: after a restart of control neither
// begins with what the other knew.
TEST(Targets, FarmsThatCheckOneEndpointOtherwiseBeginEachWithItsOwn) {
  for (const bool is_first : {true, false}) {
    const Region region{*Region::create_anonymous({.workers = 1})};
    test::SnapshotBuilder builder{region.snapshot(0), 5};
    const ServiceId first = builder.service("198.51.100.10", 80), second = builder.service("198.51.100.30", 80);
    const ServerId one = builder.server(first, "10.1.1.11", 8080), other = builder.server(second, "10.1.1.11", 8080);
    builder.row(is_first ? one : other).state = ServerState::down;
    model::Model model = shop();
    model.farms[0].addresses = {address("198.51.100.10")};
    model.farms.push_back(model.farms[0]);
    model.farms[1].name = "mail";
    model.farms[1].addresses = {address("198.51.100.30")};
    model.farms[is_first ? 0 : 1].ports[0].check_port = 8081;
    for (const auto& [target, health] : targets_of(model, &region, &region.snapshot(0))) {
      EXPECT_EQ(health, target.port == 8081 ? Health::down : Health::up) << target.port;
    }
    // An address that the farm has only now: what is known of the endpoint.
    model.farms.pop_back();
    model.farms[0].addresses = {address("198.51.100.99")};
    EXPECT_NE(targets_of(model, &region, &region.snapshot(0)).begin()->second, Health::unknown);
  }
}

TEST(Targets, NameThoseTheyAreAbout) {
  const Region region{*Region::create_anonymous({.workers = 1})};
  Snapshot& snapshot = region.snapshot(0);
  test::SnapshotBuilder builder{snapshot, 5};
  std::vector<ServerId> rows;
  for (const auto& [vip, farm] : {std::pair{"198.51.100.10", 0}, {"198.51.100.11", 0}, {"198.51.100.12", 1}}) {
    const ServiceId service = builder.service(vip, 80);
    builder.row(service).farm = FarmId{static_cast<std::uint16_t>(farm)};
    rows.push_back(builder.server(service, "10.1.1.11", 8080));
    snapshot.server_names[rows.back().index] = Name{"web1"};
  }
  snapshot.farms[0].name = Name{"shop"};
  snapshot.farms[1].name = Name{"mail"};
  EXPECT_EQ(names_of(rows, snapshot), (std::vector<std::string>{"web1 of farm shop", "web1 of farm mail"}));
}

}  // namespace
}  // namespace fulcrum
