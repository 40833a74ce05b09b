// `fulcrum explain`: its words as the question for control, and the answer as a page for people.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace fulcrum::cli {

// 80 columns: what happens in one sentence, what each stage found, and the farm's servers.
std::string explain_page(const nlohmann::json& answer);

}  // namespace fulcrum::cli
