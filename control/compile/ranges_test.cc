#include "control/compile/ranges.h"

#include "tests/support/compiled_shop.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using namespace test;  // NOLINT: the tests read as sentences

constexpr const char* kVip = "198.51.100.10";

model::ServicePort port(Protocol protocol, std::uint16_t first, std::uint16_t last = 0, std::uint16_t server = 0) {
  return {.protocol = protocol, .port = first, .server_port = server, .last_port = last};
}

model::Model with_ports(std::vector<model::ServicePort> ports) {
  model::Model model = shop();
  model.farms[0].ports = std::move(ports);
  return model;
}

std::uint16_t range(const Compiled& one, std::uint16_t port, const char* vip = kVip,
                    Protocol protocol = Protocol::tcp) {
  return find_range(*one.snapshot, ip(vip), Be16{port}, protocol);
}

TEST(Ranges, AreFoundFromTheirFirstToTheirLastPort) {
  const Compiled one = compiled(with_ports({port(Protocol::tcp, 8200, 8299), port(Protocol::tcp, 8000, 8099),
                                            port(Protocol::tcp, 443), port(Protocol::udp, 1, 65535)}));
  EXPECT_EQ(one.snapshot->range_count, 6U) << "on two addresses";
  for (const char* vip : {kVip, "2001:db8:1::10"}) {
    const std::uint16_t low = range(one, 8000, vip);
    const std::uint16_t high = range(one, 8200, vip);
    ASSERT_NE(low, kNoIndex);
    ASSERT_NE(high, kNoIndex);
    EXPECT_EQ(one.snapshot->services[low].port, Be16{8000});
    EXPECT_EQ(one.snapshot->services[high].last_port, Be16{8299});
    EXPECT_EQ(range(one, 8099, vip), low);
    EXPECT_EQ(range(one, 8299, vip), high);
    for (const int port : {1, 443, 7999, 8100, 8199, 8300, 65535})
      EXPECT_EQ(range(one, static_cast<std::uint16_t>(port), vip), kNoIndex);
    for (const int port : {1, 443, 65535})
      EXPECT_NE(range(one, static_cast<std::uint16_t>(port), vip, Protocol::udp), kNoIndex);
  }
  EXPECT_EQ(range(one, 8000, "198.51.100.11"), kNoIndex);
  EXPECT_EQ(one.service(kVip, 8000), kNoIndex) << "the exact index is for ports that stand alone";
  EXPECT_NE(one.service(kVip, 443), kNoIndex);
}

TEST(Ranges, NothingIsLookedUpWhereThereAreNone) {
  const Compiled one = compiled(shop());
  EXPECT_EQ(one.snapshot->range_count, 0U);
  EXPECT_EQ(one.snapshot->has_wide, 0U);
  EXPECT_EQ(range(one, 80), kNoIndex);
  EXPECT_EQ(find_wide(*one.snapshot, ip("10.1.1.11"), Be16{80}, Protocol::tcp), kNoIndex);
}

