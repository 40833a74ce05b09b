// How long a large configuration takes to load and a small change to reach the last worker: the real fulcrum-control
// and, in this process, a dataplane that is nothing but workers who read their mailboxes. As root.
//
//   fulcrum-commit-bench PATH-OF-FULCRUM-CONTROL [FARMS [SERVERS [COMMITS]]]
//
// Prints one line of JSON: {"name": "commit/1000x16", "unit": "ms", "load": from the program's start to the first
// snapshot at every worker, "commit": {"median", "min", "max"} as the client sees it, from the line with the request to
// the line that says it is acknowledged, "check": the same of a dry run}.
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "control/surface/cli/client.h"
#include "dataplane/base/clock.h"
#include "dataplane/contract/region.h"

namespace fulcrum {
namespace {

using nlohmann::json;

constexpr std::size_t kWorkers = 4;

double now_ms() { return std::chrono::duration<double, std::milli>(monotonic_now()).count(); }

[[noreturn]] void give_up(const std::string& words) {
  fmt::print(stderr, "fulcrum-commit-bench: {}\n", words);
  std::exit(1);
}

std::string configuration(const std::string& directory, int farms, int servers) {
  std::string text = fmt::format(
      "version = 1;\nruntime_dir = \"{}\";\nports = ( {{ name = \"front\"; addresses = [ \"198.51.0.1/16\" ]; }},\n"
      "          {{ name = \"back\"; addresses = [ \"10.0.0.1/8\" ]; }} );\nfarms = (\n",
      directory);
  for (int f = 0; f < farms; ++f) {
    text += fmt::format(
        "{}{{ name = \"farm{}\"; addresses = [ \"198.51.{}.{}\" ]; ports = ( {{ port = 80; server_port = 8080; }} );\n"
        "  check = {{ type = \"none\"; }}; servers = (",
        f == 0 ? "" : ",\n", f, 100 + f / 200, f % 200 + 10);
    for (int s = 0; s < servers; ++s) {
      text += fmt::format("{}\n    {{ name = \"web{}\"; addresses = [ \"10.{}.{}.{}\" ]; weight = {}; }}",
                          s == 0 ? "" : ",", s, s + 1, f / 250, f % 250 + 1, 1 + s % 10);
    }
    text += " ); }";
  }
  return text + " );\n";
}

// Workers that do nothing but adopt.
class Workers {
 public:
  explicit Workers(const std::string& directory)
      : region_{*Region::create(
            {.runtime_dir = directory, .hugepage_dir = "", .shape = {.workers = kWorkers, .connections = 16}})} {
    region_.header().dataplane_heartbeat = static_cast<std::uint64_t>(monotonic_now().count());
    std::size_t at = 0;
    for (const std::string_view name : {"front", "back"}) {
      PortInfo& port = region_.header().ports[at++];
      port.name = Name{name};
      std::copy(name.begin(), name.end(), port.twin.begin());
      port.in_use = 1;
    }
    region_.header().dataplane_starts.fetch_add(1);
    thread_ = std::thread{[this] {
      while (!stop_) turn();
    }};
  }
  ~Workers() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

 private:
  void turn() {
    region_.header().dataplane_heartbeat = static_cast<std::uint64_t>(monotonic_now().count());
    std::uint64_t oldest = UINT64_MAX;
    for (std::size_t i = 0; i < kWorkers; ++i) {
      WorkerSection& worker = region_.worker(i);
      Command command;
      while (worker.commands.peek(command)) {
        if (command.kind == Command::Kind::adopt_snapshot) {
          worker.status.slot = command.slot;
          worker.status.generation = region_.snapshot(command.slot).generation;
        }
        worker.commands.pop();
      }
      oldest = std::min(oldest, worker.status.generation.load());
    }
    generation_ = oldest;
    std::this_thread::sleep_for(std::chrono::microseconds{100});  // leave the core to control, as an idle box does
  }

  Region region_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> generation_{0};
  std::thread thread_;
};

class Client {
 public:
  explicit Client(std::string directory) : directory_{std::move(directory)} {}
  json ask(const json& request) const {
    const auto line = cli::ask(directory_, request.dump(), std::chrono::seconds{20});
    if (!line) give_up(line.error().words());
    json answer = json::parse(*line);
    if (answer.contains("error")) give_up(answer.dump());
    return answer;
  }

 private:
  std::string directory_;
};

json spread(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return {{"median", samples[samples.size() / 2]}, {"min", samples.front()}, {"max", samples.back()}};
}

json measure(const std::string& directory, Workers& workers, int farms, int servers, int commits, double begin) {
  while (workers.generation() == 0) {
    if (now_ms() - begin > 60'000) give_up("no snapshot came within a minute; see " + directory + "/log");
    std::this_thread::sleep_for(std::chrono::microseconds{100});
  }
  const double load = now_ms() - begin;
  const Client client{directory};
  std::vector<double> commit;
  std::vector<double> check;
  for (int i = 0; i < commits; ++i) {
    client.ask({{"config", "open"}, {"candidate", "bench"}, {"who", "bench"}});
    const std::string path = fmt::format("farms.farm{}.servers.web{}.weight", i * 7 % farms, i % servers);
    client.ask({{"config", "set"}, {"candidate", "bench"}, {"path", path}, {"value", 11 + i % 80}});
    double start = now_ms();
    client.ask({{"config", "check"}, {"candidate", "bench"}});
    check.push_back(now_ms() - start);
    start = now_ms();
    const json done = client.ask({{"config", "commit"}, {"candidate", "bench"}, {"who", "bench"}});
    commit.push_back(now_ms() - start);
    if (done["acknowledged"] != true) give_up("not acknowledged: " + done["waiting_for"].dump());
  }
  return {{"name", fmt::format("commit/{}x{}", farms, servers)},
          {"unit", "ms"},
          {"load", load},
          {"commit", spread(std::move(commit))},
          {"check", spread(std::move(check))},
          {"repetitions", commits}};
}

int program(int count, char** words) {
  const auto number = [&](int place, int otherwise) { return count > place ? std::atoi(words[place]) : otherwise; };
  const int farms = number(2, 1000);
  const int servers = number(3, 16);
  const int commits = number(4, 50);
  if (count < 2 || farms < 1 || farms > 20'000 || servers < 1 || servers > 200 || commits < 1) {
    give_up("usage: fulcrum-commit-bench PATH-OF-FULCRUM-CONTROL [FARMS [SERVERS [COMMITS]]]");
  }
  std::string directory = (std::filesystem::temp_directory_path() / "fulcrum-commit-bench-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) give_up("cannot make " + directory);
  const std::string file = directory + "/fulcrum.cfg";
  std::ofstream{file} << configuration(directory, farms, servers);
  json result;
  {
    Workers workers{directory};
    const double begin = now_ms();
    const pid_t control = fork();
    if (control == 0) {
      dup2(::open((directory + "/log").c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
      execl(words[1], words[1], "--config", file.c_str(), nullptr);
      _exit(127);
    }
    result = measure(directory, workers, farms, servers, commits, begin);
    kill(control, SIGTERM);
    waitpid(control, nullptr, 0);
  }
  std::filesystem::remove_all(directory);
  fmt::print("{}\n", result.dump());
  return 0;
}

}  // namespace
}  // namespace fulcrum

int main(int count, char** words) { return fulcrum::program(count, words); }
