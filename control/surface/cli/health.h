// The checks of the servers as a page for people (control/surface/local/answers.h has the answer's form).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

#include "control/surface/cli/table.h"

namespace fulcrum::cli {

std::string health_page(const nlohmann::json& answer, std::size_t width = Table::width_usual);

}  // namespace fulcrum::cli
