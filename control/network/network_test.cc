// Against the real kernel: twins made of veth in a namespace that the test makes and removes. Root only.
#include "control/network/network.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using std::chrono::seconds;

// What a command prints. Commands of the test only; names in them are our own.
std::string run(const std::string& command) {
  std::string printed;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return printed;
  for (int letter = 0; (letter = fgetc(pipe)) != EOF;) printed += static_cast<char>(letter);
  pclose(pipe);
  return printed;
}

Prefix prefix(const char* text) { return *Prefix::parse(text); }
Address address(const char* text) { return *Address::parse(text); }

class NetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root for a network namespace";
    run("ip netns add " + box);
    run("ip netns add " + outside);
    make_twins();
    RegionHeader& header = region.header();
    header.twin_namespace = Name{box};
    put_port(0, "front");
    put_port(1, "back");
    model.ports = {{.name = "front", .addresses = {prefix("198.51.100.1/24"), prefix("2001:db8:1::1/64")}},
                   {.name = "back", .addresses = {prefix("10.1.1.1/24"), prefix("fd00:1::1/64")}}};
    model.routes = {{.to = prefix("0.0.0.0/0"), .via = address("198.51.100.254")}};
    model.farms.emplace_back();
    model.farms[0].addresses = {address("198.51.100.10"), address("2001:db8:1::10"), address("192.0.2.80")};
    const auto attached = network.attach(region);
    ASSERT_TRUE(attached) << attached.error().words();
    network.configure(model);
  }
  void TearDown() override {
    network.detach();
    run("ip netns del " + box);
    run("ip netns del " + outside);
  }

  void make_twins() const {
    for (const char* twin : {"front", "back"}) {
      run(fmt::format("ip link add {0} netns {1} type veth peer name {0} netns {2}", twin, box, outside));
      run(fmt::format("ip -n {} link set {} up", outside, twin));
    }
    run("ip -n " + outside + " addr add 10.1.1.11/24 dev back");
    run("ip -n " + outside + " addr add fd00:1::11/64 dev back nodad");
  }
  void put_port(std::size_t i, std::string_view name) {
    PortInfo& port = region.header().ports[i];
    port.name = Name{name};
    std::copy(name.begin(), name.end(), port.twin.begin());
    port.in_use = 1;
  }
  std::string ip(const std::string& words) const { return run("ip -n " + box + " " + words); }
  [[nodiscard]] std::string sysctl(const std::string& path) const {
    return run("ip netns exec " + box + " cat /proc/sys/net/" + path);
  }
  // Turns the loop until it holds; the kernel always answers, so this limit is only for a broken test.
  template <class Condition>
  [[nodiscard]] bool until(Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + seconds{20};
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      loop.run_one_for(std::chrono::milliseconds{100});
    }
    return true;
  }
  [[nodiscard]] bool has_route(const char* to) const {
    return std::any_of(network.routes().begin(), network.routes().end(),
                       [&](const Network::PortRoute& route) { return route.to == prefix(to); });
  }

  std::string box = fmt::format("fulcrum-nt{}-a", getpid());
  std::string outside = fmt::format("fulcrum-nt{}-b", getpid());
  Region region{*Region::create_anonymous({.workers = 1})};
  model::Model model;
  boost::asio::io_context loop;
  int routes_changed = 0, twins_lost = 0;
  Network network{loop, {.on_routes_changed = [this] { ++routes_changed; }, .on_twins_lost = [this] { ++twins_lost; }}};
};

TEST_F(NetworkTest, SetsTheTwinsUp) {
  EXPECT_TRUE(network.ready());
  const std::string front = ip("addr show dev front");
  EXPECT_NE(front.find("198.51.100.1/24"), std::string::npos) << front;
  EXPECT_NE(front.find("198.51.100.10/32"), std::string::npos) << front;
  EXPECT_NE(front.find("2001:db8:1::10/128"), std::string::npos) << front;
  EXPECT_NE(front.find("deprecated"), std::string::npos) << front;
  EXPECT_NE(front.find("2001:db8:1::1/64 scope global nodad"), std::string::npos) << front;
  EXPECT_NE(ip("addr show dev lo").find("192.0.2.80/32"), std::string::npos);
  EXPECT_NE(ip("route").find("default via 198.51.100.254 dev front"), std::string::npos) << ip("route");
  EXPECT_EQ(sysctl("ipv4/ip_forward"), "1\n");
  EXPECT_EQ(sysctl("ipv6/conf/all/forwarding"), "1\n");
  EXPECT_EQ(sysctl("ipv4/conf/back/accept_local"), "1\n");
  EXPECT_EQ(sysctl("ipv4/conf/back/rp_filter"), "0\n");
  EXPECT_TRUE(has_route("10.1.1.0/24"));
  EXPECT_TRUE(has_route("0.0.0.0/0"));
}

