// A request of the local socket, one line of JSON, and its answer as one line.
//
//   {"api": {"method": "PATCH", "path": "/api/v1/farms/shop", "body": {...}, "headers": {"if-match": "\"7\""},
//            "who": "anna"}}
//   {"status": 200, "headers": {"ETag": "\"8\""}, "body": {...}}
//
// "method" is GET when left out; "who" is for whom it is asked. A body that is no JSON (/metrics) comes as a text.
#pragma once

#include <string>

#include "control/surface/https/message.h"
#include "dataplane/base/result.h"

namespace fulcrum::api {

struct ConsoleLine {
  https::Request request;
  std::string who;  // empty: not said
};
// Errors: the line is not of that form.
Result<ConsoleLine> read_console_line(const std::string& line);
// Without the headers that only browsers look at.
std::string line_of(const https::Response& response);

}  // namespace fulcrum::api
