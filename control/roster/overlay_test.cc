#include "control/roster/overlay.h"

#include "tests/support/gtest.h"

namespace fulcrum::roster {
namespace {

using model::AdminState;

constexpr Said::Time kNow{std::chrono::seconds{1'800'000'000}};

std::shared_ptr<const model::Model> shop() {
  auto model = std::make_shared<model::Model>();
  model->farms.emplace_back();
  model->farms[0].name = "shop";
  model->farms[0].servers = {{.name = "web1", .addresses = {}, .weight = 10},
                             {.name = "web2", .addresses = {}, .weight = 20}};
  return model;
}

ServerVerbs::State state(AdminState value, std::optional<Said::Time> until = std::nullopt) {
  return {{.who = "anna", .since = kNow, .until = until}, value};
}
ServerVerbs::Weight weight(std::uint16_t value, std::optional<Said::Time> until = std::nullopt) {
  return {{.who = "bert (token ci)", .since = kNow, .until = until}, value};
}

TEST(Overlay, LiesOverTheModel) {
  const auto model = shop();
  Overlay overlay;
  EXPECT_EQ(overlay.over(model), model) << "the same one: nothing was said";
  overlay.set_state("shop", model->farms[0].servers[0], state(AdminState::drain));
  overlay.set_weight("shop", model->farms[0].servers[0], weight(0));
  const auto changed = overlay.over(model);
  EXPECT_EQ(changed->farms[0].servers[0].state, AdminState::drain);
  EXPECT_EQ(changed->farms[0].servers[0].weight, 0);
  EXPECT_EQ(changed->farms[0].servers[1], model->farms[0].servers[1]);
  EXPECT_EQ(model->farms[0].servers[0].state, AdminState::enabled);
  ASSERT_NE(overlay.find("shop", "web1"), nullptr);
  EXPECT_EQ(overlay.find("shop", "web1")->state->who, "anna");
  EXPECT_EQ(overlay.find("shop", "web2"), nullptr);
}

TEST(Overlay, WhatTheConfigurationSaysAnywayIsNotKept) {
  const auto model = shop();
  Overlay overlay;
  overlay.set_state("shop", model->farms[0].servers[0], state(AdminState::maintenance));
  overlay.set_state("shop", model->farms[0].servers[0], state(AdminState::enabled));
  overlay.set_weight("shop", model->farms[0].servers[1], weight(20));
  EXPECT_TRUE(overlay.empty());
}

// For as long as it was said, whatever is committed meanwhile.
TEST(Overlay, WhatIsSaidForATimeIsKeptAlsoIfTheConfigurationSaysIt) {
  const auto model = shop();
  model::Server drained = model->farms[0].servers[0];
  drained.state = AdminState::drain;
  Overlay overlay;
  overlay.set_state("shop", drained, state(AdminState::drain, kNow + std::chrono::hours{1}));
  overlay.set_weight("shop", model->farms[0].servers[1], weight(20, kNow + std::chrono::hours{1}));
  EXPECT_EQ(overlay.over(model)->farms[0].servers[0].state, AdminState::drain);
  ASSERT_NE(overlay.find("shop", "web2"), nullptr);
  EXPECT_EQ(overlay.find("shop", "web2")->weight->value, 20);
}

TEST(Overlay, EnablingLiftsAWeightOfZero) {
  const auto model = shop();
  const model::Server& web1 = model->farms[0].servers[0];
  Overlay overlay;
  overlay.set_weight("shop", web1, weight(0));
  overlay.set_state("shop", web1, state(AdminState::drain));
  overlay.set_state("shop", web1, state(AdminState::enabled));
  EXPECT_TRUE(overlay.empty());
  overlay.set_weight("shop", web1, weight(3));
  overlay.set_state("shop", web1, state(AdminState::enabled));
  ASSERT_NE(overlay.find("shop", "web1"), nullptr);
  EXPECT_EQ(overlay.find("shop", "web1")->weight->value, 3);
}

TEST(Overlay, GoesWithAServerThatIsRenamed) {
  model::Model before = *shop();
  before.farms[0].addresses = {*Address::parse("198.51.100.10")};
  before.farms[0].ports = {{Protocol::tcp, 80, 0}};
  before.farms[0].servers[0].addresses = {*Address::parse("10.1.1.11")};
  before.farms[0].servers[1].addresses = {*Address::parse("10.1.1.12")};
  const auto drained_after = [&](const model::Model& after) {
    Overlay overlay;
    overlay.set_state("shop", before.farms[0].servers[0], state(AdminState::drain));
    overlay.follow(before, after);
    std::string drained;
    for (const model::Farm& farm : after.farms) {
      for (const model::Server& server : farm.servers) {
        if (overlay.find(farm.name, server.name) != nullptr) drained += farm.name + "/" + server.name + " ";
      }
    }
    return drained;
  };
  model::Model after = before;
  EXPECT_EQ(drained_after(after), "shop/web1 ");
  after.farms[0].servers[0].name = "first";
  EXPECT_EQ(drained_after(after), "shop/first ");
  after.farms[0].name = "boutique";
  EXPECT_EQ(drained_after(after), "boutique/first ") << "the farm, too";
  after = before;
  std::swap(after.farms[0].servers[0].name, after.farms[0].servers[1].name);
  EXPECT_EQ(drained_after(after), "shop/web2 ") << "swapped names: the machine stays drained";
  after = before;
  after.farms[0].servers[0].addresses = {*Address::parse("10.1.1.77")};
  EXPECT_EQ(drained_after(after), "shop/web1 ") << "a new address";
  after.farms[0].servers.erase(after.farms[0].servers.begin());
  EXPECT_EQ(drained_after(after), "") << "gone";
}

TEST(Overlay, EndsWithItsTime) {
  const auto model = shop();
  Overlay overlay;
  overlay.set_state("shop", model->farms[0].servers[0], state(AdminState::drain, kNow + std::chrono::minutes{30}));
  overlay.set_weight("shop", model->farms[0].servers[0], weight(1, kNow + std::chrono::minutes{10}));
  EXPECT_EQ(overlay.next_end(), kNow + std::chrono::minutes{10});
  EXPECT_TRUE(overlay.forget(kNow + std::chrono::minutes{9}, *model).empty());
  const auto ended = overlay.forget(kNow + std::chrono::minutes{10}, *model);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].name, Overlay::Name("shop", "web1"));
  EXPECT_EQ(ended[0].verb, "weight 1");
  EXPECT_EQ(ended[0].said.who, "bert (token ci)");
  EXPECT_TRUE(ended[0].is_there);
  EXPECT_EQ(overlay.over(model)->farms[0].servers[0].weight, 10);
  EXPECT_EQ(overlay.over(model)->farms[0].servers[0].state, AdminState::drain);
  EXPECT_EQ(overlay.next_end(), kNow + std::chrono::minutes{30});
  EXPECT_EQ(overlay.forget(kNow + std::chrono::minutes{31}, *model).size(), 1U);
  EXPECT_TRUE(overlay.empty());
  EXPECT_EQ(overlay.next_end(), std::nullopt);
}

TEST(Overlay, EndsWithTheServer) {
  const auto model = shop();
  Overlay overlay;
  for (const model::Server& server : model->farms[0].servers)
    overlay.set_state("shop", server, state(AdminState::drain));
  auto less = std::make_shared<model::Model>(*model);
  less->farms[0].servers.pop_back();
  const auto ended = overlay.forget(kNow, *less);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].verb, "drain");
  EXPECT_FALSE(ended[0].is_there);
  EXPECT_NE(overlay.find("shop", "web1"), nullptr);
  EXPECT_EQ(overlay.find("shop", "web2"), nullptr);
}

