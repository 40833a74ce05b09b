// Commits as administrators meet them, through the local socket of the real process; see tests/support/control_lab.h.
#include <catch2/catch.hpp>

#include <future>
#include <optional>

#include "control/store/revision_json.h"
#include "tests/support/control_lab.h"

namespace fulcrum {

const char* const test::kControlProgram = FULCRUM_CONTROL;

namespace {

using namespace test;  // NOLINT: the scenarios read as sentences

std::string read(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream{file}.rdbuf();
  return text.str();
}

// Asks while the dataplane goes on.
json ask(Dataplane& dataplane, const ControlProcess& control, const json& request) {
  auto answer = std::async(std::launch::async, [&] { return control.ask(request); });
  wait_for(&dataplane, [&] { return answer.wait_for(std::chrono::seconds{0}) == std::future_status::ready; });
  return answer.get();
}

json set(const ControlProcess& control, const char* candidate, const char* path, const json& value) {
  return control.ask({{"config", "set"}, {"candidate", candidate}, {"path", path}, {"value", value}});
}

json open(const ControlProcess& control, const char* candidate) {
  return control.ask({{"config", "open"}, {"candidate", candidate}, {"who", candidate}});
}

json commit_request(const char* candidate) {
  return {{"config", "commit"}, {"candidate", candidate}, {"who", candidate}};
}

json weight(const ControlProcess& control) {
  return control.ask({{"config", "get"}, {"path", "farms.shop.servers.web1.weight"}, {"defaults", true}})["value"];
}

SCENARIO("a commit is answered when every worker has it") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a running box and a candidate with one more farm") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
    REQUIRE(open(control, "anna")["base"] == 1);
    const json mail{{"addresses", {"198.51.100.20"}},
                    {"ports", {{{"port", 80}, {"server_port", 8080}}}},
                    {"servers", {{{"name", "web1"}, {"addresses", {"10.1.1.11"}}}}}};
    REQUIRE(set(control, "anna", "farms.mail", mail)["changes"] == 1);
    WHEN("it is committed") {
      const json answer = ask(dataplane, control, commit_request("anna"));
      THEN("the worker has it, and so have the history and the file") {
        INFO(answer.dump(1));
        CHECK(answer["acknowledged"] == true);
        CHECK(answer["revision"]["revision"] == 2);
        CHECK(answer["changes"][0]["words"] == "farms.mail added: addresses 198.51.100.20; 1 ports; 1 servers");
        CHECK(find_service(*dataplane.snapshot, *Address::parse("198.51.100.20"), Be16{80}, Protocol::tcp) != kNoIndex);
        CHECK(wait_for(&dataplane, [&] { return read(lab.config()).find("name = \"mail\"") != std::string::npos; }));
        const json history = control.ask({{"config", "history"}});
        CHECK(history["revisions"][0]["who"] == "anna (user root)");
        CHECK(history["revisions"][1]["face"] == "file");
        CHECK(wait_for(&dataplane, [&] { return dataplane.usable("198.51.100.20") == 1; }));
      }
    }
    WHEN("it has a problem") {
      set(control, "anna", "farms.mail.addresses", {"10.1.1.1"});
      const std::uint64_t before = dataplane.snapshot->generation;
      const json answer = ask(dataplane, control, commit_request("anna"));
      THEN("nothing has changed, and the path is told") {
        CHECK(answer["error"]["code"] == "invalid");
        CHECK(answer["error"]["problems"][0]["path"] == "farms.mail.addresses[0]");
        CHECK(dataplane.snapshot->generation == before);
        CHECK(control.ask({{"config", "history"}})["current"] == 1);
      }
    }
    WHEN("somebody else was faster") {
      open(control, "bob");
      set(control, "bob", "farms.shop.servers.web1.weight", 5);
      REQUIRE(ask(dataplane, control, commit_request("bob"))["revision"]["revision"] == 2);
      THEN("it says so, and is carried over only when asked to") {
        const json refused = ask(dataplane, control, commit_request("anna"));
        CHECK(refused["error"]["code"] == "conflict");
        json again = commit_request("anna");
        again["rebase"] = true;
        CHECK(ask(dataplane, control, again)["revision"]["revision"] == 3);
        CHECK(weight(control) == 5);
      }
    }
  }
}

