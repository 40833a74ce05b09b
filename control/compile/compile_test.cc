#include "control/compile/compile.h"

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "dataplane/base/checksum.h"
#include "tests/support/compiled_shop.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using namespace test;  // NOLINT: the tests read as sentences

TEST(Compile, MakesAServiceOfEachAddressAndPort) {
  const Compiled one = compiled(shop());
  EXPECT_EQ(one.snapshot->generation, 1U);
  EXPECT_EQ(one.snapshot->model_hash, 77U);
  EXPECT_EQ(one.snapshot->farm_count, 1U);
  EXPECT_EQ(one.snapshot->service_count, 4U);
  EXPECT_EQ(one.snapshot->server_count, 8U) << "3 servers in 2 IPv4 services, 1 in 2 of IPv6";
  const std::uint16_t id = one.service("198.51.100.10", 80);
  ASSERT_NE(id, kNoIndex);
  const ServiceRow& row = one.snapshot->services[id];
  EXPECT_EQ(row.server_count, 3);
  EXPECT_EQ(row.in_use, 1);
  EXPECT_EQ(row.established_s, 900U);
  EXPECT_EQ(one.snapshot->farms[row.farm.value].name.view(), "shop");
  EXPECT_EQ(one.snapshot->services[one.service("2001:db8:1::10", 53, Protocol::udp)].server_count, 1);
  EXPECT_EQ(one.service("198.51.100.10", 8080), kNoIndex);
  EXPECT_EQ(one.service("198.51.100.10", 80, Protocol::udp), kNoIndex);
  std::vector<std::string> chain;
  for (std::uint16_t s = row.first_server; s != kNoIndex; s = one.snapshot->servers[s].next_of_service) {
    EXPECT_EQ(one.snapshot->servers[s].service.value, id);
    EXPECT_EQ(one.snapshot->servers[s].generation, 1);
    chain.emplace_back(one.snapshot->server_names[s].view());
  }
  EXPECT_EQ(chain, (std::vector<std::string>{"web1", "web2", "web3"}));
}

TEST(Compile, ReportsWhereServersEndedUp) {
  const Compiled one = compiled(shop(), 1, nullptr, {"web2"});
  ASSERT_EQ(one.servers.size(), 8U);
  for (const CompiledServer& place : one.servers) {
    const ServerRow& row = one.snapshot->servers[place.id.index];
    EXPECT_EQ(row.generation, place.id.generation);
    EXPECT_EQ(row.service, place.service);
    EXPECT_EQ(row.state, place.duty.state);
    EXPECT_EQ(place.duty.state, place.server == 1 ? ServerState::down : ServerState::up);
    EXPECT_EQ(one.snapshot->server_names[place.id.index].view(), shop().farms[place.farm].servers[place.server].name);
  }
}

TEST(Compile, SaysSinceWhenAServerTakesNewConnections) {
  const auto since = [](const Compiled& one, std::size_t i) {
    return one.snapshot->servers[one.servers[i].id.index].up_since;
  };
  const Compiled first = compiled(shop(), 1, nullptr, {"web2"}, 1000);
  const Compiled back = compiled(shop(), 2, first.snapshot.get(), {}, 2000);
  EXPECT_EQ((std::vector{since(first, 0), since(back, 0), since(back, 1)}), (std::vector<Tick>{0, 0, 2000}));
  const Compiled later = compiled(shop(), 3, back.snapshot.get(), {}, 3000);
  const Compiled last = compiled(shop(), 4, later.snapshot.get(), {}, 2000 + ticks(model::kSlowStartMax));
  EXPECT_EQ((std::vector{since(later, 1), since(last, 1)}), (std::vector<Tick>{2000, 0}));
}

