// The control plane's neighbours, played for scenarios: the real process, the real kernel in namespaces of the test's
// own, and a dataplane that the test plays (a region, and one worker that reads its mailbox when the test says so).
// Root only. Whoever includes this defines FULCRUM_CONTROL, the path of the program.
#pragma once

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

namespace fulcrum::test {

using nlohmann::json;
namespace fs = std::filesystem;

extern const char* const kControlProgram;  // the path of fulcrum-control

inline int run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()); }

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

inline std::string farm(const char* name, const char* vip) {
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
  Server(const Lab& lab, const char* address, std::uint16_t port = 8080) {
    auto made = TwinNamespace::open(lab.outside, 0)->socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    REQUIRE(made);
    socket_ = std::move(*made);
    const int yes = 1;
    setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_port = Be16{port}.wire();
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
  [[nodiscard]] std::size_t usable(const char* vip, std::uint16_t port = 80) const {
    if (snapshot == nullptr) return 0;
    const std::uint16_t row = find_service(*snapshot, *Address::parse(vip), Be16{port}, Protocol::tcp);
    return row == kNoIndex ? 0 : snapshot->services[row].schedule_length;
  }

  Region region;
  const Snapshot* snapshot = nullptr;
  std::vector<Command> urgent;
};

class ControlProcess {
 public:
  // `state_dir`: for --state-dir.
  explicit ControlProcess(const Lab& lab, const std::string& state_dir = {}) : lab_{lab} {
    process_ = fork();
    if (process_ == 0) {
      const int log = open((lab.directory + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      dup2(log, STDERR_FILENO);
      execl(kControlProgram, kControlProgram, "--config", lab.config().c_str(),
            state_dir.empty() ? nullptr : "--state-dir", state_dir.c_str(), nullptr);
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
  [[nodiscard]] json show(const std::string& what) const { return ask({{"show", what}}); }
  // One request on the local socket, and its answer.
  [[nodiscard]] json ask(const json& request) const {
    const auto line = cli::ask(lab_.directory, request.dump(), std::chrono::seconds{10});
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

inline bool answers(const ControlProcess& control) { return control.show("version").contains("control"); }

inline constexpr const char* kVip = "198.51.100.10";

}  // namespace fulcrum::test
