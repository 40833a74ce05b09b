// What the control loop has to say, asked for at most a few times a second however many clients want to know: answers
// are kept for a moment, and who asks while a question is under way gets the same answer. A question that takes the
// loop long is asked more rarely, so that all clients together cost the loop a few per cent of its time at most.
//
// The API's thread only.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fulcrum::api {

class ShowCache {
 public:
  using Shown = std::shared_ptr<const nlohmann::json>;
  using Done = std::function<void(Shown)>;
  // Brings a question to the control loop; `done` is called on this thread, with the time that the loop spent on it.
  using Ask = std::function<void(const std::string& what, std::function<void(Shown, std::chrono::nanoseconds)> done)>;
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  ShowCache(Ask ask, Clock clock) : ask_{std::move(ask)}, clock_{std::move(clock)} {}
  void get(const std::string& what, Done done);

 private:
  struct Entry {
    Shown shown;
    std::chrono::steady_clock::time_point good_until{};
    bool asking = false;
    std::vector<Done> waiting;
  };
  void take(const std::string& what, const Shown& shown, std::chrono::nanoseconds cost);

  Ask ask_;
  Clock clock_;
  std::map<std::string, Entry> entries_;
};

}  // namespace fulcrum::api