// What the rule says is in roster/bound_ports_test.cc; here, which rows are bound together.
TEST(Compile, AServerLeavesAllPortsOfAnAddressWithOne) {
  model::Model model = shop();
  model.farms[0].addresses.push_back(ip("198.51.100.11"));
  const auto states = [&](const Compiled& one, const char* vip, std::uint16_t port, Protocol protocol) {
    std::map<std::string, ServerState> found;
    const ServiceRow& service = one.snapshot->services[one.service(vip, port, protocol)];
    for (std::uint16_t s = service.first_server; s != kNoIndex; s = one.snapshot->servers[s].next_of_service)
      found.emplace(one.snapshot->server_names[s].view(), one.snapshot->servers[s].state);
    return found;
  };
  // The IPv4 port 53 of web1 fails.
  const auto fails = [](const ServerEndpoint& endpoint) {
    const bool is_it = endpoint.address == ip("10.1.1.11") && endpoint.service_port.port == 53;
    return is_it ? ServerState::down : ServerState::up;
  };
  const Compiled bound = compiled(model, 1, nullptr, {}, 0, fails);
  for (const char* vip : {"198.51.100.10", "198.51.100.11"}) {
    EXPECT_EQ(states(bound, vip, 80, Protocol::tcp)["web1"], ServerState::down) << vip;
    EXPECT_EQ(states(bound, vip, 80, Protocol::tcp)["web2"], ServerState::up) << vip;
    EXPECT_EQ(states(bound, vip, 53, Protocol::udp)["web1"], ServerState::down) << vip;
  }
  EXPECT_EQ(states(bound, "2001:db8:1::10", 80, Protocol::tcp)["web1"], ServerState::up) << "another address of it";
  for (std::size_t place = 0; place < bound.servers.size(); ++place) {
    const CompiledServer& server = bound.servers[place];
    const ServerRow& row = bound.snapshot->servers[server.id.index];
    const bool is_other = row.address == ip("10.1.1.11") && server.port == 0;
    EXPECT_EQ(standing_of(bound.servers, place).because_of, is_other ? 1 : roster::kOwnPort) << place;
    EXPECT_EQ(row.is_healthy, row.state == ServerState::up || is_other) << place;
    const ServiceRow& service = bound.snapshot->services[row.service.value];
    EXPECT_EQ(row.failed_service.value,
              is_other ? find_service(*bound.snapshot, service.address, Be16{53}, Protocol::udp) : kNoIndex);
  }
  model.farms[0].port_health = model::PortHealth::independent;
  const Compiled apart = compiled(model, 1, nullptr, {}, 0, fails);
  EXPECT_EQ(states(apart, "198.51.100.10", 80, Protocol::tcp)["web1"], ServerState::up);
  EXPECT_EQ(states(apart, "198.51.100.11", 53, Protocol::udp)["web1"], ServerState::down);
}

TEST(Compile, TheStandbyComesInOnAllBoundPorts) {
  model::Model model = shop();
  model.farms[0].servers[1].role = model::ServerRole::standby;
  const Compiled failed = compiled(model, 1, nullptr, {}, 0, [](const ServerEndpoint& endpoint) {
    const bool is_it = endpoint.server.name == "web1" && endpoint.service_port.port == 80;
    return is_it ? ServerState::down : ServerState::up;
  });
  for (const auto& [port, protocol] : {std::pair{80, Protocol::tcp}, {53, Protocol::udp}}) {
    const auto turns = failed.schedule(failed.service("198.51.100.10", static_cast<std::uint16_t>(port), protocol));
    EXPECT_EQ(std::set<std::string>(turns.begin(), turns.end()), (std::set<std::string>{"web2", "web3"})) << port;
  }
}

// What the rule says is in roster/standby_test.cc; here, that it is asked, by service and with what was before.
TEST(Compile, BringsAStandbyInAndKeepsItThere) {
  model::Model model = shop();
  model.farms[0].servers[1].role = model::ServerRole::standby;
  const Compiled well = compiled(model);
  const std::uint16_t v4 = well.service("198.51.100.10", 80);
  EXPECT_EQ(well.schedule(v4), (std::vector<std::string>{"web3", "web1", "web3"}));
  std::map<std::string, int> ranks;
  for (std::uint16_t i = well.snapshot->services[v4].first_server; i != kNoIndex;
       i = well.snapshot->servers[i].next_of_service)
    ranks.emplace(well.snapshot->server_names[i].view(), well.snapshot->servers[i].reserve_rank);
  EXPECT_EQ(ranks, (std::map<std::string, int>{{"web1", 0}, {"web2", 1}, {"web3", 0}}));
  const Compiled failed = compiled(model, 2, well.snapshot.get(), {"web1"});
  EXPECT_EQ(failed.schedule(v4), (std::vector<std::string>{"web2", "web3", "web2", "web3", "web2"}));
  EXPECT_TRUE(failed.schedule(failed.service("2001:db8:1::10", 80)).empty()) << "no standby has an IPv6 address";
  const Compiled back = compiled(model, 3, failed.snapshot.get());
  EXPECT_EQ(back.schedule(v4), (std::vector<std::string>{"web2", "web3", "web2", "web3", "web2"})) << "web1 waits";
  EXPECT_EQ(back.schedule(back.service("2001:db8:1::10", 80)), std::vector<std::string>{"web1"});
  model.farms[0].servers[0].role = model::ServerRole::favorite;
  EXPECT_EQ(compiled(model, 4, back.snapshot.get()).schedule(v4), well.schedule(v4));
}

