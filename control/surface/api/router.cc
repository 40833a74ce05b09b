#include "control/surface/api/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "control/surface/api/schema.h"
#include "dataplane/base/settings_words.h"

namespace fulcrum::api {
namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

bool matches(const std::vector<std::string_view>& pattern, const std::vector<std::string_view>& path,
             std::map<std::string, std::string>& parameters) {
  if (pattern.size() != path.size()) return false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (!pattern[i].starts_with('{')) {
      if (pattern[i] != path[i]) return false;
      continue;
    }
    auto value = percent_decode(path[i]);
    if (!value || value->empty() || settings::printable(*value) != *value) return false;
    parameters[std::string{pattern[i].substr(1, pattern[i].size() - 2)}] = std::move(*value);
  }
  return true;
}

std::optional<std::int64_t> number_of(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string proposal_for(const Route& route, const std::string& wrong) {
  std::vector<std::string> known;
  for (const Query& one : route.query) known.push_back(one.name);
  return known.empty() ? "it takes none" : settings::proposal(wrong, known);
}

}  // namespace

std::string Call::text(const std::string& name, const std::string& otherwise) const {
  const auto found = query.find(name);
  return found == query.end() ? otherwise : found->second;
}

std::uint64_t Call::number(const std::string& name, std::uint64_t otherwise) const {
  const auto found = query.find(name);
  if (found == query.end()) return otherwise;
  return static_cast<std::uint64_t>(number_of(found->second).value_or(0));
}

bool Call::flag(const std::string& name, bool otherwise) const {
  const auto found = query.find(name);
  return found == query.end() ? otherwise : flag_of(found->second).value_or(otherwise);
}

Match Router::find(https::Method method, const std::string& path) const {
  Match match;
  if (method == https::Method::head) method = https::Method::get;
  const auto wanted = segments_of(path);
  for (const Route& route : routes_) {
    std::map<std::string, std::string> parameters;
    if (!matches(segments_of(route.pattern), wanted, parameters)) continue;
    match.allowed += (match.allowed.empty() ? "" : ", ") + std::string{https::word(route.method)};
    if (route.method != method || match.route != nullptr) continue;
    match.route = &route;
    match.parameters = std::move(parameters);
  }
  return match;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\0') return std::nullopt;
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned byte = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
    if (error != std::errc{} || end != text.data() + i + 3 || byte == 0) return std::nullopt;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos)
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

std::optional<std::map<std::string, std::string>> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = percent_decode(pair.substr(0, equals));
    auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value || !query.emplace(std::move(*name), std::move(*value)).second) return std::nullopt;
  }
  return query;
}

std::optional<bool> flag_of(std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

std::vector<Fault> check_query(const Route& route, const std::map<std::string, std::string>& query) {
  std::vector<Fault> faults;
  for (const Query& one : route.query) {
    if (one.is_required && query.count(one.name) == 0) faults.push_back({one.name, "is missing: " + one.help});
  }
  for (const auto& [name, value] : query) {
    const auto known =
        std::find_if(route.query.begin(), route.query.end(), [&](const Query& q) { return q.name == name; });
    if (known == route.query.end()) {
      faults.push_back({name, "is no query parameter of this operation; " + proposal_for(route, name)});
      continue;
    }
    const std::string type = known->schema.value("type", "string");
    nlohmann::json given = value;
    if (type == "integer") {
      const auto number = number_of(value);
      given = number ? nlohmann::json(*number) : nlohmann::json(value);
    }
    if (const auto flag = flag_of(value); type == "boolean" && flag) given = *flag;
    for (Fault& fault : check(known->schema, given, name)) faults.push_back(std::move(fault));
  }
  return faults;
}

}  // namespace fulcrum::api
