// A request of the local socket, one line of JSON, and its answer as one line.
//
//   {"api": {"method": "PATCH", "path": "/api/v1/farms/shop", "body": {...}, "headers": {"if-match": "\"7\""}}}
//   {"status": 200, "headers": {"ETag": "\"8\""}, "body": {...}}
//
// "method" is GET when left out. A body that is no JSON (/metrics) comes as a text.
#pragma once

#include <string>

#include "control/surface/https/message.h"
#include "dataplane/base/result.h"

namespace fulcrum::api {

// Errors: the line is not of that form.
Result<https::Request> request_of_line(const std::string& line);
// Without the headers that only browsers look at.
std::string line_of(const https::Response& response);

}  // namespace fulcrum::api
