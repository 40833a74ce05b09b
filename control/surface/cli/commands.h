// All commands there are, in both modes. The tree is the interface: what is not here cannot be typed.
#pragma once

#include <string>
#include <vector>

#include "control/surface/cli/grammar.h"

namespace fulcrum::cli {

const std::vector<Command>& operational_commands();
const std::vector<Command>& configuration_commands();

// Hints below each other, at most `most`; words as they must be typed.
std::string hint_lines(const std::vector<Hint>& hints, std::size_t most);

}  // namespace fulcrum::cli
