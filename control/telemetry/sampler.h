// Reads the region's counters once a second and tells what was counted since. Only differences count, and only between
// two readings of the same thing: a row whose server is another one now, a counter that is smaller than before (the
// dataplane began anew) and a region that was not there before give nothing this time and are the beginning for the
// next. So no restart makes a spike; at most one second of a new server is missed.
//
// Which row belongs to which series is looked up once per generation of the snapshot, so that a reading is two passes
// over plain arrays: the time it takes grows with the rows in use and the workers (sampler_bench in sampler_test.cc).
//
// One thread. No clock, no system call.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "control/telemetry/series.h"
#include "dataplane/contract/region.h"

namespace fulcrum::telemetry {

class Sampler {
 public:
  // Longer pauses between two readings are a gap: what was counted in them belongs to no second.
  static constexpr std::int64_t gap_s = 10;

  // What was counted since the reading before; nothing for the first one, after a gap, in the same second, or without a
  // region. `time`: seconds since 1970.
  std::optional<Sample> read(const Region* region, const Snapshot* snapshot, std::int64_t time);

 private:
  struct Row {              // a reading of one counted thing
    std::uint64_t tag = 0;  // of what it is; 0: nothing was read yet
    Counts counts{};
  };
  struct Tally {
    const SeriesName* series = nullptr;
    Counts counts{};
  };
  std::size_t tally_of(Kind kind, std::string name);
  void assign_rows(const Region& region, const Snapshot& snapshot);
  void read_servers(const Region& region, const Snapshot& snapshot);
  void read_others(const Region& region);
  void take(Row& row, std::uint64_t tag, const Counts& now, std::size_t tally);

  std::map<SeriesName, std::size_t> known_;  // into tallies_
  std::vector<Tally> tallies_;               // of the reading under way
  // By server row: the tallies of its server and its farm.
  struct Owner {
    std::uint32_t server = 0, farm = 0;
    bool in_use = false;
  };
  std::vector<Owner> owners_;
  std::vector<Row> rows_;  // servers, then ports, workers, drops
  std::uint64_t generation_ = 0, boot_id_ = 0;
  std::int64_t read_at_ = 0;
};

}  // namespace fulcrum::telemetry
