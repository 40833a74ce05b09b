// The control plane as its neighbours meet it; see tests/support/control_lab.h for how they are played. Root only:
// without it there is nothing to test and the scenarios end at once.
#include <catch2/catch.hpp>

#include <optional>

#include "tests/support/control_lab.h"

namespace fulcrum {

const char* const test::kControlProgram = FULCRUM_CONTROL;

namespace {

using namespace test;  // NOLINT: the scenarios read as sentences

SCENARIO("control waits for the dataplane and then configures it") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("control without a dataplane") {
    const ControlProcess control{lab};
    REQUIRE(wait_for(nullptr, [&] { return answers(control); }));
    const json before = control.show("farms");
    CHECK(before["dataplane"]["alive"] == false);
    CHECK(before["dataplane"]["waiting_for"].get<std::string>().find("waiting for the dataplane") == 0);
    CHECK(before["farms"][0]["state"] == "down");
    WHEN("the dataplane starts") {
      Dataplane dataplane{lab};
      THEN("its worker gets the farm, with the servers that answer") {
        CHECK(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
        CHECK(wait_for(&dataplane, [&] { return control.show("farms")["farms"][0]["state"] == "up"; }));
        CHECK(wait_for(&dataplane,
                       [&] { return dataplane.region.neighbours().find(PortId{1}, *Address::parse("10.1.1.11")); }));
      }
    }
  }
}

SCENARIO("a reload that is asked for too early is no end") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  GIVEN("control that still reads its configuration") {
    ControlProcess control{lab};
    REQUIRE(wait_for(nullptr, [&] { return fs::exists(lab.directory + "/control.lock"); }));
    WHEN("it is told to read it again") {
      control.send(SIGHUP);
      THEN("it does when it is ready") {
        const auto reloaded = [&] { return control.log().find("reloaded") != std::string::npos; };
        CHECK(wait_for(nullptr, [&] { return control.has_ended() || reloaded(); }));
        CHECK(control.end(SIGTERM) == 0);
      }
    }
  }
}

SCENARIO("control starts before the dataplane with a port that the dataplane will not have") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip), "frond");
  GIVEN("control without a dataplane") {
    const ControlProcess control{lab};
    REQUIRE(wait_for(nullptr, [&] { return answers(control); }));
    WHEN("the dataplane starts") {
      Dataplane dataplane{lab};
      THEN("every answer says what is wrong") {
        CHECK(wait_for(&dataplane, [&] {
          const json waiting = control.show("farms")["dataplane"]["waiting_for"];
          return waiting.is_string() &&
                 waiting.get<std::string>().find("no port \"frond\"; it has: front, back") != std::string::npos;
        }));
      }
    }
  }
}

SCENARIO("a server that dies gets no new connections") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  std::optional<Server> web1{std::in_place, lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a farm with two servers up") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
    dataplane.urgent.clear();
    WHEN("one of them dies") {
      web1.reset();
      THEN("the worker is told at once, then gets a snapshot without it, and people see why") {
        REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
        REQUIRE(dataplane.urgent.size() == 1);
        CHECK(dataplane.urgent[0].state == ServerState::down);
        CHECK(dataplane.urgent[0].generation + 1 == dataplane.snapshot->generation);
        const json server = control.show("servers")["servers"][0];
        CHECK(server["state"] == "down");
        CHECK(server["reason"] == "connection refused");
        AND_WHEN("it comes back") {
          web1.emplace(lab, "10.1.1.11");
          THEN("it is used again") {
            CHECK(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
          }
        }
      }
    }
  }
}

