// `fulcrum clear`: one worker's part of ending the entries that a filter names. It goes once through its share of the
// table, a bounded stretch per turn like the sweep, and then reports the number of entries it ended. Entries that come
// after the walk has passed their place stay.
#pragma once

#include <cstdint>

#include "dataplane/contract/messages.h"
#include "dataplane/contract/region.h"
#include "dataplane/lookup/tables.h"
#include "dataplane/schedule/server_rows.h"

namespace fulcrum {

class ClearJob {
 public:
  // What the job works on. Borrowed for one turn.
  struct Place {
    const Snapshot& snapshot;
    Tables& tables;
    ServerRows servers;  // this worker's rows
    WorkerId worker;
    TableStatus& status;
  };
  // Takes up a Command::clear, instead of what was under way.
  void begin(const Command& command, WorkerId worker, const Tables& tables) noexcept;
  [[nodiscard]] bool is_under_way() const noexcept { return request_ != 0; }
  // One stretch. Reports when it was the last.
  void turn(const Place& place) noexcept;

 private:
  std::uint64_t request_ = 0;  // 0: none
  Table table_{};
  EntryFilter filter_;
  std::uint32_t cursor_ = 0;
  std::size_t left_ = 0;
  std::uint64_t cleared_ = 0;
};

}  // namespace fulcrum