TEST(Overlay, WaitsWhileTheServerMayComeBack) {
  const auto model = shop();
  Overlay overlay;
  const model::Server& web2 = model->farms[0].servers[1];
  overlay.set_state("shop", web2, state(AdminState::drain));
  auto ending = state(AdminState::drain);
  ending.until = kNow;
  overlay.set_state("shop", model->farms[0].servers[0], ending);
  auto less = std::make_shared<model::Model>(*model);
  less->farms[0].servers.clear();
  EXPECT_EQ(overlay.forget(kNow, *less, false).size(), 1U) << "what is over is over";
  ASSERT_FALSE(overlay.follow(*less, *model));
  EXPECT_TRUE(overlay.forget(kNow, *model).empty());
  EXPECT_NE(overlay.find("shop", "web2"), nullptr);
  EXPECT_EQ(overlay.forget(kNow, *less).size(), 1U);
}

TEST(Overlay, ComesBackFromItsText) {
  const auto model = shop();
  Overlay overlay;
  overlay.set_state("shop", model->farms[0].servers[0],
                    state(AdminState::maintenance, kNow + std::chrono::minutes{30}));
  overlay.set_weight("shop", model->farms[0].servers[1], weight(0));
  const auto again = Overlay::parse(overlay.text());
  ASSERT_TRUE(again.has_value()) << again.error().words();
  EXPECT_EQ(*again, overlay);
  EXPECT_EQ(*Overlay::parse(Overlay{}.text()), Overlay{});
}

TEST(Overlay, RefusesAnotherText) {
  for (const char* text : {"", "{", "[]", "{}", R"({"version": 2, "servers": []})"}) {
    EXPECT_FALSE(Overlay::parse(text).has_value()) << text;
  }
  for (const char* said : {R"(1)", R"({})", R"("state": {"value": "broken", "who": "a", "since": 1, "until": null})",
                           R"("state": {"value": "drain", "since": 1, "until": null})",
                           R"("weight": {"value": 101, "who": "a", "since": 1, "until": null})"}) {
    const std::string row = std::string{R"({"farm": "shop", "server": "web1", )"} + said + "}";
    EXPECT_FALSE(Overlay::parse(R"({"version": 1, "servers": [)" + row + "]}").has_value()) << said;
  }
}

}  // namespace
}  // namespace fulcrum::roster
