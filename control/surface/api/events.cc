#include "control/surface/api/events.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace fulcrum::api {
namespace {

using nlohmann::json;

constexpr int kQuietMax = 15;  // ticks, then a comment keeps middleboxes from forgetting the connection (WHATWG 9.2.7)

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

void read(News& news, const std::string& topic, const json& shown) {
  std::vector<News::Row> rows;
  json rest = json::object();
  for (const auto& [name, value] : shown.items()) {
    if (name != topic || !value.is_array()) {
      rest[name] = value;
      continue;
    }
    for (json row : value) {
      row.erase("for_s");  // grows by itself; `since` says the same
      rows.push_back({key_of(topic, row), text_of(row)});
    }
  }
  if (rest.contains("dataplane") && rest["dataplane"].is_object()) rest["dataplane"].erase("heartbeat_age_ms");
  // What has happened stays so, also when it is no longer among the latest.
  news.take(std::move(rows), text_of(rest), topic != "events");
}

}  // namespace

void Events::add(std::shared_ptr<https::Stream> stream, std::set<std::string> topics, std::string account,
                 std::function<bool()> still_may) {
  Listener listener;
  listener.stream = std::move(stream);
  listener.topics = std::move(topics);
  listener.account = std::move(account);
  listener.still_may = std::move(still_may);
  listener.quiet_ticks = kQuietMax;  // so that the first tick says something, whatever there is
  listeners_.push_back(std::move(listener));
  tick();
}

std::size_t Events::listeners_of(const std::string& account) const {
  return static_cast<std::size_t>(std::count_if(listeners_.begin(), listeners_.end(), [&](const Listener& one) {
    return one.account == account && one.stream->is_open();
  }));
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
      if (std::exchange(known.shown, shown) != shown) read(known.news, topic, *shown);
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
        text += message(listener, topic, found->second.news);
    }
    if (text.empty() && ++listener.quiet_ticks < kQuietMax) continue;
    listener.quiet_ticks = 0;
    listener.stream->write(text.empty() ? ": nothing new\n\n" : std::move(text));
  }
  forget();
}

// Of each topic what everybody has heard.
void Events::forget() {
  for (auto& [topic, known] : known_) {
    std::uint64_t heard = known.news.version();
    for (const Listener& listener : listeners_) {
      const auto told = listener.told.find(topic);
      if (told != listener.told.end()) heard = std::min(heard, told->second);
    }
    known.news.forget(heard);
  }
}

std::string Events::message(Listener& listener, const std::string& topic, News& news) {
  const std::string& data = news.since(std::exchange(listener.told[topic], news.version()));
  if (data.empty()) return {};
  return "id: " + std::to_string(++last_id_) + "\nevent: " + topic + "\ndata: " + data + "\n\n";
}

}  // namespace fulcrum::api
