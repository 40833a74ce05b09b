#include "control/surface/api/news.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace fulcrum::api {

void News::take(std::vector<Row> rows, std::string rest, bool tells_removed) {
  const std::uint64_t next = version_ + 1;
  bool is_new = version_ == 0 || rest != rest_.text;
  if (is_new) rest_ = {std::move(rest), next};
  std::unordered_map<std::string, Kept> now;
  now.reserve(rows.size());
  std::vector<std::string> order;
  order.reserve(rows.size());
  for (Row& row : rows) {
    const auto before = rows_.find(row.key);
    const bool is_same = before != rows_.end() && before->second.text == row.text;
    is_new = is_new || !is_same;
    removed_.erase(row.key);
    order.push_back(row.key);
    now[std::move(row.key)] = {std::move(row.text), is_same ? before->second.changed : next};
  }
  for (const std::string& key : order_) {
    if (now.count(key) != 0) continue;
    is_new = true;
    if (tells_removed) removed_[key] = next;
  }
  rows_ = std::move(now);
  order_ = std::move(order);
  if (!is_new) return;
  version_ = next;
  texts_.clear();
}

const std::string& News::since(std::uint64_t version) {
  const auto [place, is_new] = texts_.try_emplace(version);
  if (is_new && version < version_) place->second = text_since(version);
  return place->second;
}

std::string News::text_since(std::uint64_t version) const {
  std::string changed;
  for (const std::string& key : order_) {
    const Kept& row = rows_.at(key);
    if (row.changed <= version) continue;
    if (!changed.empty()) changed += ',';
    changed += row.text;
  }
  nlohmann::json removed = nlohmann::json::array();
  for (const auto& [key, when] : removed_) {
    if (version != 0 && when > version) removed.push_back(key);
  }
  const bool has_rest = rest_.changed > version;
  // A row that went where nobody is told of it.
  if (changed.empty() && removed.empty() && !has_rest) return {};
  std::string text = "{\"rows\":[" + changed +
                     "],\"removed\":" + removed.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (has_rest && rest_.text.size() > 2) text += "," + rest_.text.substr(1, rest_.text.size() - 2);
  return text + "}";
}

void News::forget(std::uint64_t version) {
  std::erase_if(removed_, [version](const auto& one) { return one.second <= version; });
}

}  // namespace fulcrum::api