TEST(Compile, TellsWhatADrainedServersCheckSays) {
  model::Model model = shop();
  for (model::Server& server : model.farms[0].servers) server.state = model::AdminState::maintenance;
  model.farms[0].servers[2].weight = 0;
  const Compiled one = compiled(model, 1, nullptr, {"web2"});
  const ServiceRow& row = one.snapshot->services[one.service("198.51.100.10", 80)];
  EXPECT_EQ(row.schedule_length, 0U);
  std::vector<int> healthy;
  for (auto s = row.first_server; s != kNoIndex; s = one.snapshot->servers[s].next_of_service) {
    EXPECT_EQ(one.snapshot->servers[s].state, ServerState::maintenance);
    healthy.push_back(one.snapshot->servers[s].is_healthy);
  }
  EXPECT_EQ(healthy, (std::vector<int>{1, 0, 1}));
}

TEST(Compile, FindsTheWayToEachServer) {
  const Compiled one = compiled(shop());
  const ServerRow& web1 =
      one.snapshot->servers[find_endpoint(*one.snapshot, ip("10.1.1.11"), Be16{8080}, Protocol::tcp)];
  EXPECT_EQ(web1.egress, PortId{7});
  EXPECT_EQ(web1.neighbour, 7011U) << "on link: itself";
  const ServerRow& web3 =
      one.snapshot->servers[find_endpoint(*one.snapshot, ip("10.9.1.13"), Be16{8080}, Protocol::tcp)];
  EXPECT_EQ(web3.egress, PortId{7});
  EXPECT_EQ(web3.neighbour, 7254U) << "behind the gateway";
}

TEST(Compile, LaysRoutes) {
  const Compiled one = compiled(shop());
  const auto hop = [&](const char* address) { return find_route(*one.snapshot, ip(address)); };
  EXPECT_EQ(hop("198.51.100.1").kind, RouteKind::local);
  EXPECT_EQ(hop("fd00:1::1").kind, RouteKind::local);
  EXPECT_EQ(hop("198.51.100.10").kind, RouteKind::service);
  EXPECT_EQ(hop("2001:db8:1::10").kind, RouteKind::service);
  EXPECT_EQ(hop("198.51.100.11").kind, RouteKind::on_link);
  EXPECT_EQ(hop("198.51.100.11").port, PortId{4});
  EXPECT_EQ(hop("8.8.8.8").kind, RouteKind::gateway);
  EXPECT_EQ(hop("8.8.8.8").neighbour, 4254U);
  EXPECT_EQ(hop("2001:db8:2::1").kind, RouteKind::none);
}

TEST(Compile, LetsALowerMetricWin) {
  const model::Model model = shop();
  const auto route = [](const char* to, RouteKind kind, std::uint8_t port, std::uint32_t metric) {
    return RouteInput{.to = *Prefix::parse(to), .kind = kind, .port = PortId{port}, .gateway = {}, .metric = metric};
  };
  const std::array routes{
      route("10.0.0.0/8", RouteKind::on_link, 1, 200), route("10.0.0.0/8", RouteKind::on_link, 2, 100),
      route("192.0.2.0/24", RouteKind::gateway, 1, 200), route("192.0.2.0/24", RouteKind::gateway, 2, 100),
      route("10.0.0.9/32", RouteKind::local, 1, 0)};
  auto snapshot = std::make_unique<Snapshot>();
  const CompileInput input{.model = model, .routes = routes, .state = {}, .neighbour = {}};
  ASSERT_TRUE(compile(input, *snapshot).has_value());
  EXPECT_EQ(find_route(*snapshot, ip("10.5.5.5")).port, PortId{2});
  EXPECT_EQ(find_route(*snapshot, ip("192.0.2.5")).port, PortId{2});
  EXPECT_EQ(find_route(*snapshot, ip("10.0.0.9")).kind, RouteKind::local);
  EXPECT_EQ(snapshot->servers[0].neighbour, kNoNeighbour) << "nobody to ask";
}