SCENARIO("a check says what a commit would do to connections") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  const Server web2{lab, "10.1.1.12"};
  GIVEN("a farm with connections") {
    Dataplane dataplane{lab};
    const ControlProcess control{lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 2; }));
    const auto service = find_service(*dataplane.snapshot, *Address::parse(kVip), Be16{80}, Protocol::tcp);
    const std::uint16_t first = dataplane.snapshot->services[service].first_server;
    const std::uint16_t second = dataplane.snapshot->servers[first].next_of_service;
    for (const auto& [row, count] : {std::pair{first, 3}, std::pair{second, 4}}) {
      ServerCounters& counters = dataplane.region.server_counters(0)[row];
      counters.server_generation = dataplane.snapshot->servers[row].generation;
      counters.active = count;
    }
    WHEN("one server is to go and the other to get less") {
      open(control, "anna");
      const json gone{{"config", "delete"}, {"candidate", "anna"}, {"path", "farms.shop.servers.web2"}};
      REQUIRE(control.ask(gone)["changes"] == 1);
      set(control, "anna", "farms.shop.servers.web1.weight", 4);
      const json check = control.ask({{"config", "check"}, {"candidate", "anna"}});
      THEN("it counts") {
        INFO(check.dump(1));
        CHECK(check["problems"].empty());
        CHECK(check["radius"]["connections"] ==
              json{{"kept", 3}, {"drained", 4}, {"reset", 0}, {"lost", 0}, {"closing", 0}});
        CHECK(check["radius"]["farms"] == json{"shop"});
        CHECK(check["radius"]["losing_weight"].size() == 2);
        CHECK(check["radius"]["losing_weight"][0]["to"] == 4);
        CHECK(check["radius"]["losing_weight"][1]["why"] == "removed");
        CHECK(check["confirm_advised_s"].is_null());
      }
    }
    WHEN("the farm is to work in another mode") {
      open(control, "anna");
      set(control, "anna", "farms.shop.ports[tcp/80].server_port", 0);
      set(control, "anna", "farms.shop.mode", "dsr");
      const json check = control.ask({{"config", "check"}, {"candidate", "anna"}});
      THEN("no connection survives it") {
        INFO(check.dump(1));
        CHECK(check["problems"].empty());
        CHECK(check["radius"]["connections"] ==
              json{{"kept", 0}, {"drained", 0}, {"reset", 7}, {"lost", 0}, {"closing", 0}});
      }
    }
  }
}

SCENARIO("a commit for a time goes back although control was killed") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  GIVEN("an unconfirmed commit") {
    Dataplane dataplane{lab};
    std::optional<ControlProcess> control{std::in_place, lab};
    REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
    open(*control, "anna");
    set(*control, "anna", "farms.shop.servers.web1.weight", 5);
    json request = commit_request("anna");
    request["confirm_s"] = 10;
    REQUIRE(ask(dataplane, *control, request)["revision"]["confirm_until"].is_string());
    WHEN("control is killed and started again") {
      control->end(SIGKILL);
      control.emplace(lab);
      REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
      CHECK(weight(*control) == 5);
      THEN("it goes back in time") {
        CHECK(wait_for(&dataplane, [&] { return weight(*control) == 10; }));
        CHECK(control->ask({{"config", "history"}})["revisions"][0]["face"] == "timer");
      }
      AND_WHEN("it is confirmed") {
        CHECK(control->ask({{"config", "confirm"}})["revision"]["revision"] == 2);
        THEN("nothing waits any more") { CHECK(control->ask({{"config", "history"}})["confirm_until"].is_null()); }
      }
    }
  }
}

