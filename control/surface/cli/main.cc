// fulcrum: the command line. See commands.h for what can be typed, and fulcrum(1).
#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "control/surface/cli/access.h"
#include "control/surface/cli/options.h"
#include "control/surface/cli/program.h"

int main(int count, char** words) {
  using namespace fulcrum::cli;
  const auto options = parse_options(count, words);
  if (!options) {
    fmt::print(stderr, "fulcrum: {}\n", options.error());
    return static_cast<int>(Status::syntax);
  }
  // Accounts and the API are asked in words of their own, which a shell has split already.
  if (is_access_command(options->words)) {
    return run_access_command(options->words, options->runtime_dir, std::chrono::seconds{20});
  }
  return static_cast<int>(run_program(*options));
}
