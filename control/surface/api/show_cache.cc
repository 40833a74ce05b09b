#include "control/surface/api/show_cache.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace fulcrum::api {
namespace {

constexpr std::chrono::nanoseconds kKeptMin = std::chrono::milliseconds{250};
constexpr int kShare = 50;  // of the loop's time at most one part of so many, for each kind of question

}  // namespace

void ShowCache::get(const std::string& what, Done done) {
  Entry& entry = entries_[what];
  if (entry.shown != nullptr && clock_() < entry.good_until) return done(entry.shown);
  entry.waiting.push_back(std::move(done));
  if (std::exchange(entry.asking, true)) return;
  ask_(what, [this, what](const Shown& shown, std::chrono::nanoseconds cost) { take(what, shown, cost); });
}

void ShowCache::take(const std::string& what, const Shown& shown, std::chrono::nanoseconds cost) {
  Entry& entry = entries_[what];
  entry.shown = shown;
  entry.good_until = clock_() + std::max(kKeptMin, cost * kShare);
  entry.asking = false;
  for (const Done& done : std::exchange(entry.waiting, {})) done(shown);
}

}  // namespace fulcrum::api
