// The control plane as its neighbours meet it: the real process, the real kernel in namespaces of the test's own, and a
// dataplane that is played by the test (a region, and one worker that reads its mailbox when the test says so). Root
// only: without it there is nothing to test and the scenarios end at once.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "control/network/twin_namespace.h"
#include "control/surface/cli/client.h"
#include "dataplane/base/clock.h"
#include "dataplane/contract/region.h"

namespace fulcrum {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

int run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()); }

// The box without its programs: a namespace with the twins front and back, another with everything outside.
class Lab {
 public:
  Lab() {
    REQUIRE(mkdtemp(directory.data()) != nullptr);
    run("ip netns add " + box);
    run("ip netns add " + outside);
    make_twins();
  }
  ~Lab() {
    run("ip netns del " + box);
    run("ip netns del " + outside);
    fs::remove_all(directory);
  }
  void make_twins() const {
    for (const char* twin : {"front", "back"}) {
      run(fmt::format("ip link add {0} netns {1} type veth peer name {0} netns {2}", twin, box, outside));
      run(fmt::format("ip -n {} link set {} up", outside, twin));
    }
    run("ip -n " + outside + " addr add 10.1.1.11/24 dev back");
    run("ip -n " + outside + " addr add 10.1.1.12/24 dev back");
  }
  void remove_twins() const {
    for (const char* twin : {"front", "back"}) run("ip -n " + box + " link del " + twin);
  }
  void write_config(const std::string& farms, const std::string& front = "front") const {
    std::ofstream{config()} << "version = 1;\nruntime_dir = \"" << directory << "\";\n"
                            << "ports = ( { name = \"" << front << "\"; addresses = [ \"198.51.100.1/24\" ]; },\n"
                            << "          { name = \"back\"; addresses = [ \"10.1.1.1/24\" ]; } );\n"
                            << "farms = (" << farms << ");\n";
  }
  [[nodiscard]] std::string config() const { return directory + "/fulcrum.cfg"; }

  std::string directory = (fs::temp_directory_path() / "fulcrum-control-XXXXXX").string();
  std::string box = fmt::format("fulcrum-ct{}-a", getpid());
  std::string outside = fmt::format("fulcrum-ct{}-b", getpid());
};

std::string farm(const char* name, const char* vip) {
  return fmt::format(
      "{{ name = \"{}\"; mode = \"nat\"; scheduler = \"round_robin\"; addresses = [ \"{}\" ];\n"
      "  ports = ( {{ protocol = \"tcp\"; port = 80; server_port = 8080; }} );\n"
      "  servers = ( {{ name = \"web1\"; addresses = [ \"10.1.1.11\" ]; }},\n"
      "              {{ name = \"web2\"; addresses = [ \"10.1.1.12\" ]; }} );\n"
      "  check = {{ type = \"tcp_connect\"; interval_ms = 100; timeout_ms = 100; rise = 2; fall = 2; }}; }}",
      name, vip);
}

// A server outside that accepts connections as long as it lives.
class Server {
 public:
  Server(const Lab& lab, const char* address) {
    auto made = TwinNamespace::open(lab.outside, 0)->socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    REQUIRE(made);
    socket_ = std::move(*made);
    const int yes = 1;
    setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_port = Be16{8080}.wire();
    own.sin_addr.s_addr = Address::parse(address)->v4().wire();
    REQUIRE(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
    REQUIRE(listen(socket_.get(), 1000) == 0);
  }

 private:
  OwnedFd socket_;
};

// The dataplane as control sees it. Lives while it is pumped.
class Dataplane {
 public:
  explicit Dataplane(const Lab& lab)
      : region{*Region::create(
            {.runtime_dir = lab.directory, .hugepage_dir = "", .shape = {.workers = 1, .connections = 16}})} {
    RegionHeader& header = region.header();
    header.twin_namespace = Name{lab.box};
    std::size_t at = 0;
    for (const std::string_view name : {"front", "back"}) {
      PortInfo& port = header.ports[at++];
      port.name = Name{name};
      std::copy(name.begin(), name.end(), port.twin.begin());
      port.in_use = 1;
    }
    WorkerStatus& status = region.worker(0).status;
    if (status.generation != 0) snapshot = &region.snapshot(status.slot);
    pump();
    header.dataplane_starts.fetch_add(1);
  }
  void pump() {
    region.header().dataplane_heartbeat = static_cast<std::uint64_t>(monotonic_now().count());
    WorkerSection& worker = region.worker(0);
    Command command;
    while (worker.commands.peek(command)) {
      if (command.kind == Command::Kind::adopt_snapshot) {
        snapshot = &region.snapshot(command.slot);
        worker.status.slot = command.slot;
        worker.status.generation = snapshot->generation;
      } else if (command.kind == Command::Kind::set_server_state) {
        urgent.push_back(command);
      }
      worker.commands.pop();
    }
  }
  // Servers that a new connection to the address could get.
  [[nodiscard]] std::size_t usable(const char* vip) const {
    if (snapshot == nullptr) return 0;
    const std::uint16_t row = find_service(*snapshot, *Address::parse(vip), Be16{80}, Protocol::tcp);
    return row == kNoIndex ? 0 : snapshot->services[row].schedule_length;
  }

  Region region;
  const Snapshot* snapshot = nullptr;
  std::vector<Command> urgent;
};

class ControlProcess {
 public:
  explicit ControlProcess(const Lab& lab) : lab_{lab} {
    process_ = fork();
    if (process_ == 0) {
      const int log = open((lab.directory + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      dup2(log, STDERR_FILENO);
      execl(FULCRUM_CONTROL, FULCRUM_CONTROL, "--config", lab.config().c_str(), nullptr);
      _exit(127);
    }
  }
  ~ControlProcess() {
    if (process_ > 0) end(SIGKILL);
  }
  ControlProcess(const ControlProcess&) = delete;
  ControlProcess& operator=(const ControlProcess&) = delete;

  void send(int signal) const { kill(process_, signal); }
  // The exit status, or minus the signal that ended it.
  int end(int signal) {
    send(signal);
    return wait();
  }
  [[nodiscard]] bool has_ended() const {
    siginfo_t ended{};
    return waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0;
  }
  int wait() {
    int status = 0;
    waitpid(std::exchange(process_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  [[nodiscard]] json show(const std::string& what) const {
    const auto line = cli::ask(lab_.directory, json{{"show", what}}.dump(), std::chrono::seconds{10});
    return line ? json::parse(*line) : json::object();
  }
  [[nodiscard]] std::string log() const {
    std::ostringstream text;
    text << std::ifstream{lab_.directory + "/log"}.rdbuf();
    return text.str();
  }

 private:
  const Lab& lab_;
  pid_t process_ = -1;
};

// Keeps the dataplane, where there is one, alive until the condition holds. The limit is for a broken program only.
template <class Condition>
bool wait_for(Dataplane* dataplane, Condition holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (dataplane != nullptr) dataplane->pump();
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

bool answers(const ControlProcess& control) { return control.show("version").contains("control"); }

constexpr const char* kVip = "198.51.100.10";

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
        CHECK(control.log().find("another fulcrum-control is running") != std::string::npos);
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
