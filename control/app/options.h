// The command line of fulcrum-control.
#pragma once

#include <optional>
#include <string>

namespace fulcrum {

struct ControlOptions {
  std::string config;
  std::optional<std::string> state_dir;  // goes before the one that the file names
  bool check = false;
  std::optional<std::string> text;  // to print instead of doing anything
};

// Nothing: wrong usage, of which it has told.
std::optional<ControlOptions> parse_control_options(int count, char** words);

}  // namespace fulcrum