TEST(Compile, PrecomputesChecksumDeltas) {
  const Compiled one = compiled(shop());
  const ServiceRow& service = one.snapshot->services[one.service("198.51.100.10", 80)];
  const ServerRow& row = one.snapshot->servers[service.first_server];
  // A sum over the readdressed packet must equal the old sum with the delta applied.
  const std::uint64_t rest = 0x123456;
  const std::uint64_t before = rest + ones_sum(service.address) + service.port.wire();
  const std::uint64_t after = rest + ones_sum(row.address) + row.port.wire();
  const auto checksum = [](std::uint64_t sum) { return Be16::from_wire(static_cast<std::uint16_t>(~fold(sum))); };
  EXPECT_EQ(apply_delta(checksum(before), row.address_port_delta), checksum(after));
  EXPECT_EQ(apply_delta(checksum(rest + ones_sum(service.address)), row.address_delta),
            checksum(rest + ones_sum(row.address)));
}

TEST(Compile, SchedulesByWeightAndHealth) {
  model::Model model = shop();
  const Compiled all = compiled(model);
  EXPECT_EQ(all.schedule(all.service("198.51.100.10", 80)),
            (std::vector<std::string>{"web2", "web3", "web1", "web2", "web3", "web2"}));
  const Compiled without = compiled(model, 2, nullptr, {"web1", "web3"});
  EXPECT_EQ(without.schedule(without.service("198.51.100.10", 80)), std::vector<std::string>{"web2"});
  EXPECT_EQ(without.snapshot->services[without.service("2001:db8:1::10", 80)].schedule_length, 0U);
  model.farms[0].scheduler = SchedulerKind::round_robin;
  const Compiled plain = compiled(model, 3, nullptr, {"web2"});
  EXPECT_EQ(plain.schedule(plain.service("198.51.100.10", 80)), (std::vector<std::string>{"web1", "web3"}));
}

TEST(Compile, ChainsServersOfTheSameEndpoint) {
  model::Model model = shop();
  model.farms[0].addresses.push_back(ip("198.51.100.20"));
  model.farms.push_back(model.farms[0]);
  model.farms[1].name = "shop2";
  model.farms[1].addresses = {ip("198.51.100.30")};
  const Compiled one = compiled(model);
  std::set<std::uint16_t> services;
  for (auto s = find_endpoint(*one.snapshot, ip("10.1.1.11"), Be16{8080}, Protocol::tcp); s != kNoIndex;
       s = one.snapshot->servers[s].next_same_endpoint) {
    ASSERT_TRUE(services.insert(one.snapshot->servers[s].service.value).second);
  }
  EXPECT_EQ(services, (std::set<std::uint16_t>{one.service("198.51.100.10", 80), one.service("198.51.100.20", 80),
                                               one.service("198.51.100.30", 80)}));
}

TEST(Compile, KeepsDirectServersOutOfTheEndpointIndex) {
  model::Model model = shop();
  model.farms[0].mode = Mode::dsr;
  model.farms[0].ports = {{Protocol::tcp, 80, 0}};
  const Compiled one = compiled(model);
  EXPECT_EQ(find_endpoint(*one.snapshot, ip("10.1.1.11"), Be16{80}, Protocol::tcp), kNoIndex);
  const ServiceRow& service = one.snapshot->services[one.service("198.51.100.10", 80)];
  EXPECT_EQ(service.mode, Mode::dsr);
  EXPECT_EQ(one.snapshot->servers[service.first_server].port.host(), 80);
}

// Ids by what they name.
std::map<std::string, std::pair<std::uint16_t, std::uint16_t>> ids_of(const Compiled& one) {
  std::map<std::string, std::pair<std::uint16_t, std::uint16_t>> ids;
  for (std::uint16_t s = 0; s < one.snapshot->service_count; ++s) {
    const ServiceRow& service = one.snapshot->services[s];
    if (service.in_use == 0) continue;
    const std::string name = service.address.text() + " " + std::to_string(service.port.host()) + " " +
                             std::to_string(static_cast<int>(service.protocol));
    ids[name] = {s, 0};
    for (auto r = service.first_server; r != kNoIndex; r = one.snapshot->servers[r].next_of_service) {
      const ServerRow& row = one.snapshot->servers[r];
      ids[name + " " + std::string{one.snapshot->server_names[r].view()} + " " + row.address.text()] = {r,
                                                                                                        row.generation};
    }
  }
  return ids;
}

