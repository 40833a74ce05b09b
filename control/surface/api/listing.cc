#include "control/surface/api/listing.h"

#include <algorithm>

#include "control/surface/api/schema.h"

namespace fulcrum::api {
namespace {

constexpr std::int64_t kLimitMax = 100'000;

template <class Any>
Answer cut(const Call& call, const Any& said, const std::string& list, const std::vector<Filter>& filters) {
  const auto found = said.find(list);
  if (found == said.end() || !found->is_array()) return answer_of_question(nlohmann::json(said));
  const auto passes = [&](const Any& row) {
    return std::all_of(filters.begin(), filters.end(), [&](const Filter& filter) {
      const std::string wanted = call.text(filter.parameter);
      return wanted.empty() || row.value(filter.member, "") == wanted;
    });
  };
  Json body = Json::object();
  for (const auto& [name, value] : said.items()) body[name] = name == list ? Json::array() : Json(value);
  const std::uint64_t from = call.number("cursor", 0);
  const std::uint64_t limit = call.number("limit", kLimitMax);
  std::uint64_t total = 0;
  Json& rows = body[list];
  for (const Any& row : *found) {
    if (!passes(row)) continue;
    if (total >= from && rows.size() < limit) rows.push_back(Json(row));
    ++total;
  }
  const std::uint64_t end = from + rows.size();
  body["total"] = total;
  body["next"] = end < total ? Json(end) : Json();
  return ok(std::move(body));
}

}  // namespace

std::vector<Query> listing_queries(const std::vector<Filter>& filters) {
  std::vector<Query> queries{{"cursor", number_schema(0, INT64_MAX), "where an earlier page ended"},
                             {"limit", number_schema(1, kLimitMax), "at most so many; all if not said"}};
  for (const Filter& filter : filters) queries.push_back({filter.parameter, text_schema(1, 63), filter.help});
  return queries;
}

Json listing_schema(const std::string& list, const Json& row, const Json& beside) {
  Json members = beside;
  members[list] = list_schema(row, kLimitMax);
  members["total"] = number_schema(0, INT64_MAX, "that there are");
  members["next"] = {{"type", "integer"}, {"nullable", true}, {"description", "`cursor` of the following page"}};
  return record_schema(members);
}

Answer page_of(const Call& call, const nlohmann::json& said, const std::string& list,
               const std::vector<Filter>& filters) {
  return cut(call, said, list, filters);
}

Answer page_of(const Call& call, const Json& said, const std::string& list, const std::vector<Filter>& filters) {
  return cut(call, said, list, filters);
}

}  // namespace fulcrum::api
