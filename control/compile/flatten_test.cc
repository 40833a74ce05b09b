#include "control/compile/flatten.h"

#include <memory>
#include <random>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

// find_route() works on a whole snapshot, which is too large for the stack.
std::unique_ptr<Snapshot> snapshot_of(const std::vector<FlatRoute>& routes) {
  auto snapshot = std::make_unique<Snapshot>();
  for (std::size_t i = 0; i < kNextHopsMax; ++i) {
    snapshot->routes.hops[i] = {.kind = i == 0 ? RouteKind::none : RouteKind::gateway,
                                .port = {},
                                .unused = 0,
                                .neighbour = static_cast<std::uint32_t>(i)};
  }
  const auto done = flatten(routes, snapshot->routes);
  EXPECT_TRUE(done.has_value());
  return snapshot;
}

std::uint32_t hop_at(const Snapshot& snapshot, const Address& address) {
  return find_route(snapshot, address).neighbour;
}
std::uint32_t hop_at(const Snapshot& snapshot, const char* address) {
  return hop_at(snapshot, *Address::parse(address));
}
FlatRoute route(const char* prefix, std::uint16_t hop, std::uint64_t rank = 0) {
  return {*Prefix::parse(prefix), hop, rank};
}

TEST(Flatten, NothingIsNoRoute) {
  const auto snapshot = snapshot_of({});
  EXPECT_EQ(find_route(*snapshot, *Address::parse("10.0.0.1")).kind, RouteKind::none);
  EXPECT_EQ(find_route(*snapshot, *Address::parse("2001:db8::1")).kind, RouteKind::none);
}

TEST(Flatten, LongestPrefixWins) {
  const auto snapshot = snapshot_of({route("0.0.0.0/0", 1), route("10.0.0.0/8", 2), route("10.1.0.0/16", 3),
                                     route("10.1.2.3/32", 4), route("255.255.255.255/32", 5), route("10.0.0.0/9", 6)});
  EXPECT_EQ(hop_at(*snapshot, "9.255.255.255"), 1U);
  EXPECT_EQ(hop_at(*snapshot, "10.0.0.0"), 6U);
  EXPECT_EQ(hop_at(*snapshot, "10.1.2.2"), 3U);
  EXPECT_EQ(hop_at(*snapshot, "10.1.2.3"), 4U);
  EXPECT_EQ(hop_at(*snapshot, "10.1.2.4"), 3U);
  EXPECT_EQ(hop_at(*snapshot, "10.2.0.0"), 6U);
  EXPECT_EQ(hop_at(*snapshot, "10.128.0.0"), 2U);
  EXPECT_EQ(hop_at(*snapshot, "11.0.0.0"), 1U);
  EXPECT_EQ(hop_at(*snapshot, "255.255.255.255"), 5U);
}

TEST(Flatten, BothFamiliesStayApart) {
  const auto snapshot = snapshot_of({route("::/0", 1), route("10.0.0.0/8", 2), route("ffff::/16", 3),
                                     route("2001:db8::/32", 4), route("2001:db8::7/128", 5)});
  EXPECT_EQ(hop_at(*snapshot, "9.0.0.1"), 0U) << "::/0 is no route for IPv4";
  EXPECT_EQ(hop_at(*snapshot, "10.0.0.1"), 2U);
  EXPECT_EQ(hop_at(*snapshot, "::1"), 1U);
  EXPECT_EQ(hop_at(*snapshot, "2001:db8::6"), 4U);
  EXPECT_EQ(hop_at(*snapshot, "2001:db8::7"), 5U);
  EXPECT_EQ(hop_at(*snapshot, "2001:db8::8"), 4U);
  EXPECT_EQ(hop_at(*snapshot, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 3U);
}

TEST(Flatten, LowestRankWinsAmongEqualPrefixes) {
  const auto snapshot = snapshot_of(
      {route("10.0.0.1/32", 1, 9), route("10.0.0.1/32", 2, 3), route("10.0.0.1/32", 3, 3), route("10.0.0.9/8", 4)});
  EXPECT_EQ(hop_at(*snapshot, "10.0.0.1"), 2U);
  EXPECT_EQ(hop_at(*snapshot, "10.0.0.2"), 4U) << "a host part does not matter";
}

TEST(Flatten, NeighboursWithTheSameHopAreOneRange) {
  const auto snapshot = snapshot_of({route("10.0.0.0/32", 1), route("10.0.0.1/32", 1), route("10.0.0.2/32", 1)});
  EXPECT_EQ(snapshot->routes.v4_count, 3U) << "before, these, after";
}

TEST(Flatten, RefusesMoreRangesThanThereIsRoomFor) {
  std::vector<FlatRoute> routes;
  for (std::uint32_t i = 0; i < kRoutesMax / 2 + 1; ++i) {
    routes.push_back({{Address::v4(Be32{0x0A000000U + i * 4}), 32}, 1, 0});
  }
  auto table = std::make_unique<RouteTable>();
  const auto done = flatten(routes, *table);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Error::Code::limit);
  EXPECT_EQ(done.error().words(),
            "routes: routes and farm addresses make 20483 address ranges, the box has room for 20480 of each family");
}

// What flatten() must agree with: look at every prefix.
std::uint32_t naive_hop(const std::vector<FlatRoute>& routes, const Address& address) {
  const FlatRoute* best = nullptr;
  for (const FlatRoute& one : routes) {
    if (!one.to.contains(address)) continue;
    const bool better = best == nullptr || one.to.length > best->to.length ||
                        (one.to.length == best->to.length && one.rank < best->rank);
    if (better) best = &one;
  }
  return best == nullptr ? 0 : best->hop;
}

Address random_address(std::mt19937& random, bool v4) {
  // Few distinct bits, so that prefixes nest and repeat.
  if (v4)
    return Address::v4(Be32{static_cast<std::uint32_t>((random() % 4) << 30U | (random() % 8) << 16U | random() % 8)});
  std::array<std::uint8_t, 16> bytes{};
  for (const std::size_t i : {0U, 7U, 8U, 15U})
    bytes[i] = static_cast<std::uint8_t>(random() % 2 == 0 ? random() % 4 : 255 - random() % 4);
  return Address::v6(bytes.data());
}

TEST(Flatten, AgreesWithTheNaiveLookup) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  for (int round = 0; round < 60; ++round) {
    std::vector<FlatRoute> routes;
    const std::size_t count = random() % 60;
    for (std::size_t i = 0; i < count; ++i) {
      const bool v4 = random() % 2 == 0;
      const auto length = static_cast<std::uint8_t>(random() % (v4 ? 33 : 129));
      routes.push_back({{random_address(random, v4), length}, static_cast<std::uint16_t>(random() % 20), random() % 3});
    }
    const auto snapshot = snapshot_of(routes);
    for (const FlatRoute& one : routes) {
      for (const Address& address : {one.to.first(), one.to.last()}) {
        ASSERT_EQ(hop_at(*snapshot, address), naive_hop(routes, address)) << address.text();
      }
    }
    for (int i = 0; i < 200; ++i) {
      const Address address = random_address(random, i % 2 == 0);
      ASSERT_EQ(hop_at(*snapshot, address), naive_hop(routes, address)) << address.text();
    }
  }
}

}  // namespace
}  // namespace fulcrum
