// fulcrum: the command line. See commands.h for what can be typed, and fulcrum(1).
#include <fmt/format.h>

#include <cstdio>

#include "control/surface/cli/options.h"
#include "control/surface/cli/program.h"

int main(int count, char** words) {
  using namespace fulcrum::cli;
  const auto options = parse_options(count, words);
  if (!options) {
    fmt::print(stderr, "fulcrum: {}\n", options.error());
    return static_cast<int>(Status::syntax);
  }
  return static_cast<int>(run_program(*options));
}
