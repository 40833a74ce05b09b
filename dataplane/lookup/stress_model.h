// What a connection table may answer, decided from a log of what several workers asked it at the same time.
//
// Every call is logged with a time before and a time after it, from one shared count. A connection is certainly there
// from the end of the insert that made it to the beginning of the removal that ended it, and possibly there from the
// beginning of the one to the end of the other. The model holds the table to:
// - no two connections of one key are certainly there at the same time;
// - a lookup misses only if no connection of the key was certainly there all the time;
// - whatever is found was possibly there, and has the key that was asked for;
// - each connection is removed at most once, and none that was never made.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace fulcrum::test {

using Moment = std::uint64_t;

// Names one life of one connection; it travels in the entry's server id.
using Token = std::uint32_t;

class Clock {
 public:
  // Relaxed, so that the clock orders nothing for ThreadSanitizer that the table does not.
  Moment tick() noexcept { return now_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<Moment> now_{1};
};

struct Event {
  enum class Kind : std::uint8_t { inserted, removed, found, missed } kind;
  std::uint32_t key = 0;
  Token token = 0;
  Moment begin = 0, end = 0;
};

class Model {
 public:
  Model(std::size_t keys, std::size_t tokens) : lives_(tokens), by_key_(keys) {}

  // The first breach of the rules, or empty.
  std::string judge(const std::vector<std::vector<Event>>& logs) {
    for (const auto& log : logs) {
      for (const Event& event : log) note_insert(event);
    }
    for (const auto& log : logs) {
      for (const Event& event : log) note_removal(event);
    }
    order_lives();
    for (const auto& log : logs) {
      for (const Event& event : log) check_answer(event);
    }
    return breach_;
  }
  [[nodiscard]] std::size_t lives() const { return count_; }

 private:
  static constexpr Moment kNever = std::numeric_limits<Moment>::max();
  struct Life {
    std::uint32_t key = UINT32_MAX;
    Moment made_begin = kNever, made_end = kNever, ended_begin = kNever, ended_end = kNever;
  };

  void breach(const char* what, const Event& event) {
    if (!breach_.empty()) return;
    breach_ = std::string{what} + ": key " + std::to_string(event.key) + ", token " + std::to_string(event.token) +
              ", from " + std::to_string(event.begin) + " to " + std::to_string(event.end);
  }
  void note_insert(const Event& event) {
    if (event.kind != Event::Kind::inserted) return;
    ++count_;
    Life& life = lives_[event.token];
    life.key = event.key;
    life.made_begin = event.begin;
    life.made_end = event.end;
  }
  void note_removal(const Event& event) {
    if (event.kind != Event::Kind::removed) return;
    if (event.token >= lives_.size() || lives_[event.token].key != event.key) return breach("removed a ghost", event);
    Life& life = lives_[event.token];
    if (life.ended_begin != kNever) return breach("removed twice", event);
    life.ended_begin = event.begin;
    life.ended_end = event.end;
  }
  void order_lives() {
    for (const Life& life : lives_) {
      if (life.key != UINT32_MAX && life.made_end < life.ended_begin) by_key_[life.key].push_back(life);
    }
    for (auto& lives : by_key_) {
      std::sort(lives.begin(), lives.end(), [](const Life& a, const Life& b) { return a.made_end < b.made_end; });
      for (std::size_t i = 1; i < lives.size(); ++i) {
        if (lives[i - 1].ended_begin > lives[i].made_end) {
          breach("two connections of one key",
                 {Event::Kind::inserted, lives[i].key, 0, lives[i - 1].made_end, lives[i].made_end});
        }
      }
    }
  }
  void check_answer(const Event& event) {
    if (event.kind == Event::Kind::found) {
      if (event.token >= lives_.size() || lives_[event.token].key != event.key) return breach("found another's", event);
      const Life& life = lives_[event.token];
      if (life.made_begin > event.end || life.ended_end < event.begin) breach("found what was not there", event);
    } else if (event.kind == Event::Kind::missed) {
      const auto& lives = by_key_[event.key];
      const auto after = std::lower_bound(lives.begin(), lives.end(), event.begin,
                                          [](const Life& life, Moment begin) { return life.made_end < begin; });
      if (after != lives.begin() && std::prev(after)->ended_begin > event.end) breach("missed what was there", event);
    }
  }

  std::vector<Life> lives_;                // by token
  std::vector<std::vector<Life>> by_key_;  // those that were certainly there for a while
  std::size_t count_ = 0;
  std::string breach_;
};

}  // namespace fulcrum::test