TEST(Compile, KeepsIdsWhereverThingsMove) {
  const model::Model model = shop();
  const Compiled first = compiled(model);
  model::Model moved = model;
  std::reverse(moved.farms[0].servers.begin(), moved.farms[0].servers.end());
  std::reverse(moved.farms[0].ports.begin(), moved.farms[0].ports.end());
  moved.farms[0].servers[0].weight = 55;
  moved.farms.insert(moved.farms.begin(), moved.farms[0]);
  moved.farms[0].name = "new";
  moved.farms[0].addresses = {ip("198.51.100.99")};
  const Compiled second = compiled(moved, 2, first.snapshot.get());
  auto wanted = ids_of(first);
  auto got = ids_of(second);
  EXPECT_EQ(got.size(), wanted.size() + 8) << "the new farm's two services with three servers each";
  for (const auto& [name, id] : wanted) EXPECT_EQ(got[name], id) << name;
  EXPECT_EQ(second.snapshot->farms[0].name.view(), "shop");
  EXPECT_EQ(second.snapshot->farms[1].name.view(), "new");
}

// The ids of everything, by who it is to a client: service and server address.
std::map<std::string, std::tuple<ServerId, MemberId, FarmId>> by_address(const Compiled& one) {
  std::map<std::string, std::tuple<ServerId, MemberId, FarmId>> ids;
  for (const CompiledServer& place : one.servers) {
    const ServerRow& row = one.snapshot->servers[place.id.index];
    const FarmId farm = one.snapshot->services[place.service.value].farm;
    ids.emplace(std::to_string(place.service.value) + ' ' + row.address.text(), std::tuple{place.id, row.member, farm});
  }
  return ids;
}

TEST(Compile, KeepsEverythingWhenNamesChange) {
  const model::Model model = shop();
  const Compiled first = compiled(model);
  model::Model renamed = model;
  renamed.farms[0].servers[0].name = "other";
  EXPECT_EQ(by_address(compiled(renamed, 2, first.snapshot.get())), by_address(first)) << "a server";
  std::swap(renamed.farms[0].servers[1].name, renamed.farms[0].servers[2].name);
  EXPECT_EQ(by_address(compiled(renamed, 2, first.snapshot.get())), by_address(first)) << "two that swap names";
  renamed.farms[0].name = "boutique";
  const Compiled second = compiled(renamed, 2, first.snapshot.get());
  EXPECT_EQ(by_address(second), by_address(first)) << "the farm, too";
  EXPECT_EQ(second.snapshot->farms[0].name.view(), "boutique");
  EXPECT_EQ(second.snapshot->farm_count, 1U);
}

TEST(Compile, GivesANewServerOfAnOldNameItsOwnMember) {
  model::Model model = shop();
  const Compiled first = compiled(model);
  model.farms[0].servers[1].name = "other";
  model.farms[0].servers.push_back(server("web2", {ip("10.1.1.42")}));
  const Compiled second = compiled(model, 2, first.snapshot.get());
  const auto before = by_address(first);
  const auto after = by_address(second);
  const std::string service = std::to_string(second.service("198.51.100.10", 80));
  EXPECT_EQ(after.at(service + " 10.1.1.12"), before.at(service + " 10.1.1.12"));
  EXPECT_GT(std::get<MemberId>(after.at(service + " 10.1.1.42")).value, first.snapshot->newest_member.value);
}

