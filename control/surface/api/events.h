// Live state as server-sent events (WHATWG HTML 9.2). A listener first gets everything about its topics, then, once a
// second, the rows that changed:
//
//   id: 17
//   event: farms
//   data: {"rows": [{"name": "shop", ...}], "removed": ["old"], "dataplane": {...}}
//
// There is no queue for a listener. A tick that finds it still busy with what it got before passes it by, and the next
// one tells what is true then; so a slow listener costs the memory of one message and misses states, never the last
// one. A listener whose session or token ended is shown out.
//
// The API's thread only.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "control/surface/api/news.h"
#include "control/surface/api/show_cache.h"
#include "control/surface/https/message.h"

namespace fulcrum::api {

inline constexpr std::array<const char*, 7> kTopics{"farms",  "servers", "drops", "version",
                                                    "alarms", "events",  "rates"};
inline constexpr const char* kTopicsUsual = "farms,servers,drops,version";

class Events {
 public:
  // `ask` brings what there is to say on a topic, in a list of the topic's name.
  using Ask = std::function<void(const std::string& topic, ShowCache::Done done)>;
  explicit Events(Ask ask) : ask_{std::move(ask)} {}

  static constexpr std::size_t per_account_max = 16;

  // `still_may` is asked at each tick. `account`: see listeners_of().
  void add(std::shared_ptr<https::Stream> stream, std::set<std::string> topics, std::string account,
           std::function<bool()> still_may);
  void tick();
  [[nodiscard]] std::size_t listeners() const { return listeners_.size(); }
  // So that one account does not take the places of all: with `per_account_max` it gets no more.
  [[nodiscard]] std::size_t listeners_of(const std::string& account) const;

 private:
  struct Listener {
    std::shared_ptr<https::Stream> stream;
    std::set<std::string> topics;
    std::string account;
    std::function<bool()> still_may;
    std::map<std::string, std::uint64_t> told;  // by topic: up to which version
    int quiet_ticks = 0;
  };
  // What was read from an answer, once for as long as the answer is the same one.
  struct Known {
    ShowCache::Shown shown;
    News news;
  };

  void tell();
  void forget();
  std::string message(Listener& listener, const std::string& topic, News& news);

  Ask ask_;
  std::uint64_t last_id_ = 0;
  std::list<Listener> listeners_;
  std::map<std::string, Known> known_;  // by topic
  bool asking_ = false;
};

}  // namespace fulcrum::api
