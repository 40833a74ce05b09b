// fulcrum-control: reads the configuration and keeps the box at it until it is told to stop.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "control/app/control.h"
#include "control/app/options.h"
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

int run(const ControlOptions& options, LoadedModel loaded) {
  if (geteuid() != 0) {
    log(Level::error, "must be started as root: it configures the kernel twins' network namespace");
    return kWrongInputOrEnvironment;
  }
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  Control control{options.config, std::move(loaded)};
  if (auto started = control.start(); !started) {
    log(Level::error, "{}", started.error().words());
    return kWrongInputOrEnvironment;
  }
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
  Candidate candidate = read_candidate(options->config, std::nullopt);
  if (candidate.problems.empty()) {
    // Where a dataplane runs its ports are known, and a name that is none of them is a mistake. One that does not run
    // may come back with others.
    RegionWatch watch{candidate.loaded.model.runtime_dir};
    watch.look();
    const KnownPorts known = watch.alive(monotonic_now()) ? ports_of(watch.region()) : std::nullopt;
    if (!unknown_ports(candidate.loaded.model, known).empty()) candidate = read_candidate(options->config, known);
  }
  for (const std::string& line : candidate.problems) log(Level::error, "{}", line);
  if (!candidate.problems.empty()) return kWrongInputOrEnvironment;
  return options->check ? 0 : run(*options, std::move(candidate.loaded));
}

}  // namespace
}  // namespace fulcrum

int main(int count, char** words) { return fulcrum::program(count, words); }
