// fulcrum(1) from the tree of commands.
#pragma once

#include <string>

namespace fulcrum::cli {

// As roff.
std::string manual_page(const std::string& version);

}  // namespace fulcrum::cli
