#include "control/telemetry/history.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

namespace fulcrum::telemetry {
namespace {

constexpr int kVersion = 1;
constexpr std::int64_t kDay = 86'400;
constexpr int kPageBytes = 4096;

constexpr const char* kLayout =
    "CREATE TABLE IF NOT EXISTS series(id INTEGER PRIMARY KEY, kind INTEGER, name TEXT, seen INTEGER,"
    " UNIQUE(kind, name));"
    "CREATE TABLE IF NOT EXISTS spans(tier INTEGER, kind INTEGER, slot INTEGER, begin INTEGER, seconds INTEGER,"
    " data BLOB, UNIQUE(tier, kind, slot));";

std::int64_t floor_to(std::int64_t time, std::int64_t step) { return time - time % step; }

using Blob = std::vector<unsigned char>;

void put(Blob& blob, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) blob.push_back(static_cast<unsigned char>(value | 0x80U));
  blob.push_back(static_cast<unsigned char>(value));
}

// Integers of a blob, one after the other; 0 behind its end.
class BlobReader {
 public:
  BlobReader(const void* bytes, int size)
      : at_{static_cast<const unsigned char*>(bytes)}, end_{at_ == nullptr ? nullptr : at_ + size} {}
  [[nodiscard]] bool empty() const { return at_ == end_; }
  std::uint64_t take() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; at_ != end_ && shift < 64; shift += 7) {
      const unsigned char byte = *at_++;
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) break;
    }
    return value;
  }

 private:
  const unsigned char* at_;
  const unsigned char* end_;
};

}  // namespace

// A prepared statement; columns and parameters count as in SQLite.
struct History::Statement {
  Statement(sqlite3* database, const char* text) { sqlite3_prepare_v2(database, text, -1, &statement, nullptr); }
  ~Statement() { sqlite3_finalize(statement); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement& bind(int index, std::int64_t value) {
    sqlite3_bind_int64(statement, index, value);
    return *this;
  }
  Statement& bind(int index, const std::string& text) {
    sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& bind(int index, const Blob& blob) {
    sqlite3_bind_blob(statement, index, blob.data(), static_cast<int>(blob.size()), SQLITE_TRANSIENT);
    return *this;
  }
  [[nodiscard]] bool row() { return statement != nullptr && sqlite3_step(statement) == SQLITE_ROW; }
  [[nodiscard]] bool done() { return statement != nullptr && sqlite3_step(statement) == SQLITE_DONE; }
  [[nodiscard]] std::int64_t number(int column) { return sqlite3_column_int64(statement, column); }
  [[nodiscard]] std::string text(int column) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
    return bytes == nullptr ? "" : bytes;
  }
  [[nodiscard]] BlobReader blob(int column) {
    const void* bytes = sqlite3_column_blob(statement, column);
    return {bytes, sqlite3_column_bytes(statement, column)};
  }
  sqlite3_stmt* statement = nullptr;
};

Result<std::unique_ptr<History>> History::open(const std::string& file) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path{file}.parent_path(), ignored);
  auto history = std::unique_ptr<History>{new History};
  history->file_ = file;
  auto prepared = history->prepare(file);
  if (!prepared && prepared.error().code == Error::Code::invalid) {
    sqlite3_close(std::exchange(history->database_, nullptr));
    history->notice_ = put_aside(file, prepared.error());
    history->series_.clear();
    prepared = history->prepare(file);
  }
  if (!prepared) return tl::unexpected<Error>{prepared.error()};
  return history;
}

std::string History::put_aside(const std::string& file, const Error& why) {
  std::rename(file.c_str(), (file + ".old").c_str());
  for (const char* part : {"-wal", "-shm"}) std::remove((file + part).c_str());
  return why.words() + ": begun anew, the old file is " + file + ".old";
}

History::~History() {
  if (database_ == nullptr) return;
  static_cast<void>(flush());
  sqlite3_close(database_);
}

tl::unexpected<Error> History::error(const char* doing) const {
  const int code = sqlite3_errcode(database_) & 0xFF;
  const bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  return fail(damaged ? Error::Code::invalid : Error::Code::io, file_,
              fmt::format("cannot {}: {}", doing, sqlite3_errmsg(database_)));
}

