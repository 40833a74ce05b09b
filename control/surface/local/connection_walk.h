// `show connections`: reads the connection table in place, without stopping anybody, a bounded stretch per turn of the
// loop (the table may have a hundred million entries). A page is at most `limit` connections; "next" in the answer is
// the "offset" of the following page, null after the last. An offset is a place in the table, not a count of
// connections: connections come and go between two pages, but none that stays is missed or seen twice.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <memory>
#include <string>

#include "control/surface/local/view.h"

namespace fulcrum::surface {

struct ConnectionQuery {
  std::uint64_t offset = 0;
  std::size_t limit = 100;
  std::string farm, server;  // only these; empty: all

  static constexpr std::size_t limit_max = 1000;
};

class ConnectionWalk {
 public:
  static constexpr std::size_t entries_per_turn = 32768;  // 2 MiB; a fraction of a millisecond

  explicit ConnectionWalk(ConnectionQuery query);
  ~ConnectionWalk();
  // Reads on. True: finished, answer() is complete. The view must be of the same region in all turns; when it is not,
  // the walk ends.
  bool turn(const View& view);
  [[nodiscard]] nlohmann::json answer(const View& view) const;

 private:
  struct Page;
  bool wanted(const Snapshot& snapshot, const ConnectionEntry& entry) const;
  ConnectionQuery query_;
  std::uint64_t at_;
  std::uint64_t boot_id_ = 0;
  bool started_ = false, more_ = false;
  std::unique_ptr<Page> page_;
};

}  // namespace fulcrum::surface
