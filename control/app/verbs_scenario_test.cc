// What operators say about servers, as control does it; see tests/support/control_lab.h. Root only.
#include <catch2/catch.hpp>

#include <algorithm>
#include <future>
#include <optional>

#include "tests/support/control_lab.h"

namespace fulcrum {

const char* const test::kControlProgram = FULCRUM_CONTROL;

namespace {

using namespace test;  // NOLINT: the scenarios read as sentences

// Asks while the dataplane goes on.
json ask(Dataplane& dataplane, const ControlProcess& control, const json& request) {
  auto answer = std::async(std::launch::async, [&] { return control.ask(request); });
  wait_for(&dataplane, [&] { return answer.wait_for(std::chrono::seconds{0}) == std::future_status::ready; });
  return answer.get();
}

json request_of(const char* server, const json& body) {
  return {{"api",
           {{"method", "POST"}, {"path", fmt::format("/api/v1/farms/shop/servers/{}/verbs", server)}, {"body", body}}}};
}
json say(const ControlProcess& control, const char* server, const json& body) {
  return control.ask(request_of(server, body));
}
std::string done_of(Dataplane& dataplane, const ControlProcess& control, const char* server, const json& body) {
  return ask(dataplane, control, request_of(server, body))["body"]["done"];
}

SCENARIO("an operator takes a server out for a time") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a farm with two servers up") {
    Dataplane dataplane{lab};
    std::optional<ControlProcess> control{std::in_place, lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
    THEN("what is wrong is refused with its reason, and nothing changes") {
      CHECK(say(*control, "web1", {{"verb", "weight"}, {"weight", 101}})["status"] == 422);
      CHECK(say(*control, "web1", {{"verb", "weight"}})["status"] == 422);
      CHECK(say(*control, "web1", {{"verb", "drain"}, {"for_s", 0}})["status"] == 422);
      CHECK(say(*control, "web9", {{"verb", "drain"}})["status"] == 404);
      CHECK(control->ask({{"verb", "drain"}, {"farm", "shop"}, {"server", "web1"}}).contains("error"));
      CHECK(control->show("servers")["servers"][0]["operator"].is_null());
    }
    WHEN("one is drained without an end") {
      json answer;
      std::thread asks{[&] { answer = say(*control, "web1", {{"verb", "drain"}}); }};
      REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
      asks.join();
      CHECK(answer["status"] == 200);
      CHECK(control->show("servers")["servers"][0]["duty"] == "draining");
      CHECK(control->show("servers")["servers"][0]["operator"]["state"]["until"].is_null());
      THEN("it stays so when control is killed and comes back") {
        control->end(SIGKILL);
        const std::uint64_t before = dataplane.snapshot->generation;
        control.emplace(lab);
        REQUIRE(wait_for(&dataplane, [&] { return dataplane.snapshot->generation > before; }));
        CHECK(dataplane.usable(kVip) == 1);
        REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
        CHECK(control->show("servers")["servers"][0]["wanted"] == "drain");
        AND_WHEN("it is enabled") {
          asks = std::thread{[&] { answer = say(*control, "web1", {{"verb", "enable"}}); }};
          CHECK(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
          asks.join();
          THEN("nothing is left of it") { CHECK(control->show("servers")["servers"][0]["operator"].is_null()); }
        }
      }
      THEN("a commit that removes the server forgets it") {
        std::string less = farm("shop", kVip);
        const std::size_t at = less.find("{ name = \"web1\"");
        less.erase(at, less.find("{ name = \"web2\"") - at);
        lab.write_config(less);
        control->send(SIGHUP);
        REQUIRE(wait_for(&dataplane, [&] { return control->show("servers")["servers"].size() == 1; }));
        lab.write_config(farm("shop", kVip));
        control->send(SIGHUP);
        CHECK(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
      }
    }
  }
}

SCENARIO("names change in the file while control is dead") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a server that an operator has drained") {
    Dataplane dataplane{lab};
    std::optional<ControlProcess> control{std::in_place, lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
    done_of(dataplane, *control, "web1", {{"verb", "drain"}});
    WHEN("farm and server are renamed before control comes back, and it is killed once more") {
      control->end(SIGKILL);
      std::string renamed = farm("boutique", kVip);
      renamed.replace(renamed.find("web1"), 4, "one");
      lab.write_config(renamed);
      control.emplace(lab);
      REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
      control->end(SIGKILL);
      control.emplace(lab);
      REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
      THEN("it is drained under its new name") {
        const json server = control->show("servers")["servers"][0];
        CHECK(server["farm"] == "boutique");
        CHECK(server["name"] == "one");
        CHECK(server["wanted"] == "drain");
        CHECK(server["operator"]["state"]["value"] == "drain");
      }
    }
  }
}

SCENARIO("a commit that removes a server goes back") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a server that an operator has drained, and that a commit for a time removes") {
    Dataplane dataplane{lab};
    std::optional<ControlProcess> control{std::in_place, lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
    done_of(dataplane, *control, "web1", {{"verb", "drain"}});
    REQUIRE(control->ask({{"config", "open"}, {"candidate", "a"}})["base"] == 1);
    REQUIRE(control->ask({{"config", "delete"}, {"candidate", "a"}, {"path", "farms.shop.servers.web1"}})["changes"] ==
            1);
    REQUIRE(ask(dataplane, *control,
                {{"config", "commit"}, {"candidate", "a"}, {"confirm_s", 600}})["revision"]["revision"] == 2);
    const auto is_forgotten = [&] { return control->show("events").dump().find("is forgotten") != std::string::npos; };
    CHECK_FALSE(is_forgotten());
    WHEN("it goes back, also after control was killed") {
      control->end(SIGKILL);
      control.emplace(lab);
      REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
      ask(dataplane, *control, {{"config", "rollback"}, {"revision", 1}});
      THEN("the server is drained as before") {
        CHECK(control->show("servers")["servers"][0]["operator"]["state"]["value"] == "drain");
        CHECK(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
        CHECK_FALSE(is_forgotten());
      }
    }
    WHEN("it is confirmed") {
      REQUIRE(control->ask({{"config", "confirm"}})["revision"]["revision"] == 2);
      THEN("what was said is forgotten, and that is told") { CHECK(is_forgotten()); }
    }
  }
}

SCENARIO("a farm is renamed in the file while control is dead") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  GIVEN("a farm with a past") {
    Dataplane dataplane{lab};
    std::optional<ControlProcess> control{std::in_place, lab};
    json past;
    const auto has_past = [&](const char* name) {
      past = control->ask({{"show", "rates"}, {"of", "farms"}, {"name", name}, {"from", -60}});
      return !past.value("points", json::array()).empty();
    };
    const auto count_packet = [&] {
      if (dataplane.usable(kVip) == 0) return;
      const std::uint16_t row = dataplane.snapshot->services[0].first_server;
      ServerCounters& counters = dataplane.region.server_counters(0)[row];
      counters.server_generation.store(dataplane.snapshot->servers[row].generation);
      counters.packets_in.add(1);
    };
    REQUIRE(wait_for(&dataplane, [&] {
      count_packet();
      return has_past("shop");
    }));
    const std::string since = past["points"].front().dump();
    WHEN("control comes back") {
      control->end(SIGTERM);
      lab.write_config(farm("boutique", kVip));
      control.emplace(lab);
      REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
      THEN("its rates go on under the new name, and end under the old one") {
        CHECK(wait_for(&dataplane,
                       [&] { return has_past("boutique") && past["points"].dump().find(since) != std::string::npos; }));
        INFO(past.dump(1));
        CHECK_FALSE(has_past("shop"));
      }
    }
  }
}

SCENARIO("an operator's weight needs more room than the box has") {
  if (geteuid() != 0) return;
  const Lab lab;
  std::string servers;
  for (int i = 20; i < 220; ++i) {
    servers +=
        fmt::format("{}{{ name = \"n{}\"; addresses = [ \"10.1.1.{}\" ]; weight = 100; }}", i == 20 ? "" : ", ", i, i);
  }
  const auto with_ports = [&](int count) {
    std::string ports;
    for (int i = 0; i < count; ++i) ports += fmt::format("{}{{ port = {}; }}", i == 0 ? "" : ", ", 1000 + i);
    lab.write_config(
        fmt::format("{{ name = \"shop\"; addresses = [ \"{}\" ]; ports = ( {} ); servers = ( {} );\n"
                    "  check = {{ type = \"none\"; }}; }}",
                    kVip, ports, servers));
  };
  with_ports(120);
  GIVEN("a farm with many servers of one weight on many ports, each of which has one turn") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip, 1000) == 200; }));
    const auto waits = [&] {
      return control.show("farms")["dataplane"]["waiting_for"].dump().find("2097152 turns") != std::string::npos;
    };
    const auto weight_of_n20 = [&](int weight) {
      return ask(dataplane, control, request_of("n20", {{"verb", "weight"}, {"weight", weight}}));
    };
    WHEN("one gets a weight that has nothing in common with the others'") {
      const json answer = weight_of_n20(99);
      THEN("that is refused with its reason, nothing changes, and other verbs are in force at once") {
        INFO(answer.dump());
        CHECK(answer["status"] == 422);
        CHECK(answer.dump().find("the weights make 2399880 turns") != std::string::npos);
        CHECK(control.show("servers")["servers"][0]["weight"] == 100);
        CHECK(done_of(dataplane, control, "n21", {{"verb", "drain"}}) == "n21 of farm shop: drain");
        CHECK(dataplane.usable(kVip, 1000) == 199);
        CHECK_FALSE(waits());
      }
    }
    WHEN("there is room for it, and then the file has more ports") {
      with_ports(1);
      control.send(SIGHUP);
      REQUIRE(wait_for(&dataplane, [&] { return control.show("servers")["servers"].size() == 200; }));
      CHECK(weight_of_n20(99)["status"] == 200);
      with_ports(120);
      control.send(SIGHUP);
      REQUIRE(wait_for(&dataplane, waits));
      THEN("nobody is told that a verb is in force, until the weight is as configured again") {
        const json drained = ask(dataplane, control, request_of("n21", {{"verb", "drain"}}));
        CHECK(drained["body"]["waiting_for"].dump().find("more than 2097152 turns") != std::string::npos);
        CHECK(weight_of_n20(100)["body"]["waiting_for"].is_null());
        CHECK(dataplane.usable(kVip, 1000) == 199);
        CHECK_FALSE(waits());
      }
    }
  }
}