Result<void> History::run(const char* text) {
  if (sqlite3_exec(database_, text, nullptr, nullptr, nullptr) != SQLITE_OK) return error("write the history");
  return {};
}

Result<void> History::prepare(const std::string& file) {
  if (sqlite3_open_v2(file.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                      nullptr) != SQLITE_OK) {
    return error("open the history");
  }
  const std::string limits = fmt::format(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA max_page_count={};"
      "PRAGMA journal_size_limit=16777216;",
      bytes_max / kPageBytes);
  if (auto set = run(limits.c_str()); !set) return set;
  std::int64_t version = -1;
  {
    Statement ask{database_, "PRAGMA user_version"};
    if (ask.row()) version = ask.number(0);
  }
  if (version != 0 && version != kVersion) {
    return fail(Error::Code::invalid, file, fmt::format("the history has version {}, not {}", version, kVersion));
  }
  if (auto made = run(kLayout); !made) return made;
  if (auto set = run(fmt::format("PRAGMA user_version={}", kVersion).c_str()); !set) return set;
  return load();
}

Result<void> History::load() {
  Statement all{database_, "SELECT id, kind, name, seen FROM series"};
  while (all.row()) {
    if (all.number(1) < 0 || all.number(1) >= static_cast<std::int64_t>(kKindNames.size())) continue;
    series_[{static_cast<Kind>(all.number(1)), all.text(2)}] = {.id = all.number(0), .seen = all.number(3)};
  }
  if (sqlite3_errcode(database_) != SQLITE_DONE) return error("read the history");
  // The one that was written last, whatever the clock said then: replacing a row gives it a new rowid.
  Statement newest{database_, "SELECT begin FROM spans WHERE tier = 0 ORDER BY rowid DESC LIMIT 1"};
  if (newest.row()) newest_ = newest.number(0);
  return sqlite3_errcode(database_) == SQLITE_ROW || sqlite3_errcode(database_) == SQLITE_DONE
             ? Result<void>{}
             : error("read the history");
}

Result<std::int64_t> History::id_of(const SeriesName& name, std::int64_t time) {
  const auto known = series_.find(name);
  if (known != series_.end() && time - known->second.seen < kDay) return known->second.id;
  if (known == series_.end() && series_.size() >= series_max) {
    return fail(Error::Code::limit, file_, "too many series: new ones are not recorded");
  }
  Statement put{database_,
                "INSERT INTO series(kind, name, seen) VALUES(?1, ?2, ?3)"
                " ON CONFLICT(kind, name) DO UPDATE SET seen = ?3 RETURNING id"};
  if (!put.bind(1, static_cast<int>(name.kind)).bind(2, name.name).bind(3, time).row()) return error("add a series");
  const std::int64_t id = put.number(0);
  if (!put.done()) return error("add a series");
  series_[name] = {.id = id, .seen = time};
  return id;
}

Result<void> History::rename_one(const SeriesName& from, const SeriesName& to) {
  const auto known = series_.find(from);
  if (known == series_.end()) return {};
  if (const auto before = series_.find(to); before != series_.end()) {
    const SeriesName aside{to.kind, fmt::format("{} ({})", to.name, before->second.id)};
    if (auto done = rename_one(to, aside); !done) return done;
  }
  Statement put{database_, "UPDATE series SET name = ?2 WHERE id = ?1"};
  if (!put.bind(1, known->second.id).bind(2, to.name).done()) return error("rename a series");
  auto node = series_.extract(known);
  node.key() = to;
  series_.insert(std::move(node));
  return {};
}

Result<void> History::rename(const SeriesName& from, const std::string& to) {
  std::vector<std::pair<SeriesName, SeriesName>> renames{{from, {from.kind, to}}};
  for (const auto& [name, known] : series_) {
    if (from.kind != Kind::farms || name.kind != Kind::servers || !name.name.starts_with(from.name + "/")) continue;
    renames.emplace_back(name, SeriesName{Kind::servers, to + name.name.substr(from.name.size())});
  }
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
  const auto before = series_;
  Result<void> done;
  for (const auto& [one, name] : renames) {
    if (done) done = rename_one(one, name);
  }
  if (done) done = run("COMMIT");
  if (done) return done;
  series_ = before;
  static_cast<void>(run("ROLLBACK"));
  return done;
}

