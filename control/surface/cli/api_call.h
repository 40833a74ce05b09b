// Operations of the REST API, asked for over the local socket as the box's own administrator: what stands in its table
// of operations needs no request of its own there (See "One table of operations").
#pragma once

#include <nlohmann/json.hpp>

#include <string>

#include "control/surface/cli/box.h"

namespace fulcrum::cli {

// The body of the answer; null when it has none. Errors: problem+json as a Trouble, by its status: 404 not_found, 409
// and 412 conflict, other 4xx invalid (but 429, wait: failed), 5xx failed.
Box::Answer call_operation(Box& box, const std::string& method, const std::string& path, nlohmann::json body = nullptr);

}  // namespace fulcrum::cli