SCENARIO("an operator gives a server another weight for a time") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a farm with two servers up") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
    WHEN("one gets weight 0 for a second") {
      json answer;
      std::thread asks{[&] { answer = say(control, "web1", {{"verb", "weight"}, {"weight", 0}, {"for_s", 1}}); }};
      REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
      THEN("the configured weight applies again by itself") {
        CHECK(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
        asks.join();
        CHECK(answer["status"] == 200);
        CHECK(control.show("servers")["servers"][0]["weight"] == 10);
        CHECK(control.show("servers")["servers"][0]["operator"].is_null());
      }
    }
    WHEN("one has weight 0 and is enabled") {
      json answer;
      std::thread asks{[&] { answer = say(control, "web1", {{"verb", "weight"}, {"weight", 0}}); }};
      REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
      asks.join();
      asks = std::thread{[&] { answer = say(control, "web1", {{"verb", "enable"}}); }};
      const bool serves = wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; });
      asks.join();
      THEN("it serves with its configured weight again, and the answer says so") {
        CHECK(serves);
        CHECK(answer["body"]["done"] == "web1 of farm shop: enabled, with weight 10 again");
        CHECK(control.show("servers")["servers"][0]["operator"].is_null());
      }
    }
  }
}

SCENARIO("an operator's time ends while control is dead") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a server that is drained for a second") {
    Dataplane dataplane{lab};
    std::optional<ControlProcess> control{std::in_place, lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
    done_of(dataplane, *control, "web1", {{"verb", "drain"}, {"for_s", 1}});
    WHEN("control is killed, and comes back when that is over") {
      control->end(SIGKILL);
      const auto over = std::chrono::system_clock::now() + std::chrono::milliseconds{1100};
      REQUIRE(wait_for(&dataplane, [&] { return std::chrono::system_clock::now() > over; }));
      control.emplace(lab);
      REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
      THEN("it says what ended and of whom, and does not say it twice") {
        const auto told = [&] {
          const std::string events = control->show("events").dump();
          const std::string what = "was over at ";
          std::size_t times = 0;
          for (std::size_t at = events.find(what); at != std::string::npos; at = events.find(what, at + 1)) ++times;
          CHECK(events.find("while fulcrum-control was not running") != std::string::npos);
          CHECK(events.find("web1 of farm shop") != std::string::npos);
          return times;
        };
        CHECK(told() == 1);
        CHECK(control->log().find("server web1 of farm shop: the time of \"drain\" by ") != std::string::npos);
        CHECK(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
        control->end(SIGKILL);
        control.emplace(lab);
        REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
        CHECK(told() == 1);
      }
    }
  }
}