SCENARIO("a standby comes in with the news that a server died") {
  if (geteuid() != 0) return;
  const Lab lab;
  std::string shop = farm("shop", kVip);
  shop.insert(shop.find("[ \"10.1.1.12\" ]") + 15, "; role = \"standby\"");
  lab.write_config(shop);
  std::optional<Server> web1{std::in_place, lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a farm with an active server and a standby") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
    REQUIRE(wait_for(&dataplane, [&] { return control.show("servers")["servers"][1]["duty"] == "standby"; }));
    CHECK(control.show("servers")["servers"][0]["duty"] == "up");
    dataplane.urgent.clear();
    WHEN("the active one dies") {
      web1.reset();
      THEN("the worker hears of both at once, and people see why") {
        REQUIRE(wait_for(&dataplane, [&] { return dataplane.urgent.size() == 2; }));
        CHECK(dataplane.urgent[0].state == ServerState::down);
        CHECK(dataplane.urgent[1].state == ServerState::up);
        CHECK(dataplane.urgent[0].generation == dataplane.urgent[1].generation);
        const json servers = control.show("servers")["servers"];
        CHECK(servers[0]["duty"] == "down");
        CHECK(servers[1]["duty"] == "up");
        CHECK(servers[1]["duty_reason"].get<std::string>().find("stands in") == 0);
        AND_WHEN("it comes back") {
          web1.emplace(lab, "10.1.1.11");
          THEN("it waits, and the farm says so") {
            REQUIRE(wait_for(&dataplane, [&] { return control.show("servers")["servers"][0]["duty"] == "waiting"; }));
            CHECK(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
            const json shop_now = control.show("farms")["farms"][0];
            CHECK(shop_now["state"] == "degraded");
            CHECK(shop_now["reason"] ==
                  "1 of 2 servers take new clients (waiting while a standby holds its place: web1)");
          }
        }
      }
    }
  }
}

SCENARIO("a server that fails on one bound port leaves all of them") {
  if (geteuid() != 0) return;
  const Lab lab;
  std::string shop = farm("shop", kVip);
  shop.insert(shop.find(" } );"), " }, { port = 443; server_port = 8443;");
  lab.write_config(shop);
  const Server web1{lab, "10.1.1.11"}, web2{lab, "10.1.1.12"}, web2_pay{lab, "10.1.1.12", 8443};
  std::optional<Server> web1_pay{std::in_place, lab, "10.1.1.11", 8443};
  const auto usable = [](const Dataplane& dataplane, std::size_t servers) {
    return dataplane.usable(kVip, 80) == servers && dataplane.usable(kVip, 443) == servers;
  };
  GIVEN("a farm with two ports") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return usable(dataplane, 2); }));
    dataplane.urgent.clear();
    WHEN("one port of a server fails") {
      web1_pay.reset();
      THEN("workers hear at once that it takes nobody on either, and people see why") {
        REQUIRE(wait_for(&dataplane, [&] { return dataplane.urgent.size() == 2; }));
        CHECK(dataplane.urgent[0].state == ServerState::down);
        CHECK(dataplane.urgent[1].state == ServerState::down);
        REQUIRE(wait_for(&dataplane, [&] { return usable(dataplane, 1); }));
        const json servers = control.show("servers")["servers"];
        CHECK(servers[0]["state"] == "up");
        CHECK(servers[0]["duty"] == "down");
        CHECK(servers[0]["duty_reason"] == "tcp port 443 is down, and the farm's ports are bound");
        CHECK(servers[1]["state"] == "down");
        CHECK(control.show("farms")["farms"][0]["servers_up"] == 1);
        const std::string events = control.show("events").dump();
        CHECK(events.find("tcp port 443 is down, and the farm's ports are bound") != std::string::npos);
        AND_WHEN("it is well again") {
          web1_pay.emplace(lab, "10.1.1.11", std::uint16_t{8443});
          THEN("it is back on both") {
            CHECK(wait_for(&dataplane, [&] { return usable(dataplane, 2); }));
          }
        }
        AND_WHEN("the farm's ports become independent") {
          shop.insert(shop.find("check ="), "port_health = \"independent\"; ");
          lab.write_config(shop);
          control.send(SIGHUP);
          THEN("it serves the port on which it is well") {
            REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip, 80) == 2; }));
            CHECK(dataplane.usable(kVip, 443) == 1);
          }
        }
      }
    }
  }
}

json first_server(const ControlProcess& control) { return control.show("servers")["servers"][0]; }

