// Lists that come page by page, all in the same way: `cursor` and `limit` go in with the query, `total` and `next` (the
// `cursor` of the following page, or null) come out beside the list. Who says nothing gets everything.
#pragma once

#include <string>
#include <vector>

#include "control/surface/api/router.h"

namespace fulcrum::api {

// A parameter of the query that rows must agree with: only those whose `member` is what it says.
struct Filter {
  std::string parameter, member, help;
};

std::vector<Query> listing_queries(const std::vector<Filter>& filters = {});
// The schema of such an answer, with members beside the list.
Json listing_schema(const std::string& list, const Json& row, const Json& beside = Json::object());
// `said` is an answer of the local socket (answer_of_question) or of an operation; without the list it is not touched.
Answer page_of(const Call& call, const nlohmann::json& said, const std::string& list,
               const std::vector<Filter>& filters = {});
Answer page_of(const Call& call, const Json& said, const std::string& list, const std::vector<Filter>& filters = {});

}  // namespace fulcrum::api