SCENARIO("an operator calls a server back that waits for its standby") {
  if (geteuid() != 0) return;
  const Lab lab;
  std::string shop = farm("shop", kVip);
  shop.insert(shop.find("[ \"10.1.1.12\" ]") + 15, "; role = \"standby\"");
  lab.write_config(shop);
  std::optional<Server> web1{std::in_place, lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a server that came back while its standby serves") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    const auto duty = [&](const char* first, const char* second) {
      const json servers = control.show("servers")["servers"];
      return servers[0]["duty"] == first && servers[1]["duty"] == second;
    };
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
    REQUIRE(wait_for(&dataplane, [&] { return duty("up", "standby"); }));
    web1.reset();
    REQUIRE(wait_for(&dataplane, [&] { return duty("down", "up"); }));
    web1.emplace(lab, "10.1.1.11");
    REQUIRE(wait_for(&dataplane, [&] { return duty("waiting", "up"); }));
    WHEN("it is enabled") {
      const std::string done = done_of(dataplane, control, "web1", {{"verb", "enable"}});
      THEN("it takes its place back, and the answer says so") {
        CHECK(done == "web1 of farm shop: enabled; it takes its place back from the standby");
        CHECK(duty("up", "standby"));
        CHECK(control.show("farms")["farms"][0]["state"] == "up");
        CHECK(done_of(dataplane, control, "web1", {{"verb", "enable"}}) ==
              "web1 of farm shop: enabled, as the configuration says");
      }
    }
  }
}