TEST(Compile, AServerIsOneMemberOfItsFarmWhateverItServes) {
  model::Model model = shop();
  model.farms.push_back(model.farms[0]);
  model.farms[1].name = "shop2";
  model.farms[1].addresses = {ip("198.51.100.30")};
  const auto member = [](const Compiled& one, const char* address, std::uint16_t port, Protocol protocol,
                         const char* name) {
    const ServiceRow& service = one.snapshot->services[one.service(address, port, protocol)];
    std::uint16_t row = service.first_server;
    while (row != kNoIndex && one.snapshot->server_names[row].view() != name) {
      row = one.snapshot->servers[row].next_of_service;
    }
    EXPECT_NE(row, kNoIndex) << name;
    const MemberId id = one.snapshot->servers[row].member;
    EXPECT_EQ(find_member(*one.snapshot, ServiceId{one.service(address, port, protocol)}, id), row);
    return id;
  };
  const Compiled first = compiled(model);
  const MemberId web1 = member(first, "198.51.100.10", 80, Protocol::tcp, "web1");
  const MemberId web2 = member(first, "198.51.100.10", 80, Protocol::tcp, "web2");
  EXPECT_NE(web1, kNoMember);
  EXPECT_NE(web1, web2);
  EXPECT_EQ(member(first, "198.51.100.10", 53, Protocol::udp, "web1"), web1);
  EXPECT_EQ(member(first, "2001:db8:1::10", 80, Protocol::tcp, "web1"), web1);
  EXPECT_NE(member(first, "198.51.100.30", 80, Protocol::tcp, "web1"), web1) << "another farm's";
  EXPECT_EQ(find_member(*first.snapshot, ServiceId{first.service("2001:db8:1::10", 80)}, web2), kNoIndex);
  // It keeps its id when its address and the ports change; one that comes later gets none that was ever given.
  model.farms[0].servers[0].addresses = {ip("10.1.1.77")};
  model.farms[0].addresses = {ip("198.51.100.10")};
  model.farms[0].ports = {{Protocol::tcp, 443, 0}};
  std::swap(model.farms[0].servers[0], model.farms[0].servers[2]);
  model.farms.erase(model.farms.begin() + 1);
  const Compiled second = compiled(model, 2, first.snapshot.get());
  EXPECT_EQ(member(second, "198.51.100.10", 443, Protocol::tcp, "web1"), web1);
  model.farms[0].servers[0] = server("web9", {ip("10.1.1.99")});
  const Compiled third = compiled(model, 3, second.snapshot.get());
  EXPECT_GT(member(third, "198.51.100.10", 443, Protocol::tcp, "web9").value, first.snapshot->newest_member.value);
}

TEST(Compile, CarriesTimesAndPersistence) {
  model::Model model = shop();
  model.farms[0].timeouts.time_wait = std::chrono::seconds{33};
  const Compiled without = compiled(model);
  const ServiceRow& plain = without.snapshot->services[without.service("198.51.100.10", 80)];
  EXPECT_EQ(plain.time_wait_s, 33);
  EXPECT_EQ(plain.persistence_s, 0U);
  EXPECT_EQ(without.snapshot->farms[plain.farm.value].persistence_s, 0U);
  model.farms[0].persistence = {model::PersistenceType::client_address, 24, 56, std::chrono::seconds{600}};
  const Compiled with = compiled(model, 2, without.snapshot.get());
  const ServiceRow& v4 = with.snapshot->services[with.service("198.51.100.10", 80)];
  EXPECT_EQ(v4.persistence_s, 600U);
  EXPECT_EQ(v4.persistence_length, 24);
  EXPECT_EQ(with.snapshot->services[with.service("2001:db8:1::10", 80)].persistence_length, 56);
  EXPECT_EQ(with.snapshot->farms[v4.farm.value].persistence_s, 600U);
}

TEST(Compile, TakesFreedIdsLastAndWithANewGeneration) {
  const model::Model model = shop();
  model::Model less = model;
  less.farms[0].servers.erase(less.farms[0].servers.begin());
  model::Model other = model;
  other.farms[0].servers[0].name = "other";
  const Compiled first = compiled(model);
  const Compiled second = compiled(less, 2, first.snapshot.get());
  const Compiled third = compiled(other, 3, second.snapshot.get());
  const std::uint16_t freed = first.snapshot->services[first.service("198.51.100.10", 80)].first_server;
  EXPECT_EQ(second.snapshot->servers[freed].state, ServerState::unused);
  EXPECT_EQ(second.snapshot->server_freed_in[freed], 2U);
  EXPECT_EQ(second.snapshot->servers[freed].generation, 1);
  EXPECT_EQ(second.snapshot->server_names[freed].view(), "");
  EXPECT_EQ(third.snapshot->servers[freed].state, ServerState::unused) << "there are rows that were never used";
  EXPECT_EQ(third.snapshot->server_freed_in[freed], 2U);

  // With all other rows used up once, the freed row comes back under its next generation.
  auto full = std::make_unique<Snapshot>(*second.snapshot);
  for (std::size_t i = 0; i < full->servers.size(); ++i) {
    if (full->servers[i].state == ServerState::unused && full->server_freed_in[i] == 0) full->server_freed_in[i] = 3;
  }
  const Compiled next = compiled(other, 4, full.get());
  EXPECT_EQ(next.snapshot->servers[freed].generation, 2);
  full->servers[freed].generation = UINT16_MAX;
  const Compiled fourth = compiled(other, 4, full.get());
  EXPECT_EQ(fourth.snapshot->servers[freed].state, ServerState::up);
  EXPECT_EQ(fourth.snapshot->servers[freed].generation, 1) << "0 names no server";
  EXPECT_EQ(fourth.snapshot->server_freed_in[freed], 0U);
}

