// Pieces of sentences that the parts of the settings library share. Private to it.
#pragma once

#include <string>
#include <string_view>

namespace fulcrum::settings {

// In quotes, shortened when long.
std::string quoted(std::string_view text);
// With control characters spelled out, so that a hostile file cannot steer the terminal that shows its problems.
std::string printable(std::string_view text);

}  // namespace fulcrum::settings
