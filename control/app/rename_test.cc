// Who is who after a change of names: for people (the words of the comparison), for connections and persistent clients
// (the ids that compile gives), and for what operators said. All three have to come to the same answer.
#include <fmt/format.h>

#include <algorithm>

#include "control/document/compare.h"
#include "control/document/document.h"
#include "control/roster/overlay.h"
#include "tests/support/compiled_shop.h"

namespace fulcrum {
namespace {

using test::compiled;
using test::Compiled;
using test::ip;

document::Document document_of(const model::Model& model) {
  const auto shape = model::description().shape();
  return {shape, document::node_of(*shape, &model)};
}

std::string words_of(const model::Model& from, const model::Model& to) {
  const auto before = document_of(from), after = document_of(to);
  const auto changes = document::compare(before, after);
  const auto applied = document::with_changes(before, changes);
  EXPECT_TRUE(applied && document::object_of<model::Model>(*applied) == to) << "the changes lead there";
  const auto undone = document::with_changes(after, document::inverse(changes));
  EXPECT_TRUE(undone && document::object_of<model::Model>(*undone) == from) << "and back";
  std::string words;
  for (const document::Change& change : changes) words += change.words() + "\n";
  return words;
}

// The farm and the member that persistent clients of the server at `address` are bound to, by service address.
std::string bound_to(const Compiled& one, const char* vip, const char* address) {
  for (const CompiledServer& place : one.servers) {
    const ServerRow& row = one.snapshot->servers[place.id.index];
    const ServiceRow& service = one.snapshot->services[place.service.value];
    if (service.address == ip(vip) && row.address == ip(address)) {
      return fmt::format("farm {} member {}", service.farm.value, row.member.value);
    }
  }
  return "nowhere";
}

// The server that is drained after the change, of the one called `name` before.
std::string drained(const model::Model& from, const model::Model& to, const char* name) {
  roster::Overlay overlay;
  const auto& servers = from.farms[0].servers;
  const auto one =
      std::find_if(servers.begin(), servers.end(), [&](const auto& server) { return server.name == name; });
  overlay.set_state(from.farms[0].name, *one, {{.who = "anna"}, model::AdminState::drain});
  overlay.follow(from, to);
  for (const model::Farm& farm : to.farms) {
    for (const model::Server& server : farm.servers) {
      if (overlay.find(farm.name, server.name) != nullptr) return farm.name + "/" + server.name;
    }
  }
  return "nobody";
}

constexpr const char* kVip = "198.51.100.10";
constexpr const char* kWeb1 = "10.1.1.11";
constexpr const char* kWeb2 = "10.1.1.12";

TEST(Rename, OfAFarmTogetherWithItsPort) {
  const model::Model before = test::shop();
  model::Model after = before;
  after.farms[0].name = "boutique";
  after.farms[0].ports = {{Protocol::tcp, 81, 8080}};
  EXPECT_EQ(words_of(before, after),
            "farms.shop renamed to boutique\n"
            "farms.boutique.ports[tcp/80] renamed to tcp/81\n"
            "farms.boutique.ports[udp/53] removed\n");
  // A farm that was there before has left its id free, so that none is right by chance.
  model::Model older = before;
  older.farms.insert(older.farms.begin(), before.farms[0]);
  older.farms[0].name = "old";
  older.farms[0].addresses = {ip("198.51.100.30")};
  const Compiled oldest = compiled(older);
  const Compiled first = compiled(before, 2, oldest.snapshot.get());
  const Compiled second = compiled(after, 3, first.snapshot.get());
  EXPECT_EQ(bound_to(second, kVip, kWeb2), bound_to(first, kVip, kWeb2));
  EXPECT_EQ(drained(before, after, "web1"), "boutique/web1");
}

TEST(Rename, OfAFarmTogetherWithAnyField) {
  const model::Model before = test::shop();
  model::Model after = before;
  after.farms[0].name = "boutique";
  after.farms[0].no_server = NoServer::reset;
  after.farms[0].servers[1].name = "zwei";
  EXPECT_EQ(words_of(before, after),
            "farms.shop renamed to boutique\n"
            "farms.boutique.servers.web2 renamed to zwei\n"
            "farms.boutique no_server drop (default) to reset\n");
}

TEST(Rename, OfAFarmWhoseNameIsTakenAtOnce) {
  const model::Model before = test::shop();
  model::Model after = before;
  after.farms.push_back(before.farms[0]);
  after.farms[0].name = "boutique";
  after.farms[1].addresses = {ip("198.51.100.20")};
  after.farms[1].servers = {before.farms[0].servers[1]};
  const std::string words = words_of(before, after);
  EXPECT_EQ(words.find("farms.shop renamed to boutique\nfarms.shop added: "), 0U) << words;
  const Compiled first = compiled(before);
  const Compiled second = compiled(after, 2, first.snapshot.get());
  EXPECT_EQ(bound_to(second, kVip, kWeb1), bound_to(first, kVip, kWeb1));
  EXPECT_EQ(bound_to(second, kVip, kWeb2), bound_to(first, kVip, kWeb2));
  EXPECT_NE(bound_to(second, "198.51.100.20", kWeb2).find("farm 1 "), std::string::npos) << "inherits nothing";
  EXPECT_EQ(drained(before, after, "web2"), "boutique/web2");
}

TEST(Rename, OfAServerWhoseNameIsTakenAtOnce) {
  const model::Model before = test::shop();
  model::Model after = before;
  after.farms[0].ports[0].port = 81;
  after.farms[0].ports.pop_back();
  after.farms[0].servers[1].name = "zwei";
  after.farms[0].servers[1].weight = 9;
  after.farms[0].servers.push_back(test::server("web2", {ip("10.1.1.42")}));
  const std::string words = words_of(before, after);
  EXPECT_NE(words.find("farms.shop.servers.web2 renamed to zwei\nfarms.shop.servers.zwei weight 3 to 9\n"),
            std::string::npos)
      << words;
  EXPECT_NE(words.find("farms.shop.servers.web2 added: addresses 10.1.1.42"), std::string::npos) << words;
  const Compiled first = compiled(before);
  const Compiled second = compiled(after, 2, first.snapshot.get());
  EXPECT_EQ(bound_to(second, kVip, kWeb2), bound_to(first, kVip, kWeb2));
  EXPECT_NE(bound_to(second, kVip, "10.1.1.42"), bound_to(first, kVip, kWeb2));
  EXPECT_EQ(drained(before, after, "web2"), "shop/zwei");
}

// Another machine under another name is another one, however much they look alike.
TEST(Rename, IsNotWhenTheAddressIsAnother) {
  const model::Model before = test::shop();
  model::Model after = before;
  after.farms[0].servers[1].name = "zwei";
  after.farms[0].servers[1].weight = 9;
  after.farms[0].servers[1].addresses = {ip("10.1.1.42")};
  EXPECT_EQ(words_of(before, after),
            "farms.shop.servers.web2 removed\n"
            "farms.shop.servers.zwei added: addresses 10.1.1.42; weight 9\n");
}

}  // namespace
}  // namespace fulcrum
