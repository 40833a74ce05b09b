// fulcrum-dataplane: reads its start file, builds the dataplane and runs it until it is told to stop.
#include <fmt/format.h>
#include <getopt.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
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
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// Takes the signals, from before the start to the end. A start can take long (it touches all its memory), so a signal
// ends it there and then: nobody depends on a dataplane that does not run yet, and the next start clears up behind this
// one as behind a crash.
class SignalListener {
 public:
  explicit SignalListener(const sigset_t& signals) : thread_{[this, signals] { listen(signals); }} {}
  // Ends the listening itself where no signal did.
  ~SignalListener() {
    phase_.store(Phase::over, std::memory_order_relaxed);
    pthread_kill(thread_.native_handle(), SIGTERM);
    thread_.join();
  }
  SignalListener(const SignalListener&) = delete;
  SignalListener& operator=(const SignalListener&) = delete;

  void started() { phase_.store(Phase::running, std::memory_order_relaxed); }
  [[nodiscard]] const std::atomic<bool>& stop() const { return stop_; }

 private:
  enum class Phase : std::uint8_t { starting, running, over };

  void listen(const sigset_t& signals) {
    while (phase_.load(std::memory_order_relaxed) != Phase::over) {
      int signal = 0;
      sigwait(&signals, &signal);
      const Phase phase = phase_.load(std::memory_order_relaxed);
      if (phase == Phase::over) return;
      if (signal == SIGHUP) {
        log(Level::notice, "SIGHUP changes nothing here: the start file is read at start only; restart to change it");
        continue;
      }
      if (phase == Phase::starting) {
        log(Level::notice, "stopped while it was starting");
        std::_Exit(128 + signal);
      }
      stop_.store(true, std::memory_order_relaxed);
    }
  }

  std::atomic<Phase> phase_{Phase::starting};
  std::atomic<bool> stop_{false};
  std::thread thread_;  // the last: it uses the others
};

int run(const ConfigReading& reading, bool cold) {
  SignalListener listener{block_stop_signals()};
  auto dataplane = Dataplane::start(reading, cold);
  if (!dataplane) {
    for (const std::string& line : dataplane.error()) log(Level::error, "{}", line);
    return kWrongInputOrEnvironment;
  }
  listener.started();
  (*dataplane)->run(listener.stop());
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
