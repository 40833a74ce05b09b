// `fulcrum explain`: its words as the question for control, and the answer as a page for people.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

#include "control/surface/cli/table.h"

namespace fulcrum::cli {

// What happens in one sentence, what each stage found, and the farm's servers.
std::string explain_page(const nlohmann::json& answer, std::size_t width = Table::width_usual);

}  // namespace fulcrum::cli
