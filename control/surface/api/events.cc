#include "control/surface/api/events.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace fulcrum::api {
namespace {

using nlohmann::json;

constexpr int kQuietMax = 15;  // ticks, then a comment keeps middleboxes from forgetting the connection (WHATWG 9.2.7)
constexpr const char* kWholeKey = "";  // of what is no row

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

// What tells a row from its siblings.
std::string key_of(const std::string& topic, const json& row) {
  if (topic == "servers") {
    return row.value("farm", "") + "/" + row.value("name", "") + "/" + row.value("address", "") + "/" +
           row.value("protocol", "") + "/" + std::to_string(row.value("port", 0));
  }
  if (topic == "events") return std::to_string(row.value("number", 0));
  if (topic == "alarms") return row.value("object", "") + ": " + row.value("text", "");
  return row.contains("name") ? row.value("name", "") : row.value("reason", "");
}

}  // namespace

void Events::add(std::shared_ptr<https::Stream> stream, std::set<std::string> topics, std::function<bool()> still_may) {
  Listener listener;
  listener.stream = std::move(stream);
  listener.topics = std::move(topics);
  listener.still_may = std::move(still_may);
  listener.quiet_ticks = kQuietMax;  // so that the first tick says something, whatever there is
  listeners_.push_back(std::move(listener));
  tick();
}

std::vector<Events::Row> Events::rows_of(const std::string& topic, const json& shown) {
  std::vector<Row> rows;
  json whole = shown;
  const auto add = [&rows](std::string key, const json& value) {
    Row row{std::move(key), text_of(value), 0};
    row.hash = std::hash<std::string>{}(row.text);
    rows.push_back(std::move(row));
  };
  if (const auto list = whole.find(topic); list != whole.end() && list->is_array()) {
    for (json& row : *list) {
      row.erase("for_s");  // grows by itself; `since` says the same
      add(key_of(topic, row), row);
    }
    whole.erase(topic);
  }
  if (whole.contains("dataplane") && whole["dataplane"].is_object()) whole["dataplane"].erase("heartbeat_age_ms");
  add(kWholeKey, whole);
  return rows;
}

void Events::tick() {
  listeners_.remove_if([](const Listener& one) { return !one.stream->is_open() || !one.still_may(); });
  if (listeners_.empty()) known_.clear();
  if (listeners_.empty() || asking_) return;
  std::set<std::string> wanted;
  for (const Listener& listener : listeners_) wanted.insert(listener.topics.begin(), listener.topics.end());
  asking_ = true;
  auto open = std::make_shared<std::size_t>(wanted.size());
  for (const std::string& topic : wanted) {
    ask_(topic, [this, topic, open](const ShowCache::Shown& shown) {
      Known& known = known_[topic];
      if (known.shown != shown) known = {shown, rows_of(topic, *shown)};
      if (--*open != 0) return;
      asking_ = false;
      tell();
    });
  }
}

void Events::tell() {
  for (Listener& listener : listeners_) {
    if (!listener.stream->is_open() || !listener.stream->is_ready()) continue;
    std::string text;
    for (const std::string& topic : listener.topics) {
      if (const auto found = known_.find(topic); found != known_.end())
        text += message(listener, topic, found->second.rows);
    }
    if (text.empty() && ++listener.quiet_ticks < kQuietMax) continue;
    listener.quiet_ticks = 0;
    listener.stream->write(text.empty() ? ": nothing new\n\n" : std::move(text));
  }
}

std::string Events::message(Listener& listener, const std::string& topic, const std::vector<Row>& rows) {
  auto& told = listener.told[topic];
  std::map<std::string, std::size_t> now;
  std::string changed;
  std::string rest;
  for (const Row& row : rows) {
    now[row.key] = row.hash;
    const auto before = told.find(row.key);
    if (before != told.end() && before->second == row.hash) continue;
    if (row.key == kWholeKey)
      rest = row.text;
    else
      changed += (changed.empty() ? "" : ",") + row.text;
  }
  json removed = json::array();
  for (const auto& [key, hash] : told) {
    // What has happened stays so, also when it is no longer among the latest.
    if (now.count(key) == 0 && topic != "events") removed.push_back(key);
  }
  told = std::move(now);
  if (changed.empty() && rest.empty() && removed.empty()) return {};
  std::string data = "{\"rows\":[" + changed + "],\"removed\":" + text_of(removed);
  if (rest.size() > 2) data += "," + rest.substr(1, rest.size() - 2);
  return "id: " + std::to_string(++last_id_) + "\nevent: " + topic + "\ndata: " + data + "}\n\n";
}

}  // namespace fulcrum::api