TEST_F(NetworkTest, TakesBackWhatItSetAndNothingElse) {
  ip("addr add 10.1.1.200/24 dev back");
  ip("route add 203.0.113.0/24 via 10.1.1.7 proto static");
  model.farms[0].addresses = {address("198.51.100.11")};
  model.routes = {{.to = prefix("0.0.0.0/0"), .via = address("198.51.100.253")},
                  {.to = prefix("2001:db8:9::/48"), .via = address("fd00:1::9")}};
  model.ports[1].addresses[0] = prefix("10.1.1.2/24");
  // Another life of the control plane: what it must remove it knows from Linux alone.
  Network successor{loop, {.on_routes_changed = [] {}, .on_twins_lost = [] {}}};
  ASSERT_TRUE(successor.attach(region));
  successor.configure(model);
  const std::string addresses = ip("addr");
  for (const char* gone : {"198.51.100.10/", "2001:db8:1::10/", "192.0.2.80", "10.1.1.1/"}) {
    EXPECT_EQ(addresses.find(gone), std::string::npos) << gone;
  }
  for (const char* there : {"198.51.100.11/32", "198.51.100.1/24", "10.1.1.2/24", "10.1.1.200/24", "127.0.0.1/8"}) {
    EXPECT_NE(addresses.find(there), std::string::npos) << there;
  }
  const std::string routes = ip("route") + ip("-6 route");
  EXPECT_EQ(routes.find("198.51.100.254"), std::string::npos) << routes;
  for (const char* there : {"default via 198.51.100.253", "203.0.113.0/24 via 10.1.1.7",
                            "2001:db8:9::/48 via fd00:1::9", "10.1.1.0/24 dev back"}) {
    EXPECT_NE(routes.find(there), std::string::npos) << there << "\n" << routes;
  }
}

TEST_F(NetworkTest, ConfiguringAgainChangesNothing) {
  const std::string before = ip("addr") + ip("route");
  network.configure(model);
  EXPECT_EQ(ip("addr") + ip("route"), before);
}

TEST_F(NetworkTest, LeavesARouteThatSomebodyElseSet) {
  ip("route add 203.0.113.0/24 via 10.1.1.7 proto static");
  model.routes.push_back({.to = prefix("203.0.113.0/24"), .via = address("10.1.1.8")});
  network.configure(model);
  EXPECT_NE(ip("route").find("203.0.113.0/24 via 10.1.1.7"), std::string::npos);
}

TEST_F(NetworkTest, MirrorsRoutesOfOthers) {
  ip("route add 203.0.113.0/24 via 10.1.1.7 proto bird");
  EXPECT_TRUE(until([&] { return has_route("203.0.113.0/24"); }));
  ip("-6 route add 2001:db8:7::/48 via fd00:1::7 proto bird");
  EXPECT_TRUE(until([&] { return has_route("2001:db8:7::/48"); }));
  ip("route del 203.0.113.0/24");
  EXPECT_TRUE(until([&] { return !has_route("203.0.113.0/24"); }));
}

// A change waits for those that follow it, so there are no more of them than pauses, however many routes.
TEST_F(NetworkTest, ABurstOfRoutesIsFewChanges) {
  auto others = netlink::Requests::open(*TwinNamespace::open(box, 0));
  ASSERT_TRUE(others);
  loop.run_for(std::chrono::milliseconds{50});
  const int before = routes_changed;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint32_t i = 0; i < 200; ++i) {
    const Prefix to{.address = Address::v4(Be32{0xCB007000U + (i << 8U)}), .length = 24};
    ASSERT_TRUE(others->add_route(to, address("10.1.1.7")));
    loop.poll();
  }
  EXPECT_TRUE(until([&] { return has_route("203.0.112.0/24") && has_route("203.1.55.0/24"); }));
  EXPECT_LE(routes_changed - before, (std::chrono::steady_clock::now() - start) / std::chrono::milliseconds{20} + 1);
}

TEST_F(NetworkTest, MirrorsNeighbours) {
  const NeighbourTable& table = region.neighbours();
  ip("neigh add 10.1.1.77 lladdr 02:00:00:00:00:77 dev back nud permanent");
  EXPECT_TRUE(until([&] { return table.find(PortId{1}, address("10.1.1.77")) == *Mac::parse("02:00:00:00:00:77"); }));
  ip("neigh replace 10.1.1.77 lladdr 02:00:00:00:00:78 dev back nud permanent");
  EXPECT_TRUE(until([&] { return table.find(PortId{1}, address("10.1.1.77")) == *Mac::parse("02:00:00:00:00:78"); }));
  ip("neigh del 10.1.1.77 dev back");
  EXPECT_TRUE(until([&] { return !table.find(PortId{1}, address("10.1.1.77")); }));
}