// What a candidate's file says of its time becomes `by` earlier.
void bring_forward(const Lab& lab, const char* candidate, std::chrono::seconds by) {
  const std::string file = lab.directory + "/state/candidates/" + candidate + ".json";
  json kept = json::parse(read(file));
  kept["schedule"]["at"] = store::time_text(std::chrono::system_clock::now() - by);
  std::ofstream{file} << kept.dump();
}

SCENARIO("a commit is left to its time") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  GIVEN("a candidate that is to be committed") {
    Dataplane dataplane{lab};
    std::optional<ControlProcess> control{std::in_place, lab};
    REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
    open(*control, "anna");
    set(*control, "anna", "farms.shop.servers.web1.weight", 5);
    const auto schedule = [&](std::chrono::milliseconds in) {
      return control->ask({{"config", "schedule"},
                           {"candidate", "anna"},
                           {"who", "anna"},
                           {"at", store::time_text(std::chrono::system_clock::now() + in)}});
    };
    const auto is_alarm = [&] {
      return control->show("farms").dump().find("Candidate anna of anna") != std::string::npos;
    };
    const auto events = [&] { return control->show("events").dump(); };
    WHEN("its time comes") {
      REQUIRE(schedule(std::chrono::milliseconds{500})["commit_refused"].is_null());
      THEN("it is in force") {
        CHECK(wait_for(&dataplane, [&] { return weight(*control) == 5; }));
        const json newest = control->ask({{"config", "history"}})["revisions"][0];
        CHECK(newest["who"] == "anna (user root)");
        CHECK(control->ask({{"config", "candidates"}})["candidates"].empty());
        CHECK(events().find("is to be committed at") != std::string::npos);
      }
    }
    WHEN("control is dead then, and starts a minute late") {
      REQUIRE(schedule(std::chrono::hours{1})["changes"] == 1);
      control->end(SIGKILL);
      bring_forward(lab, "anna", std::chrono::minutes{1});
      control.emplace(lab);
      THEN("it is made up for") {
        CHECK(wait_for(&dataplane, [&] { return weight(*control) == 5; }));
      }
    }
    WHEN("control is dead then, and starts six minutes late") {
      REQUIRE(schedule(std::chrono::hours{1})["changes"] == 1);
      control->end(SIGKILL);
      bring_forward(lab, "anna", std::chrono::minutes{6});
      control.emplace(lab);
      THEN("it is refused, and an alarm until somebody looks after it") {
        REQUIRE(wait_for(&dataplane, [&] { return answers(*control) && is_alarm(); }));
        CHECK(weight(*control) == 10);
        CHECK(events().find("it is too late now") != std::string::npos);
        CHECK(control->ask({{"config", "discard"}, {"candidate", "anna"}}) == json::object());
        CHECK_FALSE(is_alarm());
      }
    }
    WHEN("somebody commits something else before") {
      REQUIRE(schedule(std::chrono::milliseconds{1500})["changes"] == 1);
      open(*control, "bob");
      set(*control, "bob", "farms.shop.servers.web1.weight", 7);
      REQUIRE(ask(dataplane, *control, commit_request("bob"))["revision"]["revision"] == 2);
      THEN("nothing is merged") {
        REQUIRE(wait_for(&dataplane, is_alarm));
        CHECK(weight(*control) == 7);
        CHECK(events().find("was not committed at") != std::string::npos);
      }
    }
  }
}

