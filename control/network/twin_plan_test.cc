#include "control/network/twin_plan.h"

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

Address address(const char* text) { return *Address::parse(text); }
Prefix prefix(const char* text) { return *Prefix::parse(text); }

const std::vector<TwinLink> kTwins{{.port = PortId{0}, .name = "front", .link = "front"},
                                   {.port = PortId{1}, .name = "back", .link = "back"}};

model::Model box() {
  model::Model model;
  model.ports = {{.name = "front", .addresses = {prefix("198.51.100.1/24"), prefix("2001:db8:1::1/64")}},
                 {.name = "back", .addresses = {prefix("10.1.1.1/24")}}};
  return model;
}

model::Farm farm(std::vector<Address> addresses) {
  model::Farm farm;
  farm.addresses = std::move(addresses);
  return farm;
}

using LinkAddress = TwinPlan::LinkAddress;

TEST(TwinPlan, GivesPortsTheirAddresses) {
  const TwinPlan plan = plan_twins(box(), kTwins);
  EXPECT_EQ(plan.addresses, (std::vector<LinkAddress>{{.link = "front", .prefix = prefix("198.51.100.1/24")},
                                                      {.link = "front", .prefix = prefix("2001:db8:1::1/64")},
                                                      {.link = "back", .prefix = prefix("10.1.1.1/24")}}));
  EXPECT_TRUE(plan.ports_missing.empty());
}

struct VipCase {
  const char* name;
  const char* vip;
  LinkAddress expected;
};

TEST(TwinPlan, PutsAFarmsAddressWhereItIsConnected) {
  const VipCase cases[] = {
      {"in the subnet of a port",
       "198.51.100.10",
       {.link = "front", .prefix = prefix("198.51.100.10/32"), .is_vip = true}},
      {"in another port's", "10.1.1.99", {.link = "back", .prefix = prefix("10.1.1.99/32"), .is_vip = true}},
      {"IPv6", "2001:db8:1::10", {.link = "front", .prefix = prefix("2001:db8:1::10/128"), .is_vip = true}},
      {"in no subnet", "192.0.2.80", {.link = "lo", .prefix = prefix("192.0.2.80/32"), .is_vip = true}},
  };
  for (const VipCase& c : cases) {
    model::Model model = box();
    model.farms = {farm({address(c.vip)})};
    EXPECT_EQ(plan_twins(model, kTwins).addresses.back(), c.expected) << c.name;
  }
}

TEST(TwinPlan, PrefersTheLongerOfTwoConnectedPrefixes) {
  model::Model model = box();
  model.ports[1].addresses = {prefix("198.51.100.129/25")};
  model.farms = {farm({address("198.51.100.200")})};
  EXPECT_EQ(plan_twins(model, kTwins).addresses.back().link, "back");
}

TEST(TwinPlan, NamesAnAddressOnce) {
  model::Model model = box();
  model.farms = {farm({address("198.51.100.10")}), farm({address("198.51.100.10"), address("198.51.100.1")})};
  EXPECT_EQ(plan_twins(model, kTwins).addresses.size(), 4U);
}

TEST(TwinPlan, TellsPortsThatTheDataplaneLacks) {
  model::Model model = box();
  model.ports.push_back({.name = "side", .addresses = {prefix("172.16.0.1/24")}});
  model.farms = {farm({address("172.16.0.9")})};
  const TwinPlan plan = plan_twins(model, kTwins);
  EXPECT_EQ(plan.ports_missing, std::vector<std::string>{"side"});
  EXPECT_EQ(plan.addresses.back().link, "lo");
}

}  // namespace
}  // namespace fulcrum
