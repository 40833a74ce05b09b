// What workers find out and control acts on, and what control tells them once a second: full servers, connections of a
// farm that is gone, how fast servers answer. See tests/support/control_lab.h for how the neighbours are played.
#include <catch2/catch.hpp>

#include <optional>

#include "tests/support/control_lab.h"

namespace fulcrum {

const char* const test::kControlProgram = FULCRUM_CONTROL;

namespace {

using namespace test;  // NOLINT: the scenarios read as sentences

SCENARIO("a server has as many connections as it may have") {
  if (geteuid() != 0) return;
  const Lab lab;
  std::string shop = farm("shop", kVip);
  shop.insert(shop.find("[ \"10.1.1.11\" ]") + 15, "; connections_max = 10");
  shop.insert(shop.find("[ \"10.1.1.12\" ]") + 15, "; role = \"standby\"");
  lab.write_config(shop);
  const Server web1{lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  const auto duties = [](const ControlProcess& control) {
    const json servers = control.show("servers")["servers"];
    return servers[0]["duty"].get<std::string>() + " " + servers[1]["duty"].get<std::string>();
  };
  GIVEN("an active server and a standby") {
    Dataplane dataplane{lab};
    std::optional<ControlProcess> control{std::in_place, lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
    REQUIRE(wait_for(&dataplane, [&] { return duties(*control) == "up standby"; }));
    const auto service = find_service(*dataplane.snapshot, *Address::parse(kVip), Be16{80}, Protocol::tcp);
    const std::uint16_t row = dataplane.snapshot->services[service].first_server;
    REQUIRE(dataplane.snapshot->servers[row].limit == row);
    dataplane.urgent.clear();
    WHEN("the workers find the active one full") {
      dataplane.region.loads(0).held[row] = 10;
      dataplane.region.shared_loads().full[row] = 1;
      THEN("the standby comes in, and people see why") {
        REQUIRE(wait_for(&dataplane, [&] { return duties(*control) == "full up" && !dataplane.urgent.empty(); }));
        CHECK(dataplane.urgent.size() == 1);
        CHECK(dataplane.urgent[0].state == ServerState::up);
        REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
        const json limit = control->show("servers")["servers"][0]["limit"];
        CHECK(limit["connections"] == 10);
        CHECK(limit["max"] == 10);
        CHECK(limit["low"] == 8);
        CHECK(limit["is_full"] == true);
        const json shown = control->show("farms")["farms"][0];
        CHECK(shown["servers_full"] == 1);
        CHECK(shown["limit"].is_null());
        AND_WHEN("control is killed and comes back") {
          control->end(SIGKILL);
          const std::uint64_t before = dataplane.snapshot->generation;
          control.emplace(lab);
          THEN("it is as it was") {
            REQUIRE(wait_for(&dataplane, [&] { return dataplane.snapshot->generation > before; }));
            CHECK(wait_for(&dataplane, [&] { return answers(*control) && duties(*control) == "full up"; }));
          }
        }
        AND_WHEN("enough have ended") {
          dataplane.region.shared_loads().full[row] = 0;
          THEN("the standby goes back") {
            CHECK(wait_for(&dataplane, [&] { return duties(*control) == "up standby"; }));
            CHECK(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
          }
        }
      }
    }
  }
}

SCENARIO("a farm is removed while it has a connection") {
  if (geteuid() != 0) return;
  const Lab lab;
  const auto has_address = [&] {
    return run("ip -n " + lab.box + " addr show dev front | grep -q 198.51.100.20/32") == 0;
  };
  lab.write_config(farm("shop", kVip) + ",\n" + farm("mail", "198.51.100.20"));
  const Server web1{lab, "10.1.1.11"};
  GIVEN("a farm with a connection") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable("198.51.100.20") == 1 && has_address(); }));
    const auto service = [&] {
      return find_service(*dataplane.snapshot, *Address::parse("198.51.100.20"), Be16{80}, Protocol::tcp);
    };
    const std::uint16_t row = dataplane.snapshot->services[service()].first_server;
    ServerCounters& counters = dataplane.region.server_counters(0)[row];
    counters.server_generation = dataplane.snapshot->servers[row].generation;
    counters.active = 1;
    WHEN("it is removed") {
      lab.write_config(farm("shop", kVip));
      control.send(SIGHUP);
      REQUIRE(wait_for(&dataplane, [&] {
        return service() != kNoIndex && dataplane.snapshot->services[service()].in_use == kLeaves;
      }));
      THEN("Linux answers for its address until the connection has ended") {
        CHECK(dataplane.snapshot->servers[row].flows == Flows::go_on_for_a_time);
        const json leaving = control.show("servers")["leaving"];
        REQUIRE(!leaving.empty());
        CHECK(leaving[0]["farm"] == "mail");
        CHECK(control.show("farms")["farms"].size() == 1);
        REQUIRE(wait_for(&dataplane, [&] { return service() != kNoIndex && has_address(); }));
        CHECK(has_address());
        counters.active = 0;
        CHECK(wait_for(&dataplane, [&] { return service() == kNoIndex && !has_address(); }));
      }
    }
  }
}

SCENARIO("a scheduler goes by the servers' response") {
  if (geteuid() != 0) return;
  const Lab lab;
  const std::string by_turn = "scheduler = \"round_robin\"";
  std::string direct = farm("direct", "198.51.100.20");
  direct.replace(direct.find(by_turn), by_turn.size(), "scheduler = \"fastest_response\"");
  lab.write_config(farm("shop", kVip) + ",\n" + direct);
  const Server web1{lab, "10.1.1.11"};
  GIVEN("one of two servers that answers") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
    const auto probed = [&](const char* vip, const char* server) {
      const auto service = find_service(*dataplane.snapshot, *Address::parse(vip), Be16{80}, Protocol::tcp);
      std::uint16_t row = dataplane.snapshot->services[service].first_server;
      while (dataplane.snapshot->servers[row].address != *Address::parse(server))
        row = dataplane.snapshot->servers[row].next_of_service;
      const Load load = Load::from_word(dataplane.region.shared_loads().probed[row].load());
      return load.generation == dataplane.snapshot->servers[row].generation ? load.response_us : 0;
    };
    THEN("the workers are told how long a check took to connect, where they go by that") {
      CHECK(wait_for(&dataplane, [&] { return probed("198.51.100.20", "10.1.1.11") != 0; }));
      CHECK(probed("198.51.100.20", "10.1.1.11") < 1'000'000);
      CHECK(probed("198.51.100.20", "10.1.1.12") == 0);
      CHECK(probed(kVip, "10.1.1.11") == 0);
    }
  }
}

}  // namespace
}  // namespace fulcrum
