// Pieces of sentences that the settings library and the faces made from descriptions share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fulcrum::settings {

// In quotes, shortened when long.
std::string quoted(std::string_view text);
// With control characters spelled out, so that a hostile file cannot steer the terminal that shows its problems.
std::string printable(std::string_view text);

// What the writer of `wrong` may have meant: "did you mean servers?", else "known here: ..." with all of them.
std::string proposal(std::string_view wrong, const std::vector<std::string>& known);

}  // namespace fulcrum::settings
