#include "control/app/options.h"

#include <fmt/format.h>
#include <getopt.h>

#include <array>

#include "control/app/config_manual.h"
#include "control/model/model.h"
#include "dataplane/base/log.h"
#include "dataplane/base/option_problem.h"
#include "dataplane/base/settings.h"
#include "dataplane/base/version.h"

namespace fulcrum {
namespace {

constexpr const char* kUsage =
    "usage: fulcrum-control --config FILE [--state-dir DIR] [--check]\n"
    "       fulcrum-control --help-config | --manual | --version | --help\n"
    "\n"
    "  --config FILE    the configuration, usually /etc/fulcrum/fulcrum.cfg\n"
    "  --state-dir DIR  where its revisions are kept, whatever FILE says: a FILE that\n"
    "                   cannot be read does not say it (/var/lib/fulcrum then)\n"
    "  --check          read it, say everything that is wrong with it, and exit\n"
    "  --help-config    print an annotated sample\n"
    "  --manual         print the manual page fulcrum.cfg(5)\n"
    "\n"
    "SIGHUP reads the file again. If anything is wrong with it, then or at the start,\n"
    "the newest revision is in force; only without one it is the end.\n";

}  // namespace

std::optional<ControlOptions> parse_control_options(int count, char** words) {
  enum : int { config = 1, state_dir, check, help_config, manual, show_version, help };
  const std::array<option, 8> known{{{"config", required_argument, nullptr, config},
                                     {"state-dir", required_argument, nullptr, state_dir},
                                     {"check", no_argument, nullptr, check},
                                     {"help-config", no_argument, nullptr, help_config},
                                     {"manual", no_argument, nullptr, manual},
                                     {"version", no_argument, nullptr, show_version},
                                     {"help", no_argument, nullptr, help},
                                     {nullptr, 0, nullptr, 0}}};
  ControlOptions options;
  opterr = 0;
  for (int found = 0; (found = getopt_long(count, words, ":", known.data(), nullptr)) != -1;) {
    switch (found) {
      case config:
        options.config = optarg;
        break;
      case state_dir:
        options.state_dir = optarg;
        break;
      case check:
        options.check = true;
        break;
      case help_config:
        options.text = settings::sample_text(model::description());
        break;
      case manual:
        options.text = config_manual(version());
        break;
      case show_version:
        options.text = fmt::format("fulcrum-control {}\n", version());
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
  if (options.state_dir && !options.state_dir->starts_with('/')) {
    log(Level::error, "--state-dir {}: must begin with a slash", *options.state_dir);
    return std::nullopt;
  }
  if (options.config.empty() && !options.text) {
    log(Level::error, "no configuration: say --config FILE; `--help-config` prints a sample");
    return std::nullopt;
  }
  return options;
}

}  // namespace fulcrum