// Names that nothing was counted for any more, not even in the oldest rows. The rows say which these are and not the
// clock: it may have jumped over years for a moment, and a name that is gone gives its number to another.
Result<void> History::forget_old() {
  Statement oldest{database_, "SELECT min(begin) FROM spans"};
  if (!oldest.row()) return error("look for old series");
  const std::int64_t before = oldest.number(0) - kDay;  // `seen` is at most that old
  Statement drop{database_, "DELETE FROM series WHERE seen < ?1"};
  if (!drop.bind(1, before).done()) return error("forget old series");
  std::erase_if(series_, [&](const auto& known) { return known.second.seen < before; });
  return {};
}

// A reading that came late stands for several seconds: each of them gets its share.
Result<void> History::add(const Sample& sample) {
  Result<void> entered;
  for (std::uint32_t i = 0; i < sample.seconds; ++i) {
    const std::int64_t begin = sample.time - sample.seconds + i;
    if (newest_ != 0 && floor_to(newest_, kTiers[1].step_s) != floor_to(begin, kTiers[1].step_s)) {
      written_ = write_all(begin);
      if (!written_) seconds_.clear();
    }
    newest_ = begin;
    if (auto done = enter(sample, i); !done) entered = done;
  }
  return written_ ? entered : written_;
}

Result<void> History::enter(const Sample& sample, std::uint32_t number) {
  auto& kinds = seconds_[newest_];
  // Where the clock went back, the second that comes again takes the place of the one before.
  kinds.fill(Span{.seconds = 1, .cells = {}});
  Result<void> all;
  for (const Sample::Entry& entry : sample.entries) {
    const auto id = id_of(*entry.series, sample.time);
    if (!id) {
      all = tl::unexpected<Error>{id.error()};
      continue;
    }
    Cell& cell = kinds[static_cast<std::size_t>(entry.series->kind)].cells[*id];
    for (std::size_t c = 0; c < kColumns; ++c) {
      // The first ones get what does not divide.
      cell.sums[c] = entry.counts[c] / sample.seconds + (number < entry.counts[c] % sample.seconds ? 1U : 0U);
    }
    cell.most = cell.sums;
  }
  return all;
}

Result<void> History::flush() { return seconds_.empty() ? Result<void>{} : write_all(newest_); }

// Writes the seconds in memory and makes the coarser spans that are over at `until`, all or nothing.
Result<void> History::write_all(std::int64_t until) {
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
  const auto all = [&]() -> Result<void> {
    for (const auto& [begin, kinds] : seconds_) {
      for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
        if (auto written = write(0, begin, kind, kinds[kind]); !written) return written;
      }
    }
    for (std::size_t tier = 1; tier < kTiers.size(); ++tier) {
      const std::int64_t begin = floor_to(newest_, kTiers[tier].step_s);
      if (begin == floor_to(until, kTiers[tier].step_s)) break;
      if (auto closed = close_span(tier, begin); !closed) return closed;
    }
    if (floor_to(newest_, kDay) != floor_to(until, kDay)) return forget_old();
    return {};
  };
  auto written = all();
  if (written) written = run("COMMIT");
  if (!written) {
    static_cast<void>(run("ROLLBACK"));
    return written;
  }
  seconds_.clear();
  return {};
}

Result<void> History::write(std::size_t tier, std::int64_t begin, std::size_t kind, const Span& span) {
  Blob blob;
  std::int64_t before = 0;
  for (const auto& [id, cell] : span.cells) {
    put(blob, static_cast<std::uint64_t>(id - before));
    before = id;
    for (const std::uint64_t sum : cell.sums) put(blob, sum);
    for (std::size_t c = 0; c < kColumns && tier != 0; ++c) put(blob, cell.most[c]);
  }
  Statement statement{database_,
                      "INSERT OR REPLACE INTO spans(tier, kind, slot, begin, seconds, data)"
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6)"};
  const bool written = statement.bind(1, static_cast<std::int64_t>(tier))
                           .bind(2, static_cast<std::int64_t>(kind))
                           .bind(3, begin / kTiers[tier].step_s % kTiers[tier].slots)
                           .bind(4, begin)
                           .bind(5, std::int64_t{span.seconds})
                           .bind(6, blob)
                           .done();
  return written ? Result<void>{} : error("write a span");
}

