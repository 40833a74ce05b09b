// The answers of the control plane as pages for people. The answer's form is control/surface/local/answers.h; a key
// that is missing shows as empty, so that a newer client can talk to an older control plane.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

#include "control/surface/cli/table.h"

namespace fulcrum::cli {

// `what` as in the question: "farms", "servers", "connections", "persistence", "drops", "version"; or "interfaces", of
// the answer to "drops".
// Lines of at most `width` columns.
std::string page(const std::string& what, const nlohmann::json& answer, std::size_t width = Table::width_usual);
// What `fulcrum clear` did.
std::string cleared_text(const std::string& what, const nlohmann::json& answer);

}  // namespace fulcrum::cli
