// JSON as YAML 1.2 in block style, for `| yaml`: texts stand plain where no reader could take them for something else,
// else in double quotes as in JSON, which YAML reads the same.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace fulcrum::cli {

// Lines, each ended.
std::string yaml_text(const nlohmann::ordered_json& value);

}  // namespace fulcrum::cli
