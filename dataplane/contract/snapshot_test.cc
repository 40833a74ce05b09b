#include "dataplane/contract/snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/gtest.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum {
namespace {

Address address(const std::string& text) { return *Address::parse(text); }
Address nth_v4(std::uint32_t n) { return Address::v4(Be32{n}); }

class SnapshotLookup : public testing::Test {
 protected:
  std::unique_ptr<Snapshot> snapshot = std::make_unique<Snapshot>();
  test::SnapshotBuilder builder{*snapshot};
};

TEST_F(SnapshotLookup, AServiceIsItsAddressPortAndProtocol) {
  const ServiceId web = builder.service("198.51.100.10", 80);
  const ServiceId dns = builder.service("198.51.100.10", 80, Protocol::udp);
  const ServiceId v6 = builder.service("2001:db8::10", 80);
  const auto find = [&](const char* text, std::uint16_t port, Protocol protocol) {
    return find_service(*snapshot, address(text), Be16{port}, protocol);
  };
  EXPECT_EQ(find("198.51.100.10", 80, Protocol::tcp), web.value);
  EXPECT_EQ(find("198.51.100.10", 80, Protocol::udp), dns.value);
  EXPECT_EQ(find("2001:db8::10", 80, Protocol::tcp), v6.value);
  EXPECT_EQ(find("198.51.100.10", 81, Protocol::tcp), kNoIndex);
  EXPECT_EQ(find("198.51.100.11", 80, Protocol::tcp), kNoIndex);
  EXPECT_EQ(find("2001:db8::10", 80, Protocol::udp), kNoIndex);
  EXPECT_EQ(find("198.51.100.10", 0x5000, Protocol::tcp), kNoIndex) << "80 with its bytes swapped";
}

TEST_F(SnapshotLookup, AnEmptySnapshotHoldsNothing) {
  EXPECT_EQ(find_service(*snapshot, address("192.0.2.1"), Be16{80}, Protocol::tcp), kNoIndex);
  EXPECT_EQ(find_endpoint(*snapshot, address("192.0.2.1"), Be16{80}, Protocol::tcp), kNoIndex);
  EXPECT_EQ(find_route(*snapshot, address("192.0.2.1")).kind, RouteKind::none);
  EXPECT_EQ(find_route(*snapshot, address("2001:db8::1")).kind, RouteKind::none);
}

TEST_F(SnapshotLookup, EveryServiceOfAFullTableIsFound) {
  std::vector<std::pair<std::string, std::uint16_t>> made;
  for (std::size_t n = 0; n < kServicesMax; ++n) {
    made.emplace_back(fmt::format("198.51.{}.{}", n >> 11U, (n >> 3U) & 0xFFU), static_cast<std::uint16_t>(80 + n % 8));
    builder.service(made.back().first.c_str(), made.back().second);
  }
  for (std::size_t n = 0; n < kServicesMax; ++n) {
    const auto found = find_service(*snapshot, address(made[n].first), Be16{made[n].second}, Protocol::tcp);
    ASSERT_EQ(found, n) << made[n].first;
  }
  EXPECT_EQ(find_service(*snapshot, address("203.0.113.1"), Be16{80}, Protocol::tcp), kNoIndex);
}

TEST_F(SnapshotLookup, AnEndpointLeadsToAllItsRows) {
  const ServiceId web = builder.service("198.51.100.10", 80);
  const ServiceId shop = builder.service("198.51.100.11", 80);
  const ServiceId dns = builder.service("198.51.100.10", 80, Protocol::udp);
  const ServerId one = builder.server(web, "10.1.1.11", 8080);
  const ServerId two = builder.server(shop, "10.1.1.11", 8080);
  const ServerId udp = builder.server(dns, "10.1.1.11", 8080);
  std::vector<std::uint16_t> rows;
  for (std::uint16_t row = find_endpoint(*snapshot, address("10.1.1.11"), Be16{8080}, Protocol::tcp); row != kNoIndex;
       row = snapshot->servers[row].next_same_endpoint) {
    rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end());
  EXPECT_EQ(rows, (std::vector<std::uint16_t>{one.index, two.index}));
  EXPECT_EQ(find_endpoint(*snapshot, address("10.1.1.11"), Be16{8080}, Protocol::udp), udp.index);
  EXPECT_EQ(find_endpoint(*snapshot, address("10.1.1.11"), Be16{8081}, Protocol::tcp), kNoIndex);
}

TEST_F(SnapshotLookup, ARouteReachesToTheNext) {
  const auto hop = [](RouteKind kind, std::uint8_t port) { return NextHop{.kind = kind, .port = PortId{port}}; };
  builder.route("0.0.0.0", hop(RouteKind::gateway, 1));
  builder.route("10.1.1.0", hop(RouteKind::on_link, 2));
  builder.route("10.1.1.7", hop(RouteKind::local, 3));
  builder.route("10.1.1.8", hop(RouteKind::on_link, 4));
  builder.route("10.1.2.0", hop(RouteKind::gateway, 5));
  builder.route("::", hop(RouteKind::none, 6));
  builder.route("2001:db8::", hop(RouteKind::on_link, 7));
  builder.route("2001:db8:0:1::", hop(RouteKind::gateway, 8));
  struct Case {
    const char* destination;
    std::uint8_t port;
  };
  for (const Case& c :
       {Case{"0.0.0.0", 1}, Case{"10.1.0.255", 1}, Case{"10.1.1.0", 2}, Case{"10.1.1.6", 2}, Case{"10.1.1.7", 3},
        Case{"10.1.1.8", 4}, Case{"10.1.1.255", 4}, Case{"10.1.2.0", 5}, Case{"255.255.255.255", 5}, Case{"::", 6},
        Case{"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", 6}, Case{"2001:db8::", 7},
        Case{"2001:db8::ffff:ffff:ffff:ffff", 7}, Case{"2001:db8:0:1::", 8}, Case{"ffff::", 8}}) {
    EXPECT_EQ(find_route(*snapshot, address(c.destination)).port, PortId{c.port}) << c.destination;
  }
}

// Rows of one network differ in a byte or two: they must not crowd into a few homes.
TEST(EndpointHome, SpreadsNetworksAndPorts) {
  constexpr std::size_t kSlots = RowIndex<kServersMax>::kSlots;
  const auto longest_run = [](auto key_of) {
    std::vector<bool> taken(kSlots);
    std::size_t longest = 0;
    for (std::uint32_t n = 0; n < kSlots / 2; ++n) {
      const auto [where, port] = key_of(n);
      std::size_t steps = 0;
      for (std::size_t at = endpoint_home(where, port, Protocol::tcp, kSlots); taken[at % kSlots]; ++at) ++steps;
      taken[(endpoint_home(where, port, Protocol::tcp, kSlots) + steps) % kSlots] = true;
      longest = std::max(longest, steps);
    }
    return longest;
  };
  using Key = std::pair<Address, Be16>;
  EXPECT_LT(longest_run([](std::uint32_t n) { return Key{nth_v4(0x0A000000U + n), Be16{80}}; }), 100U);
  EXPECT_LT(longest_run([](std::uint32_t n) {
              return Key{nth_v4(0x0A000001U), Be16{static_cast<std::uint16_t>(n)}};
            }),
            100U);
  EXPECT_LT(longest_run([](std::uint32_t n) {
              return Key{nth_v4(0x0A000000U + (n >> 8U)), Be16{static_cast<std::uint16_t>(8000 + n % 256)}};
            }),
            100U);
  EXPECT_LT(longest_run([](std::uint32_t n) {
              return Key{address(fmt::format("2001:db8::{:x}", n)), Be16{80}};
            }),
            100U);
  EXPECT_LT(longest_run([](std::uint32_t n) {
              return Key{address(fmt::format("2001:db8:{:x}::1", n)), Be16{80}};
            }),
            100U);
}

}  // namespace
}  // namespace fulcrum