TEST_F(NetworkTest, MakesLinuxFindAWantedNeighbour) {
  network.want(PortId{1}, address("10.1.1.11"));
  network.want(PortId{1}, address("fd00:1::11"));
  EXPECT_TRUE(until([&] {
    return region.neighbours().find(PortId{1}, address("10.1.1.11")) &&
           region.neighbours().find(PortId{1}, address("fd00:1::11"));
  }));
}

TEST_F(NetworkTest, KeepsNextHopsKnown) {
  network.neighbours().begin_keeping();
  const auto id = network.neighbours().keep(PortId{1}, address("10.1.1.11"));
  network.neighbours().commit_keeping();
  network.ask_for_next_hops();
  EXPECT_TRUE(until([&] { return region.neighbours().mac(*id).has_value(); }));
  ip("neigh flush dev back");  // the timer asks again
  EXPECT_TRUE(until([&] { return !region.neighbours().mac(*id); }));
  EXPECT_TRUE(until([&] { return region.neighbours().mac(*id).has_value(); }));
}

TEST_F(NetworkTest, SetsATwinAnewThatComesBack) {
  ip("link del front");
  EXPECT_TRUE(until([&] { return twins_lost == 1; }));
  EXPECT_FALSE(network.ready());
  EXPECT_TRUE(has_route("0.0.0.0/0")) << "a dataplane that restarts must not lose its routes";
  EXPECT_FALSE(network.open_tcp(Family::ipv4)) << "no probe could get out";
  run(fmt::format("ip link add front netns {} type veth peer name front netns {}", box, outside));
  run(fmt::format("ip -n {} link set front up", outside));
  EXPECT_TRUE(until([&] { return network.ready(); }));
  EXPECT_NE(ip("addr show dev front").find("198.51.100.10/32"), std::string::npos);
  EXPECT_NE(ip("route").find("default via 198.51.100.254"), std::string::npos);
}

// A dataplane that stops leaves its twins behind, without carrier. What nobody can answer meanwhile says nothing.
TEST_F(NetworkTest, KeepsWhatItKnewWhileTheDataplaneIsAway) {
  const NeighbourTable& table = region.neighbours();
  const auto known = [&] { return table.find(PortId{1}, address("10.1.1.77")); };
  ip("neigh add 10.1.1.77 lladdr 02:00:00:00:00:77 dev back nud permanent");
  ip("route add 203.0.113.0/24 via 10.1.1.7 proto bird");
  ASSERT_TRUE(until([&] { return known() && has_route("203.0.113.0/24"); }));
  run("ip -n " + outside + " link set back down");
  network.look();  // at once, whatever Linux has told by now
  EXPECT_EQ(twins_lost, 1);
  EXPECT_FALSE(network.ready());
  EXPECT_FALSE(network.open_tcp(Family::ipv4)) << "no probe could get out";
  ip("neigh del 10.1.1.77 dev back");
  ip("route del 203.0.113.0/24");
  loop.run_for(std::chrono::milliseconds{1200});  // the timer would ask, and read anew
  EXPECT_TRUE(known());
  EXPECT_TRUE(has_route("203.0.113.0/24"));
  run("ip -n " + outside + " link set back up");
  EXPECT_TRUE(until([&] { return network.ready() && !known() && !has_route("203.0.113.0/24"); }));
  EXPECT_EQ(twins_lost, 1);
}

TEST_F(NetworkTest, ConfiguresTwinsThatNoDataplaneIsBehind) {
  run("ip -n " + outside + " link set front down");
  network.look();
  model.farms[0].addresses = {address("198.51.100.11")};
  network.configure(model);
  EXPECT_NE(ip("addr show dev front").find("198.51.100.11/32"), std::string::npos);
  EXPECT_EQ(sysctl("ipv4/conf/front/arp_evict_nocarrier"), "0\n");
  EXPECT_EQ(sysctl("ipv6/conf/front/ndisc_evict_nocarrier"), "0\n");
}

TEST_F(NetworkTest, OpensSocketsInsideAndStaysOutside) {
  const auto socket = network.open_tcp(Family::ipv4);
  ASSERT_TRUE(socket);
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = address("198.51.100.10").v4().wire();
  EXPECT_EQ(bind(socket->get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0) << "not inside";
  const OwnedFd ours{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  EXPECT_NE(bind(ours.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0) << "we are still inside";
}

TEST_F(NetworkTest, SaysWhereTheNamespaceShouldBe) {
  region.header().twin_namespace = Name{"no-such-namespace"};
  const auto attached = network.attach(region);
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().code, Error::Code::not_found);
  EXPECT_NE(attached.error().words().find("no-such-namespace"), std::string::npos);
}

}  // namespace
}  // namespace fulcrum