SCENARIO("what an operator said hides what is committed") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a server that is in maintenance until somebody says otherwise") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
    CHECK(done_of(dataplane, control, "web1", {{"verb", "maintenance"}}) ==
          "web1 of farm shop: maintenance; connections that are left are reset in 300 s (drain_time_s)");
    WHEN("the other one is drained, so that nobody takes new clients") {
      done_of(dataplane, control, "web2", {{"verb", "drain"}});
      THEN("the farm is down, which is a critical alarm and in the metrics, though all servers are well") {
        const char* reason = "0 of 2 servers take new clients (draining: web2; maintenance: web1)";
        const auto get = [&](const char* path) {
          return ask(dataplane, control, {{"api", {{"method", "GET"}, {"path", path}}}});
        };
        const json alarms = get("/api/v1/status/alarms")["body"]["alarms"];
        const json wanted{{"severity", "critical"}, {"object", "farm shop"}, {"text", reason}};
        INFO(alarms.dump(1));
        CHECK(std::find(alarms.begin(), alarms.end(), wanted) != alarms.end());
        const std::string metrics = get("/metrics").dump();
        CHECK(metrics.find("fulcrum_farm_up{farm=\\\"shop\\\"} 0") != std::string::npos);
        CHECK(metrics.find("fulcrum_farm_servers_up{farm=\\\"shop\\\"} 2") != std::string::npos);
      }
    }
    WHEN("another state is committed for it") {
      std::ignore = control.ask({{"config", "open"}, {"candidate", "anna"}, {"who", "anna"}});
      const char* state = "farms.shop.servers.web1.state";
      std::ignore = control.ask({{"config", "set"}, {"candidate", "anna"}, {"path", state}, {"value", "drain"}});
      const json check = control.ask({{"config", "check"}, {"candidate", "anna"}});
      const json done = ask(dataplane, control, {{"config", "commit"}, {"candidate", "anna"}, {"who", "anna"}});
      THEN("check and commit say that it stays as it is, and whose word that is") {
        INFO(check.dump(1));
        REQUIRE(check["hidden"].size() == 1);
        const auto words = check["hidden"][0].get<std::string>();
        CHECK(words.find("web1 of farm shop stays in maintenance: operator's word of ") == 0);
        CHECK(words.find("until somebody says otherwise") != std::string::npos);
        CHECK(done["hidden"] == check["hidden"]);
        CHECK(control.show("servers")["servers"][0]["operator"]["state"]["configured"] == "drain");
      }
    }
  }
}

}  // namespace
}  // namespace fulcrum
