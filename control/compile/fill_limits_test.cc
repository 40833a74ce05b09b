#include "control/compile/fill_limits.h"

#include <algorithm>
#include <set>

#include "tests/support/compiled_shop.h"

namespace fulcrum {
namespace {

using namespace test;  // NOLINT: the tests read as sentences

TEST(Compile, PutsServersUnderTheirLimits) {
  model::Model model = shop();
  model.farms[0].connections_max = 50;
  model.farms[0].servers[0].connections_max = 10;
  const Compiled one = compiled(model);
  EXPECT_EQ(one.snapshot->has_limits, 1U);
  const auto limit_of_server = [](const Compiled& of, std::size_t server) {
    std::set<std::uint16_t> limits;
    for (const CompiledServer& row : of.servers) {
      if (row.server == server) limits.insert(of.snapshot->servers[row.id.index].limit);
    }
    return limits;
  };
  const std::uint16_t whole = limit_of(one.snapshot->services[one.servers[0].service.value].farm);
  EXPECT_EQ(one.snapshot->limits[whole].high, 50U);
  EXPECT_EQ(one.snapshot->limits[whole].low, 50U);
  EXPECT_EQ(one.snapshot->limits[whole].above, kNoIndex);
  EXPECT_EQ(limit_of_server(one, 1), (std::set{whole}));
  const auto web1 = limit_of_server(one, 0);
  ASSERT_EQ(web1.size(), 1U) << "one for its four rows";
  EXPECT_EQ(*web1.begin(), one.servers[0].id.index);
  EXPECT_EQ(one.snapshot->limits[*web1.begin()].high, 10U);
  EXPECT_EQ(one.snapshot->limits[*web1.begin()].low, 8U) << "three quarters";
  EXPECT_EQ(one.snapshot->limits[*web1.begin()].above, whole);
  // Found again; and without the limits nothing is left of them.
  std::reverse(model.farms[0].servers.begin(), model.farms[0].servers.end());
  model.farms[0].servers[2].connections_low = 3;
  const Compiled next = compiled(model, 2, one.snapshot.get());
  EXPECT_EQ(limit_of_server(next, 2), web1);
  EXPECT_EQ(next.snapshot->limits[*web1.begin()].low, 3U);
  const Compiled last = compiled(shop(), 3, next.snapshot.get());
  EXPECT_EQ(last.snapshot->has_limits, 0U);
  for (std::size_t server = 0; server < 3; ++server) EXPECT_EQ(limit_of_server(last, server), (std::set{kNoIndex}));
}

}  // namespace
}  // namespace fulcrum