Result<void> History::read(std::size_t tier, std::size_t kind, std::int64_t from, std::int64_t to,
                           const Visit& visit) const {
  Statement rows{database_,
                 "SELECT begin, seconds, data FROM spans WHERE tier = ?1 AND kind = ?2 AND begin >= ?3 AND begin < ?4"
                 " ORDER BY begin"};
  rows.bind(1, static_cast<std::int64_t>(tier)).bind(2, static_cast<std::int64_t>(kind)).bind(3, from).bind(4, to);
  while (rows.row()) {
    Span span{.seconds = static_cast<std::uint32_t>(rows.number(1)), .cells = {}};
    std::int64_t id = 0;
    for (BlobReader blob = rows.blob(2); !blob.empty();) {
      id += static_cast<std::int64_t>(blob.take());
      Cell& cell = span.cells[id];
      for (std::uint64_t& sum : cell.sums) sum = blob.take();
      if (tier == 0) cell.most = cell.sums;
      for (std::size_t c = 0; c < kColumns && tier != 0; ++c) cell.most[c] = blob.take();
    }
    visit(rows.number(0), span);
  }
  return sqlite3_errcode(database_) == SQLITE_DONE ? Result<void>{} : error("read the history");
}

Result<void> History::close_span(std::size_t tier, std::int64_t begin) {
  for (std::size_t kind = 0; kind < kKindNames.size(); ++kind) {
    Span whole;
    const auto add = [&](std::int64_t, const Span& part) {
      whole.seconds += part.seconds;
      for (const auto& [id, cell] : part.cells) {
        Cell& sum = whole.cells[id];
        for (std::size_t c = 0; c < kColumns; ++c) {
          sum.sums[c] += cell.sums[c];
          sum.most[c] = std::max(sum.most[c], cell.most[c]);
        }
      }
    };
    if (auto done = read(tier - 1, kind, begin, begin + kTiers[tier].step_s, add); !done) return done;
    if (whole.seconds == 0) continue;
    if (auto done = write(tier, begin, kind, whole); !done) return done;
  }
  return {};
}

Result<std::vector<HistoryPoint>> History::query(const HistoryQuery& query) {
  const auto tier = std::find_if(kTiers.begin(), kTiers.end(), [&](const Tier& t) { return t.step_s == query.step_s; });
  if (tier == kTiers.end()) return fail(Error::Code::invalid, "step", "is 1, 60 or 900 seconds");
  const auto known = series_.find(query.series);
  if (known == series_.end()) {
    return fail(Error::Code::not_found, "name",
                fmt::format("\"{}\" was never measured; the rates of the last second list what is", query.series.name));
  }
  // By time: where the clock went back, what is in memory takes the place of what is on disk.
  std::map<std::int64_t, HistoryPoint> points;
  const auto see = [&](std::int64_t begin, const Span& span) {
    HistoryPoint& point = points[begin];
    point = {.time = begin, .rates = {}};
    const auto cell = span.cells.find(known->second.id);
    if (cell == span.cells.end() || span.seconds == 0) return;
    for (std::size_t c = 0; c < kColumns; ++c) {
      point.rates[c] = query.function == Function::maximum
                           ? static_cast<double>(cell->second.most[c])
                           : static_cast<double>(cell->second.sums[c]) / static_cast<double>(span.seconds);
    }
  };
  const auto kind = static_cast<std::size_t>(query.series.kind);
  const auto number = static_cast<std::size_t>(tier - kTiers.begin());
  if (auto done = read(number, kind, query.from, query.to, see); !done) return tl::unexpected<Error>{done.error()};
  for (auto at = seconds_.lower_bound(query.from); number == 0 && at != seconds_.end() && at->first < query.to; ++at) {
    see(at->first, at->second[kind]);
  }
  std::vector<HistoryPoint> in_order;
  in_order.reserve(points.size());
  for (const auto& [begin, point] : points) in_order.push_back(point);
  return in_order;
}

}  // namespace fulcrum::telemetry
