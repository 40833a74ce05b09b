// fulcrum-dataplane: reads its start file, builds the dataplane and runs it until it is told to stop.
#include <fmt/format.h>
#include <getopt.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>

#include "dataplane/app/config.h"
#include "dataplane/app/dataplane.h"
#include "dataplane/base/log.h"
#include "dataplane/base/option_problem.h"
#include "dataplane/base/version.h"

namespace fulcrum {
namespace {

constexpr int kWrongInputOrEnvironment = 2;

constexpr const char* kUsage =
    "usage: fulcrum-dataplane --config FILE [--cold] [--check]\n"
    "       fulcrum-dataplane --help-config | --help-profile | --version | --help\n"
    "\n"
    "  --config FILE   start file, usually /etc/fulcrum/dataplane.cfg\n"
    "  --cold          forget the connections, counters and configuration of the earlier start\n"
    "  --check         read the start file and its NIC profiles, say what is wrong, and exit\n"
    "  --help-config   print an annotated sample of the start file\n"
    "  --help-profile  print an annotated sample of a NIC profile\n";

struct Options {
  std::string config;
  bool cold = false;
  bool check = false;
  std::optional<std::string> text;  // to print instead of doing anything
};

std::optional<Options> parse_options(int count, char** words) {
  enum : int { config = 1, cold, check, help_config, help_profile, show_version, help };
  const std::array<option, 8> known{{{"config", required_argument, nullptr, config},
                                     {"cold", no_argument, nullptr, cold},
                                     {"check", no_argument, nullptr, check},
                                     {"help-config", no_argument, nullptr, help_config},
                                     {"help-profile", no_argument, nullptr, help_profile},
                                     {"version", no_argument, nullptr, show_version},
                                     {"help", no_argument, nullptr, help},
                                     {nullptr, 0, nullptr, 0}}};
  Options options;
  opterr = 0;
  for (int found = 0; (found = getopt_long(count, words, ":", known.data(), nullptr)) != -1;) {
    switch (found) {
      case config:
        options.config = optarg;
        break;
      case cold:
        options.cold = true;
        break;
      case check:
        options.check = true;
        break;
      case help_config:
        options.text = settings::sample_text(config_description());
        break;
      case help_profile:
        options.text = settings::sample_text(profile_description());
        break;
      case show_version:
        options.text = fmt::format("fulcrum-dataplane {}\n", version());
        break;
      case help:
        options.text = kUsage;
        break;
      default:
        log(Level::error, "{}", option_problem(found, words));
        return std::nullopt;
    }
  }
  if (optind < count) {
    log(Level::error, "\"{}\" is no option; `--help` lists them", words[optind]);
    return std::nullopt;
  }
  if (options.config.empty() && !options.text) {
    log(Level::error, "no start file: say --config FILE; `--help-config` prints a sample");
    return std::nullopt;
  }
  return options;
}

// Before any thread exists, so that all inherit it: the signals are taken by one thread that waits for them.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

int run(const ConfigReading& reading, bool cold) {
  const sigset_t signals = block_stop_signals();
  auto dataplane = Dataplane::start(reading, cold);
  if (!dataplane) {
    log(Level::error, "{}", dataplane.error().words());
    return kWrongInputOrEnvironment;
  }
  std::atomic<bool> stop{false};
  std::thread listener{[&] {
    int signal = 0;
    sigwait(&signals, &signal);
    stop.store(true, std::memory_order_relaxed);
  }};
  (*dataplane)->run(stop);
  listener.join();
  log(Level::notice, "stopped");
  return 0;
}

int program(int count, char** words) {
  set_log_name("fulcrum-dataplane");
  const auto options = parse_options(count, words);
  if (!options) return kWrongInputOrEnvironment;
  if (options->text) {
    std::fputs(options->text->c_str(), stdout);
    return 0;
  }
  const ConfigReading reading = read_config(options->config);
  for (const std::string& line : settings::report(reading.problems)) log(Level::error, "{}", line);
  if (!reading.problems.empty()) return kWrongInputOrEnvironment;
  return options->check ? 0 : run(reading, options->cold);
}

}  // namespace
}  // namespace fulcrum

int main(int count, char** words) { return fulcrum::program(count, words); }
