// What is new on one topic of the live state (events.h), for however many who listen: rows are compared once with those
// before, each remembers in which version it changed last, and the text of what came after a version is made once for
// all who have heard up to there. So one listener more costs its bytes and nothing else.
//
// Versions count from 1; who has heard nothing yet is at 0 and gets everything. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace fulcrum::api {

class News {
 public:
  struct Row {
    std::string key, text;  // what tells it from its siblings; JSON
  };

  // The topic as it is now. `rest`: an object of JSON with what is no row. What is gone is told when `tells_removed`.
  void take(std::vector<Row> rows, std::string rest, bool tells_removed);
  [[nodiscard]] std::uint64_t version() const { return version_; }
  // {"rows": [...], "removed": [...], ...} of what has changed after that version; empty: nothing.
  [[nodiscard]] const std::string& since(std::uint64_t version);
  // Nobody will ask for what came up to this version.
  void forget(std::uint64_t version);

 private:
  struct Kept {
    std::string text;
    std::uint64_t changed = 0;
  };
  [[nodiscard]] std::string text_since(std::uint64_t version) const;

  std::uint64_t version_ = 0;
  std::vector<std::string> order_;  // keys, as they came
  std::unordered_map<std::string, Kept> rows_;
  std::map<std::string, std::uint64_t> removed_;  // in which version
  Kept rest_;
  std::map<std::uint64_t, std::string> texts_;  // by the version they begin at; of the present one only
};

}  // namespace fulcrum::api