TEST(Ranges, RepliesComeFromAnyOfThem) {
  model::Model model = with_ports({port(Protocol::tcp, 80, 0, 8080), port(Protocol::tcp, 8000, 8099, 9000)});
  model.farms.push_back(model.farms[0]);
  model.farms[1].name = "any";
  model.farms[1].addresses = {ip("198.51.100.30")};
  model.farms[1].ports = {port(Protocol::tcp, 1, 65535)};
  model.farms.push_back(model.farms[1]);
  model.farms[2].name = "direct";
  model.farms[2].mode = Mode::dsr;
  model.farms[2].addresses = {ip("198.51.100.20")};
  const Compiled one = compiled(model);
  const auto farms = [&](const char* server, std::uint16_t port, Protocol protocol = Protocol::tcp) {
    std::set<std::string> found;
    for (std::uint16_t row = find_wide(*one.snapshot, ip(server), Be16{port}, protocol); row != kNoIndex;
         row = first_serving(*one.snapshot, one.snapshot->servers[row].next_same_endpoint, Be16{port})) {
      const ServiceRow& service = one.snapshot->services[one.snapshot->servers[row].service.value];
      found.emplace(one.snapshot->farms[service.farm.value].name.view());
    }
    return found;
  };
  using Names = std::set<std::string>;
  EXPECT_EQ(farms("10.1.1.11", 9000), (Names{"shop", "any"}));
  EXPECT_EQ(farms("10.1.1.11", 9099), (Names{"shop", "any"}));
  EXPECT_EQ(farms("10.1.1.11", 8999), Names{"any"});
  EXPECT_EQ(farms("10.1.1.11", 65535), Names{"any"});
  EXPECT_EQ(farms("10.1.1.11", 1), Names{"any"});
  EXPECT_EQ(farms("10.1.1.11", 9000, Protocol::udp), Names{});
  EXPECT_EQ(farms("10.1.1.99", 9000), Names{});
}

struct Move {
  const char* name;
  std::vector<model::ServicePort> before, after;
  std::uint16_t port;  // of a connection
  bool goes_on;
};

TEST(Ranges, APortThatBecomesPartOfOneKeepsItsConnections) {
  const std::vector<Move> moves{
      {"as_it_was", {port(Protocol::tcp, 80, 89)}, {port(Protocol::tcp, 80, 89)}, 85, true},
      {"first_port", {port(Protocol::tcp, 80)}, {port(Protocol::tcp, 80, 89)}, 80, true},
      {"later_port", {port(Protocol::tcp, 443)}, {port(Protocol::tcp, 1, 65535)}, 443, true},
      {"alone_again", {port(Protocol::tcp, 1, 65535)}, {port(Protocol::tcp, 443)}, 443, true},
      {"wider", {port(Protocol::tcp, 80, 89)}, {port(Protocol::tcp, 70, 99)}, 85, true},
      {"moved_at_the_servers", {port(Protocol::tcp, 443)}, {port(Protocol::tcp, 440, 449, 8440)}, 443, false},
      {"moved_with_it", {port(Protocol::tcp, 443, 0, 8443)}, {port(Protocol::tcp, 440, 449, 8440)}, 443, true},
      {"another_protocol", {port(Protocol::udp, 443)}, {port(Protocol::tcp, 440, 449)}, 443, false},
      {"elsewhere", {port(Protocol::tcp, 80, 89)}, {port(Protocol::tcp, 90, 99)}, 85, false},
      {"the_first_of_several",
       {port(Protocol::tcp, 80), port(Protocol::tcp, 443)},
       {port(Protocol::tcp, 1, 999)},
       80,
       true},
      {"not_the_second",
       {port(Protocol::tcp, 80), port(Protocol::tcp, 443)},
       {port(Protocol::tcp, 1, 999)},
       443,
       false},
  };
  const auto at = [](const Compiled& one, std::uint16_t port, Protocol protocol) {
    const std::uint16_t exact = one.service(kVip, port, protocol);
    return exact != kNoIndex ? exact : range(one, port, kVip, protocol);
  };
  for (const Move& move : moves) {
    SCOPED_TRACE(move.name);
    const Compiled first = compiled(with_ports(move.before));
    const Compiled second = compiled(with_ports(move.after), 2, first.snapshot.get());
    const std::uint16_t before = at(first, move.port, move.before[0].protocol);
    const std::uint16_t after = at(second, move.port, move.after[0].protocol);
    ASSERT_NE(before, kNoIndex);
    const std::uint16_t row = first.snapshot->services[before].first_server;
    const bool is_same_server = after == before && second.snapshot->services[after].first_server == row &&
                                second.snapshot->servers[row].generation == first.snapshot->servers[row].generation;
    EXPECT_EQ(is_same_server, move.goes_on);
  }
}

}  // namespace
}  // namespace fulcrum