SCENARIO("control is killed and started again") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  GIVEN("a farm with one server up and one down") {
    Dataplane dataplane{lab};
    std::optional<ControlProcess> control{std::in_place, lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
    REQUIRE(wait_for(&dataplane, [&] { return control->show("servers")["servers"][1]["state"] == "down"; }));
    WHEN("control dies without a word and comes back") {
      control->end(SIGKILL);
      dataplane.pump();
      dataplane.urgent.clear();
      const std::uint64_t before = dataplane.snapshot->generation;
      const auto row = find_service(*dataplane.snapshot, *Address::parse(kVip), Be16{80}, Protocol::tcp);
      const ServerRow server = dataplane.snapshot->servers[dataplane.snapshot->services[row].first_server];
      control.emplace(lab);
      REQUIRE(wait_for(&dataplane, [&] { return dataplane.snapshot->generation > before; }));
      THEN("servers are as they were, under the same ids, and nothing flaps") {
        CHECK(dataplane.usable(kVip) == 1);
        CHECK(find_service(*dataplane.snapshot, *Address::parse(kVip), Be16{80}, Protocol::tcp) == row);
        const ServerRow after = dataplane.snapshot->servers[dataplane.snapshot->services[row].first_server];
        CHECK(after.generation == server.generation);
        CHECK(after.address == server.address);
        CHECK(control->show("servers")["servers"][0]["state"] == "up");
        CHECK(dataplane.urgent.empty());
        AND_THEN("a first check ends \"not checked again yet\"") {
          CHECK(wait_for(&dataplane, [&] { return first_server(*control)["reason"] == "connected"; }));
          CHECK(first_server(*control)["began_earlier"] == true);
        }
      }
    }
  }
}

SCENARIO("the configuration is read again") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a running box") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
    WHEN("the new file is wrong") {
      const std::uint64_t before = dataplane.snapshot->generation;
      lab.write_config("{ name = \"shop\"; addresses = [ \"not an address\" ]; bogus = 1; }");
      control.send(SIGHUP);
      THEN("every reason is told and the old one stays in force") {
        REQUIRE(
            wait_for(&dataplane, [&] { return !control.show("version")["configuration"]["rejected_since"].empty(); }));
        CHECK(control.show("version")["configuration"]["rejected_since"].size() >= 2);
        CHECK(control.log().find("not an address") != std::string::npos);
        CHECK(control.log().find("bogus") != std::string::npos);
        CHECK(dataplane.usable(kVip) == 2);
        CHECK(dataplane.snapshot->generation == before);
        CHECK(control.show("farms")["farms"][0]["name"] == "shop");
      }
    }
    WHEN("a port has a name that the dataplane does not know") {
      const std::uint64_t before = dataplane.snapshot->generation;
      lab.write_config(farm("shop", kVip), "frond");
      control.send(SIGHUP);
      THEN("it is refused with the names that there are, and the port keeps its addresses") {
        REQUIRE(
            wait_for(&dataplane, [&] { return !control.show("version")["configuration"]["rejected_since"].empty(); }));
        CHECK(control.log().find("fulcrum.cfg:3: ports.frond.name: fulcrum-dataplane has no port \"frond\"; it has: "
                                 "front, back") != std::string::npos);
        CHECK(dataplane.snapshot->generation == before);
        CHECK(run("ip -n " + lab.box + " addr show dev front | grep -q 198.51.100.1/24") == 0);
      }
      AND_WHEN("control is started with it beside the running dataplane") {
        ControlProcess second{lab};
        THEN("it says the same and does not start") {
          CHECK(wait_for(&dataplane, [&] { return second.has_ended(); }));
          CHECK(second.wait() == 2);
        }
      }
    }
    WHEN("a farm is added") {
      lab.write_config(farm("shop", kVip) + ",\n" + farm("mail", "198.51.100.20"));
      dataplane.urgent.clear();
      control.send(SIGHUP);
      THEN("it is served, and the other does not notice") {
        CHECK(wait_for(&dataplane, [&] { return dataplane.usable("198.51.100.20") == 2; }));
        CHECK(dataplane.usable(kVip) == 2);
        // Both farms use the same endpoints under the same rules: what is known of them counts at once.
        CHECK(dataplane.urgent.empty());
      }
    }
  }
}

