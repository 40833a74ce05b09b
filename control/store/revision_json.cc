#include "control/store/revision_json.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <ctime>

namespace fulcrum::store {
namespace {

using nlohmann::json;

std::optional<std::string> text(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

// Those of a list; none where there is no list.
std::vector<std::string> texts(const json& object, const char* key) {
  std::vector<std::string> found;
  for (const json& one : object.value(key, json::array())) {
    if (one.is_string()) found.push_back(one.get<std::string>());
  }
  return found;
}

}  // namespace

std::string time_text(Time time) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const std::time_t whole = seconds.count();
  std::tm parts{};
  gmtime_r(&whole, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, (since - seconds).count());
}

std::optional<Time> parse_time(std::string_view words) {
  std::tm parts{};
  int milliseconds = 0;
  char end = 0;
  const int read =
      std::sscanf(std::string{words}.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3d%c", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &milliseconds, &end);
  if (read != 8 || end != 'Z') return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return Time{std::chrono::seconds{timegm(&parts)} + std::chrono::milliseconds{milliseconds}};
}

std::optional<Time> parse_moment(std::string_view words, Time now) {
  std::string text{words};
  int hour = 0, minute = 0;
  if (std::sscanf(text.c_str(), "%2d:%2d", &hour, &minute) == 2) {
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || text != fmt::format("{:02}:{:02}", hour, minute)) {
      return std::nullopt;
    }
    const Time at =
        std::chrono::floor<std::chrono::days>(now) + std::chrono::hours{hour} + std::chrono::minutes{minute};
    return at > now ? at : at + std::chrono::days{1};
  }
  if (!text.ends_with('Z')) return std::nullopt;
  text.pop_back();
  if (text.size() == std::string_view{"2026-07-24T03:00"}.size()) text += ":00";
  if (text.size() == std::string_view{"2026-07-24T03:00:00"}.size()) text += ".000";
  text += 'Z';
  const auto at = parse_time(text);
  return at && time_text(*at) == text ? at : std::nullopt;  // there is no 31 April
}

nlohmann::ordered_json to_json(const Revision& revision) {
  return {{"revision", revision.number},
          {"when", time_text(revision.when)},
          {"who", revision.author.who},
          {"face", revision.author.face},
          {"why", revision.author.why},
          {"editors", revision.author.editors},
          {"hash", fmt::format("{:016x}", revision.hash)},
          {"confirm_until", revision.confirm_until ? json(time_text(*revision.confirm_until)) : json()},
          {"changes", revision.changes},
          {"words", revision.words}};
}

std::optional<Revision> revision_from(const json& given) {
  if (!given.is_object()) return std::nullopt;
  const auto number = given.find("revision");
  const auto when = text(given, "when");
  const auto who = text(given, "who");
  const auto face = text(given, "face");
  const auto why = text(given, "why");
  const auto hash = text(given, "hash");
  const auto count = given.find("changes");
  const auto words = given.find("words");
  if (number == given.end() || !number->is_number_unsigned() || count == given.end() || !count->is_number_unsigned() ||
      words == given.end() || !words->is_array() || !when || !who || !face || !why || !hash) {
    return std::nullopt;
  }
  Revision revision{.number = number->get<std::uint64_t>(),
                    .when = {},
                    .author = {*who, *face, *why, texts(given, "editors")},
                    .hash = 0,
                    .confirm_until = {},
                    .words = {},
                    .changes = count->get<std::size_t>(),
                    .paths = {}};
  const auto time = parse_time(*when);
  const auto [stopped, error] = std::from_chars(hash->data(), hash->data() + hash->size(), revision.hash, 16);
  if (!time || error != std::errc{} || stopped != hash->data() + hash->size()) return std::nullopt;
  revision.when = *time;
  if (const auto until = text(given, "confirm_until")) revision.confirm_until = parse_time(*until);
  revision.words = texts(given, "words");
  if (const auto steps = given.find("steps"); steps != given.end()) revision.paths = paths_of(*steps);
  return revision;
}

std::vector<document::Path> paths_of(const json& steps) {
  if (!steps.is_array() || steps.size() > kPathsMax) return {document::Path{}};
  std::vector<document::Path> paths;
  for (const json& step : steps) {
    auto path = document::parse_path(text(step, "path").value_or(""));
    if (!path) continue;
    // What is renamed is looked for under its new name from then on.
    if (text(step, "change") == "renamed" && step["to"].is_array() && step["to"].size() == 1 && !path->empty() &&
        step["to"][0].is_string()) {
      path->back().word = step["to"][0].get<std::string>();
    }
    paths.push_back(std::move(*path));
  }
  return paths;
}

}  // namespace fulcrum::store
