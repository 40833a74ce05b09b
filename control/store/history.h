// The revisions of a configuration, on disk. Each commit is one file that says who changed what, when, from where and
// why, with old and new values; so a difference can be read, undone, and followed back to any earlier revision.
//
//   <directory>/revisions/00000042.json   one revision, as changes to the one before
//   <directory>/checkpoint-00000041.cfg   a whole configuration, in the language of fulcrum.cfg
//   <directory>/confirmed.json            the newest revision that was committed for a time and then confirmed
//   <directory>/lock                      held by the process that writes here
//
// The one moment at which a revision comes to be is the rename of its file: whoever is killed before has changed
// nothing, whoever is killed after has changed everything. Checkpoints only shorten the way: the configuration is the
// newest checkpoint with the changes since. They are written when there is time. The two newest are kept, so that one
// that the disk has damaged takes nothing with it. A damaged revision takes those with it that it leads to: what is in
// force then is the newest that can be reached, and the others are set aside and told.
//
// What another release has written may name settings that are no more. Then the way back ends there, in words.
//
// One thread. Calls that write wait for the disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "control/document/compare.h"
#include "control/document/document.h"
#include "dataplane/base/owned_fd.h"
#include "dataplane/base/result.h"

namespace fulcrum::store {

using Time = std::chrono::system_clock::time_point;

// Who asks for a change, and how.
struct Author {
  std::string who;   // an account, or the user at the console
  std::string face;  // "cli", "api", "gui", "lcd", "file" (edited by hand), "timer" (not confirmed in time)
  std::string why;   // in the author's words; may be empty
  std::vector<std::string> editors{};  // who made the changes, where others than `who` did
};

struct Revision {
  std::uint64_t number = 0;  // from 1
  Time when;
  Author author;
  std::uint64_t hash = 0;             // of the document
  std::optional<Time> confirm_until;  // committed for a time only
  std::vector<std::string> words;     // what it changed, at most kWordsMax lines
  std::size_t changes = 0;            // how many changes there are
  std::vector<document::Path> paths;  // of what it changed; the empty path alone where that was too much to remember
};

inline constexpr std::size_t kRevisionsMax = 1000;
inline constexpr std::size_t kWordsMax = 20;
inline constexpr std::size_t kPathsMax = 200;

class History {
 public:
  // Opens or makes the directory, takes its lock and finds the newest revision. Errors: another process holds it
  // (conflict), the directory cannot be used (io).
  static Result<History> open(std::string directory, document::Document::Shape shape);
  // Whether there is one with a revision in it. Takes no lock and makes nothing.
  static bool exists(const std::string& directory);

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] bool empty() const { return revisions_.empty(); }
  // Not of an empty history.
  [[nodiscard]] const Revision& newest() const { return revisions_.back(); }
  [[nodiscard]] const document::Document& current() const { return current_; }
  // The oldest first.
  [[nodiscard]] const std::deque<Revision>& revisions() const { return revisions_; }
  // What was found damaged and left out, in words; empty: nothing.
  [[nodiscard]] const std::vector<std::string>& damage() const { return damage_; }

  // Errors: there is no such revision (not_found), the way back to it is broken (conflict).
  [[nodiscard]] document::Answer<document::Document> document(std::uint64_t number) const;
  // What the revision changed; none for the first. Errors as above.
  [[nodiscard]] document::Answer<std::vector<document::Change>> changes(std::uint64_t number) const;

  // The newest revision, `upto` or older, that changed what is at the path, something in it, or what it is in. Nothing
  // when that is too long ago.
  [[nodiscard]] std::optional<std::uint64_t> changed_by(const document::Path& path, std::uint64_t upto) const;

  // The next revision. On the disk when it returns. Errors: io; nothing has changed then.
  Result<Revision> append(const document::Document& next, Author author, Time now,
                          std::optional<Time> confirm_until = {});
  // Comments differ, nothing else. For the next checkpoint.
  void adopt_remarks(document::Document current);

  // The newest revision was committed for a time and is not confirmed yet: until when.
  [[nodiscard]] std::optional<Time> awaits_confirmation() const;
  Result<void> confirm();

  // Writes the current configuration down as a whole, unless it is.
  Result<void> checkpoint();

 private:
  History(std::string directory, document::Document::Shape shape);
  [[nodiscard]] std::string revision_file(std::uint64_t number) const;
  [[nodiscard]] std::string checkpoint_file(std::uint64_t number) const;
  void read();
  std::optional<std::uint64_t> read_revisions(std::uint64_t upto);
  void read_confirmed();
  void tell_damage(std::uint64_t number, const char* what);
  void set_aside(std::uint64_t number) const;
  void find_current(const std::vector<std::uint64_t>& checkpoints);
  [[nodiscard]] std::optional<document::Document> follow(document::Document from, std::uint64_t number) const;
  [[nodiscard]] const Revision* find(std::uint64_t number) const;
  Result<void> prune();

  std::string directory_;
  document::Document::Shape shape_;
  document::Document current_;
  std::deque<Revision> revisions_;
  std::uint64_t confirmed_ = 0, checkpoint_ = 0, checkpoint_before_ = 0, highest_ = 0;
  bool checkpoint_is_stale_ = false;
  std::vector<std::string> damage_;
  OwnedFd lock_;
};

}  // namespace fulcrum::store