TEST(Compile, TakesFreedServiceIdsLast) {
  const model::Model model = shop();
  model::Model moved = model;
  moved.farms[0].addresses = {ip("198.51.100.77")};
  const Compiled first = compiled(model);
  const Compiled second = compiled(moved, 2, first.snapshot.get());
  EXPECT_EQ(second.service("198.51.100.10", 80), kNoIndex);
  EXPECT_EQ(second.service("198.51.100.77", 80), 4) << "rows 0 to 3 were in use until now";
  EXPECT_EQ(second.snapshot->services[0].in_use, 0);
  EXPECT_EQ(second.snapshot->service_freed_in[0], 2U);
  const Compiled third = compiled(model, 3, second.snapshot.get());
  EXPECT_EQ(third.service("198.51.100.10", 80), 6);
}

TEST(Compile, SurvivesADamagedPrevious) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  auto damaged = std::make_unique<Snapshot>();
  for (int round = 0; round < 3; ++round) {
    auto* words = reinterpret_cast<std::uint64_t*>(damaged.get());
    for (std::size_t i = 0; i < sizeof(Snapshot) / 8; ++i) words[i] = random();
    const Compiled one = compiled(shop(), 9, damaged.get());
    EXPECT_EQ(one.servers.size(), 8U);
    EXPECT_NE(one.service("198.51.100.10", 80), kNoIndex);
  }
}

TEST(Compile, IsAFunctionOfItsInput) {
  const Compiled one = compiled(shop());
  const Compiled two = compiled(shop());
  EXPECT_EQ(ids_of(one), ids_of(two));
  EXPECT_EQ(one.snapshot->schedule[0], two.snapshot->schedule[0]);
}

TEST(Compile, FindsEveryServiceOfManyAndNoOther) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  model::Model model = shop();
  model::Farm farm = model.farms[0];
  model.farms.clear();
  std::set<std::uint32_t> used;
  while (model.farms.size() < 2000) {
    const auto host = static_cast<std::uint32_t>(random() % 0x1000000);
    if (!used.insert(host).second) continue;
    farm.name = "farm" + std::to_string(model.farms.size());
    farm.addresses = {Address::v4(Be32{0x14000000U + host})};
    model.farms.push_back(farm);
  }
  auto snapshot = std::make_unique<Snapshot>();
  const CompileInput input{.model = model, .routes = {}, .state = {}, .neighbour = {}};
  ASSERT_TRUE(compile(input, *snapshot).has_value());
  for (const model::Farm& one : model.farms) {
    const std::uint16_t id = find_service(*snapshot, one.addresses[0], Be16{80}, Protocol::tcp);
    ASSERT_NE(id, kNoIndex);
    EXPECT_EQ(snapshot->services[id].address, one.addresses[0]);
    EXPECT_EQ(find_service(*snapshot, one.addresses[0], Be16{81}, Protocol::tcp), kNoIndex);
  }
}

TEST(Compile, RefusesMoreThanThereIsRoomFor) {
  model::Model model = shop();
  model.farms[0].ports.clear();
  for (std::uint16_t port = 1; port <= 256; ++port) model.farms[0].ports.push_back({Protocol::tcp, port, 0});
  model.farms[0].addresses.clear();
  for (std::uint32_t i = 0; i < 64; ++i) model.farms[0].addresses.push_back(Address::v4(Be32{0x14000000U + i}));
  auto snapshot = std::make_unique<Snapshot>();
  const CompileInput input{.model = model, .routes = {}, .state = {}, .neighbour = {}};
  const auto servers = compile(input, *snapshot);
  ASSERT_FALSE(servers.has_value());
  EXPECT_EQ(servers.error().words(), "farms: more than 8192 services, which is what the box has room for");
}

}  // namespace
}  // namespace fulcrum
