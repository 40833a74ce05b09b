// fulcrum-control: reads the configuration and keeps the box at it until it is told to stop.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "control/app/control.h"
#include "control/app/options.h"
#include "control/app/reloads.h"
#include "control/publish/region_watch.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

namespace fulcrum {
namespace {

constexpr int kWrongInputOrEnvironment = 2;

// A socket per probe under way and per client.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int refuse(const std::vector<std::string>& problems) {
  for (const std::string& line : problems) log(Level::error, "{}", line);
  return kWrongInputOrEnvironment;
}

// Says what is wrong with the file, in itself and for the dataplane that runs here, and changes nothing.
int check(const ControlOptions& options) {
  Candidate candidate = read_candidate(options.config, std::nullopt);
  if (candidate.problems.empty()) {
    RegionWatch watch{candidate.loaded.model.runtime_dir};
    watch.look();
    const KnownPorts known = watch.alive(monotonic_now()) ? ports_of(watch.region()) : std::nullopt;
    if (!unknown_ports(candidate.loaded.model, known).empty()) candidate = read_candidate(options.config, known);
  }
  return candidate.problems.empty() ? 0 : refuse(candidate.problems);
}

int run(const ControlOptions& options) {
  if (geteuid() != 0) {
    return refuse({"must be started as root: it configures the kernel twins' network namespace"});
  }
  std::signal(SIGPIPE, SIG_IGN);
  hold_reloads(SIG_BLOCK);
  raise_descriptor_limit();
  auto booted = boot(options.config, options.state_dir);
  if (!booted) return refuse(booted.error());
  Control control{options.config, std::move(*booted)};
  if (auto started = control.start(); !started) return refuse({started.error().words()});
  control.run();
  return 0;
}

int program(int count, char** words) {
  set_log_name("fulcrum-control");
  const auto options = parse_control_options(count, words);
  if (!options) return kWrongInputOrEnvironment;
  if (options->text) {
    std::fputs(options->text->c_str(), stdout);
    return 0;
  }
  return options->check ? check(*options) : run(*options);
}

}  // namespace
}  // namespace fulcrum

int main(int count, char** words) { return fulcrum::program(count, words); }
