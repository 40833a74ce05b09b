// The past of all series on disk, in a size that does not grow: SQLite used as a ring. Three tiers:
//
//   1 s for an hour, 1 min for a day, 15 min for 30 days
//
// A row is one span of one kind of series: what each of them counted, and in coarser tiers also the most that it
// counted in one second, as a blob of small integers in which series that counted nothing take no room. The row's slot
// is its time modulo the length of its tier's ring, so a new row takes the place of the one that is a lap older, and
// there are at most 39,600 of them. Sums are exact: a coarser row is made from the finer rows of its span when the span
// is over, also after a restart. A row knows for how many of its seconds there was something to count, so that gaps do
// not lower rates.
//
// Seconds are kept in memory and written once a minute, in one transaction: a killed process loses at most that minute,
// and never more (write-ahead log, synchronous=NORMAL), and flash is not worn by a write each second. The file is
// limited to `bytes_max`; where 16,000 servers are busy all the time 1 s needs about 0.8 GB of it and all tiers
// together 2.4 GB, 40 series need 10 MB.
//
// SQLite rather than librrd: one file and one transaction instead of 17,000 files, known not to tear, and public domain
// where librrd is GPL-2. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/telemetry/series.h"
#include "dataplane/base/result.h"

struct sqlite3;

namespace fulcrum::telemetry {

struct Tier {
  std::int64_t step_s;  // each is a multiple of the one before
  std::int64_t slots;
};
inline constexpr std::array<Tier, 3> kTiers{{{1, 3600}, {60, 1440}, {900, 2880}}};

enum class Function : std::uint8_t { average = 0, maximum = 1 };

struct HistoryQuery {
  SeriesName series;
  std::int64_t from = 0, to = 0;  // seconds since 1970; spans that begin in [from, to)
  std::int64_t step_s = 1;        // 1, 60 or 900
  Function function = Function::average;
};

// Per second. A span without a point is a gap.
struct HistoryPoint {
  std::int64_t time = 0;  // the span's begin
  std::array<double, kColumns> rates{};
};

class History {
 public:
  static constexpr std::uint64_t bytes_max = 4ULL << 30U;
  static constexpr std::size_t series_max = 65'536;

  // Opens the file, made when missing; one that is damaged or of another version is put aside as FILE.old and begun
  // anew, which `notice` then says. Errors: the directory cannot be used.
  static Result<std::unique_ptr<History>> open(const std::string& file);
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // Moves a file that turned out to be damaged, and is not open any more, to FILE.old. A sentence that says so.
  static std::string put_aside(const std::string& file, const Error& why);

  // Takes a sample; writes when a minute is full. Where the clock goes back, what is counted then takes the place of
  // what was counted at that time before. Errors: the minute before was not written (disk full) and is lost, which is
  // said until one is; `invalid`: the file is damaged; `limit`: what is new is not recorded.
  Result<void> add(const Sample& sample);
  // A farm, with its servers, or a server goes by another name, and its past with it. What had that name before gets
  // its number behind its name. Errors: nothing was renamed.
  Result<void> rename(const SeriesName& from, const std::string& to);
  // Writes what is in memory.
  Result<void> flush();
  // Also what is in memory. Errors: no such series, no such step.
  Result<std::vector<HistoryPoint>> query(const HistoryQuery& query);
  [[nodiscard]] const std::string& notice() const { return notice_; }

 private:
  struct Statement;
  struct Cell {
    Counts sums{};
    Counts most{};  // in one second
  };
  using Cells = std::map<std::int64_t, Cell>;  // by id of the series
  struct Span {                                // of one kind
    std::uint32_t seconds = 0;                 // that were measured
    Cells cells;
  };
  History() = default;
  Result<void> prepare(const std::string& file);
  Result<void> load();
  Result<void> run(const char* text);
  [[nodiscard]] tl::unexpected<Error> error(const char* doing) const;
  Result<void> rename_one(const SeriesName& from, const SeriesName& to);
  Result<std::int64_t> id_of(const SeriesName& name, std::int64_t time);
  Result<void> enter(const Sample& sample, std::uint32_t number);
  Result<void> write_all(std::int64_t until);
  Result<void> write(std::size_t tier, std::int64_t begin, std::size_t kind, const Span& span);
  Result<void> close_span(std::size_t tier, std::int64_t begin);
  // Shows the rows of the kind that begin in [from, to), oldest first.
  using Visit = std::function<void(std::int64_t begin, const Span& span)>;
  Result<void> read(std::size_t tier, std::size_t kind, std::int64_t from, std::int64_t to, const Visit& visit) const;
  Result<void> forget_old();

  sqlite3* database_ = nullptr;
  std::string file_, notice_;
  struct Known {
    std::int64_t id = 0, seen = 0;
  };
  std::map<SeriesName, Known> series_;
  std::map<std::int64_t, std::array<Span, kKindNames.size()>> seconds_;  // by begin; not written yet
  std::int64_t newest_ = 0;                                              // begin of the second that was entered last
  Result<void> written_{};                                               // the last minute
};

}  // namespace fulcrum::telemetry