SCENARIO("the dataplane dies and comes back") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a running box") {
    std::optional<Dataplane> dataplane{std::in_place, lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&*dataplane, [&] { return dataplane->usable(kVip) == 2; }));
    WHEN("the dataplane is killed, and its twins go with it") {
      lab.remove_twins();
      dataplane.reset();
      REQUIRE(wait_for(nullptr, [&] { return control.show("version")["dataplane"]["alive"] == false; }));
      THEN("no server counts as down for that") {
        CHECK(control.show("farms")["farms"][0]["state"] == "up");
        AND_WHEN("it starts again") {
          lab.make_twins();
          dataplane.emplace(lab);
          REQUIRE(dataplane->snapshot != nullptr);
          const std::uint64_t before = dataplane->snapshot->generation;
          THEN("it gets a newer snapshot, and its twins their addresses") {
            CHECK(wait_for(&*dataplane, [&] { return dataplane->snapshot->generation > before; }));
            CHECK(wait_for(&*dataplane, [&] {
              return run("ip -n " + lab.box + " addr show dev front | grep -q 198.51.100.10/32") == 0;
            }));
            CHECK(wait_for(&*dataplane, [&] { return dataplane->usable(kVip) == 2; }));
            CHECK(dataplane->urgent.empty());
          }
        }
      }
    }
  }
}

SCENARIO("the dataplane hangs") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  std::optional<Server> web1{std::in_place, lab, "10.1.1.11"};
  GIVEN("a running box") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
    WHEN("its heart stops, and what the checks see is worth nothing") {
      REQUIRE(wait_for(nullptr, [&] { return control.show("version")["dataplane"]["alive"] == false; }));
      web1.reset();
      REQUIRE(wait_for(nullptr, [&] { return control.show("version")["dataplane"]["heartbeat_age_ms"] > 2500; }));
      THEN("servers are judged only when it beats again") {
        CHECK(control.show("servers")["servers"][0]["state"] == "up");
        CHECK(wait_for(&dataplane, [&] { return control.show("servers")["servers"][0]["state"] == "down"; }));
      }
    }
  }
}

SCENARIO("a port that loses much before receive is an alarm, an event and a line of the log") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  GIVEN("a dataplane whose port at the servers' side receives nothing") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return answers(control); }));
    WHEN("its ring is full all the time") {
      // Of the housekeeping thread's row; more at every look, for control looks once a second.
      Counter& lost = dataplane.region.worker(1).ports[1].lost[static_cast<std::size_t>(Loss::ring_full)];
      const auto alarms = [&] {
        lost.add(10'000);
        return control.show("version")["dataplane"]["alarms"].dump();
      };
      THEN("everybody hears of it") {
        CHECK(wait_for(&dataplane, [&] { return alarms().find("Port back loses ") != std::string::npos; }));
        CHECK(control.log().find("port back loses packets before receive") != std::string::npos);
        CHECK(control.show("events").dump().find("loses packets before receive") != std::string::npos);
      }
    }
  }
}

SCENARIO("there is one control process and it leaves cleanly") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  GIVEN("a control process") {
    ControlProcess control{lab};
    REQUIRE(wait_for(nullptr, [&] { return answers(control); }));
    WHEN("another one is started") {
      ControlProcess second{lab};
      THEN("it says so and leaves the first alone") {
        CHECK(second.wait() == 2);
        CHECK(control.log().find("another fulcrum-control ") != std::string::npos);
        CHECK(answers(control));
      }
    }
    WHEN("it is told to stop") {
      THEN("it does, and takes its socket with it") {
        CHECK(control.end(SIGTERM) == 0);
        CHECK_FALSE(fs::exists(lab.directory + "/control.sock"));
      }
    }
  }
}

}  // namespace
}  // namespace fulcrum
