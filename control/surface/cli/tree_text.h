// A configuration, or part of one, as an indented tree or as the `set` lines that make it. Works on the JSON of the box
// (document/json.h) with the description, so that elements stand by their keys.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

#include "control/document/path.h"
#include "dataplane/base/settings.h"

namespace fulcrum::cli {

// `value` is what stands at `path`; null: nothing.
std::string tree_text(const settings::Shape& root, const document::Path& path, const nlohmann::json& value);
std::string set_lines(const settings::Shape& root, const document::Path& path, const nlohmann::json& value);

}  // namespace fulcrum::cli
