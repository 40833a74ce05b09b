// Revisions as JSON: in their files, and in answers. Times are ISO 8601 in UTC with milliseconds.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "control/store/history.h"

namespace fulcrum::store {

std::string time_text(Time time);  // "2026-07-24T11:57:03.250Z"
std::optional<Time> parse_time(std::string_view text);
// What people say: "03:00", when it is so next, or "2026-07-24T03:00Z", also with seconds and milliseconds.
std::optional<Time> parse_moment(std::string_view text, Time now);

// {"revision", "when", "who", "face", "why", "hash", "confirm_until", "changes": count, "words": [...]}
nlohmann::ordered_json to_json(const Revision& revision);
// Nothing when it is not what to_json() made. Its paths are those of the file's "steps".
std::optional<Revision> revision_from(const nlohmann::json& given);

// Where the steps of a revision's file have changed something.
std::vector<document::Path> paths_of(const nlohmann::json& steps);

}  // namespace fulcrum::store
