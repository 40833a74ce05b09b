// `show connections` and `show persistence`: reads a table in place, without stopping anybody, a bounded stretch per
// turn of the loop (the table may have a hundred million entries). A page is at most `limit` entries; "next" in the
// answer is the "offset" of the following page, null after the last. An offset is a place in the table, not a count of
// entries: entries come and go between two pages, but none that stays is missed or seen twice.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <memory>
#include <vector>

#include "control/surface/local/entry_query.h"
#include "control/surface/local/view.h"

namespace fulcrum::surface {

class EntryWalk {
 public:
  // Of a turn: 2 MiB to read, or this many entries to put in words; a fraction of a millisecond.
  static constexpr std::size_t entries_per_turn = 32768;
  static constexpr std::size_t found_per_turn = 100;

  explicit EntryWalk(EntryQuery query);
  ~EntryWalk();
  // Reads on. True: finished, answer() is complete. The view must be of the same region in all turns; when it is not,
  // the walk ends.
  bool turn(const View& view);
  [[nodiscard]] nlohmann::json answer(const View& view) const;

 private:
  struct Page;
  void resolve(const Snapshot& snapshot);
  [[nodiscard]] bool is_wanted(const Snapshot& snapshot, const ConnectionEntry& entry) const;
  EntryQuery query_;
  std::vector<EntryFilter> filters_;
  std::uint64_t filters_generation_ = 0;
  std::uint64_t at_;
  std::uint64_t boot_id_ = 0;
  bool started_ = false, more_ = false;
  std::unique_ptr<Page> page_;
};

}  // namespace fulcrum::surface