SCENARIO("a file that was spoilt does not keep the box from its service") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  const Server web1{lab, "10.1.1.11"};
  GIVEN("a box with a history") {
    Dataplane dataplane{lab};
    std::optional<ControlProcess> control{std::in_place, lab};
    REQUIRE(wait_for(&dataplane, [&] { return dataplane.usable(kVip) == 1; }));
    control->end(SIGKILL);
    WHEN("the file has a problem at the next start") {
      lab.write_config("{ name = \"shop\"; bogus = 1; }");
      control.emplace(lab);
      THEN("the newest revision is in force, and the problem is told") {
        REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
        CHECK(control->show("farms")["farms"][0]["name"] == "shop");
        CHECK_FALSE(control->show("version")["configuration"]["rejected_since"].empty());
        CHECK(control->log().find("bogus") != std::string::npos);
        CHECK(control->show("farms").dump().find("was rejected (") != std::string::npos);
      }
    }
    const char* const spoilt = GENERATE("is no configuration", "is not there", "cannot be read");
    WHEN(fmt::format("the file {} at the next start", spoilt)) {
      fs::remove(lab.config());
      if (spoilt == std::string_view{"is no configuration"}) std::ofstream{lab.config()} << "version = 1;\nfarms = (";
      if (spoilt == std::string_view{"cannot be read"}) fs::create_directory(lab.config());
      AND_WHEN("the command line says where the revisions are") {
        control.emplace(lab, lab.directory + "/state");
        THEN("the newest one is in force, where it says, and the problem is told") {
          REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
          CHECK(control->show("farms")["farms"][0]["name"] == "shop");
          CHECK(control->show("version")["configuration"]["rejected_since"].size() == 1);
          CHECK(control->show("farms").dump().find("was rejected (1 problem, ") != std::string::npos);
          CHECK(control->log().find("fulcrum.cfg is rejected: revision 1 of ") != std::string::npos);
        }
      }
      AND_WHEN("nobody says where the revisions are") {
        control.emplace(lab);
        THEN("it does not start, and says how it would") {
          CHECK(control->wait() == 2);
          CHECK(control->log().find("name the place of its revisions with --state-dir") != std::string::npos);
        }
      }
    }
    WHEN("the command line names another place than the file") {
      fs::rename(lab.directory + "/state", lab.directory + "/elsewhere");
      control.emplace(lab, lab.directory + "/elsewhere");
      THEN("the command line is right") {
        REQUIRE(wait_for(&dataplane, [&] { return answers(*control); }));
        CHECK(control->ask({{"config", "history"}})["revisions"].size() == 1);
        CHECK_FALSE(fs::exists(lab.directory + "/state"));
      }
    }
  }
}

SCENARIO("requests that are none") {
  if (geteuid() != 0) return;
  const Lab lab;
  lab.write_config(farm("shop", kVip));
  GIVEN("a control process") {
    const ControlProcess control{lab};
    REQUIRE(wait_for(nullptr, [&] { return answers(control); }));
    THEN("each is told what is wrong") {
      const auto error = [&](const json& request) { return control.ask(request)["error"]["text"].get<std::string>(); };
      CHECK(error({{"config", "dance"}}) == "config: is no verb that is known");
      CHECK(error({{"config", 5}}) == "config: is no verb that is known");
      CHECK(error({{"config", "open"}}) == "\"candidate\" is missing");
      CHECK(error({{"config", "get"}, {"path", 5}}) == "\"path\" is of the wrong type");
      CHECK(error({{"config", "commit"}, {"candidate", "x"}, {"who", "x"}, {"why", "\x1b]0;"}}) ==
            "\"why\" holds a control character: leave it out");
      CHECK(error({{"config", "get"}, {"pth", "x"}}) == "unknown key \"pth\"");
      CHECK(error({{"config", "get"}, {"path", "farms..x"}}) == "farms.: a name is missing here");
      CHECK(error({{"config", "get"}, {"path", "farms.mail"}}) == "farms.mail: does not exist; known here: shop");
      CHECK(error({{"config", "get"}, {"candidate", "x"}}) == "x: there is no candidate of this name");
      CHECK(error({{"config", "show"}, {"revision", 7}}) == "revision 7: is not kept");
      CHECK(error({{"config", "set"}, {"candidate", "x"}, {"path", "a"}}) == "set takes either \"value\" or \"words\"");
    }
  }
}

}  // namespace
}  // namespace fulcrum
