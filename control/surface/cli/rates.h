// Rates and events as pages for people (control/surface/local/rates.h has the answers' form).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

#include "control/surface/cli/table.h"

namespace fulcrum::cli {

// Of the last second, or one series' past when the answer has points.
std::string rates_page(const nlohmann::json& answer, std::size_t width = Table::width_usual);
std::string events_page(const nlohmann::json& answer, std::size_t width = Table::width_usual);

// A rate in at most five characters: "0", "0.25", "950", "1.2k", "35k", "1.2M".
std::string rate_text(double rate);

}  // namespace fulcrum::cli
