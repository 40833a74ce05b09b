// The OpenAPI 3.0 document, made from the table of operations and the schemas of the configuration. What it says of an
// operation is what the server enforces, since both read the same table.
#pragma once

#include <vector>

#include "control/surface/api/answer.h"
#include "control/surface/api/router.h"

namespace fulcrum::api {

// `schemas`: components that routes refer to by "#/components/schemas/NAME". Extensions: x-permission at operations,
// "none" for those that are open to everybody.
Json openapi_document(const std::vector<Route>& routes, const Json& schemas);

}  // namespace fulcrum::api
