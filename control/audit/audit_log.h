// The audit log: who did what from where, and what came of it. One line of JSON for each, only ever appended, each with
// the SHA-256 of the one before, so that a line cannot be changed, taken out or put in without breaking the chain from
// there on:
//
//   {"sequence":7,"time":"2026-07-24T11:57:03.120Z","who":"anna","face":"api","source":"192.0.2.7","action":"commit",
//    "object":"revision 12","result":"done","note":"","previous":"<64 hex digits>","hash":"<64 hex digits>"}
//
// The hash is over the bytes of the line before `,"hash"`. Beside the log stands its anchor, number and hash of the
// last record, so that an end which was cut off is noticed, also while nobody ran: the next start then goes on after
// the anchor, which leaves a gap for good, and says so in a record. Whoever can write both files could compute a new
// chain from some line on to the end: note the last hash elsewhere from time to time (verify() tells it), or send the
// log away.
//
// A line is on the disk before append() returns. A line that a crash cut short was never reported as written; it is
// taken off at the next start, and a record says so. The anchor follows the line and may be behind after a crash, never
// ahead. Files rotate by size; the chain goes on from file to file, and the oldest files go. State directory:
// audit.log, audit-<first sequence>.log, anchor.
//
// One thread at a time; each call waits for the disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/owned_fd.h"
#include "dataplane/base/result.h"

namespace fulcrum::audit {

struct Record {
  std::string who, face, source, action, object, result, note;
};

// What reading found. Sequences count from 1 for the life of the log.
struct Verdict {
  bool intact = false;
  std::uint64_t records = 0, first = 0, last = 0;
  std::string last_hash;
  std::string problem;  // where and what; empty when intact
};

class AuditLog {
 public:
  struct Limits {
    std::size_t file_max = 8U << 20U;  // bytes, after which a new one is begun
    std::size_t files_max = 32;        // with the current one
  };
  using Clock = std::function<std::chrono::system_clock::time_point()>;

  // Errors: cannot be read or written, or its last line is none of ours.
  static Result<AuditLog> open(const std::string& directory, Limits limits, Clock clock);

  // Long texts are cut to 1,000 bytes, what is no UTF-8 replaced. Errors: io; then it is not in the log, or its anchor
  // is not.
  Result<void> append(const Record& record);
  // Reads everything.
  [[nodiscard]] Verdict verify() const;
  // The lines with sequence below `before` (0: from the end), newest first, at most `limit`. As they are.
  [[nodiscard]] Result<std::vector<std::string>> read(std::uint64_t before, std::size_t limit) const;
  [[nodiscard]] std::uint64_t last() const { return last_; }

 private:
  AuditLog(std::string directory, Limits limits, Clock clock)
      : directory_{std::move(directory)}, limits_{limits}, clock_{std::move(clock)} {}
  struct Anchor {
    std::uint64_t sequence = 0;
    std::string hash;
  };
  [[nodiscard]] std::string current() const { return directory_ + "/audit.log"; }
  [[nodiscard]] std::string anchor_file() const { return directory_ + "/anchor"; }
  // Nothing: there is none, or it is none of ours.
  [[nodiscard]] std::optional<Anchor> anchor() const;
  Result<void> hold_to_anchor();
  Result<void> write_anchor();
  Result<void> append_own(const std::string& action, const std::string& note);
  [[nodiscard]] std::string end_problem(const Verdict& verdict) const;
  // Of rotated files, the oldest first, then the current one.
  [[nodiscard]] std::vector<std::string> names() const;
  Result<void> take_up();
  Result<std::size_t> mend(const std::string& text);
  Result<void> rotate();

  std::string directory_;
  Limits limits_;
  Clock clock_;
  OwnedFd file_, anchor_;
  std::size_t length_ = 0;
  std::uint64_t last_ = 0;
  std::string last_hash_;
};

}  // namespace fulcrum::audit
