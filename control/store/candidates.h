// Candidates, and where they lie on the disk, so that neither a restart nor a crash of the program takes anybody's work
// with it:
//
//   <directory>/candidates/anna.json   who works on it, on which revision, and the changes to that revision
//
// A file is replaced with each edit, before the edit is answered, but nobody waits for the disk: a power cut may damage
// one, which is then set aside and told. Whoever is killed between a commit and the removal of
// its candidate leaves a file that says what is in force already: it is removed at the next start.
//
// One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/document/document.h"
#include "control/store/history.h"

namespace fulcrum::store {

// When a candidate is to be committed without anybody being there, and for whom.
struct Schedule {
  Time at;
  Author author{};
  std::optional<std::chrono::seconds> confirm_within{};
  std::string refused{};  // why it was not committed when it was due; empty: it is still to come
};

struct Candidate {
  std::string name;
  std::string who;         // opened it, and owns it
  std::uint64_t base = 0;  // revision
  Time opened, changed;
  document::Document base_document, document;
  std::set<std::string> editors{};  // who has changed something in it
  std::optional<Schedule> schedule{};

  [[nodiscard]] bool is_scheduled() const { return schedule && schedule->refused.empty(); }
};

class CandidateShelf {
 public:
  // Of the directory of a history; nothing is read or made yet.
  explicit CandidateShelf(std::string directory);

  // One with a schedule survives a power cut from then on. Errors: io; the file is as it was then.
  Result<void> keep(const Candidate& candidate) const;
  // Also when there is none. What was to be committed by itself does not come back after a power cut.
  void drop(const Candidate& candidate) const;

  struct Found {
    std::map<std::string, Candidate> candidates;  // by name
    std::vector<std::string> lost;                // what cannot be gone on with, in words; its file is set aside
  };
  [[nodiscard]] Found read(const History& history) const;

 private:
  [[nodiscard]] std::string file_of(const std::string& name) const;

  std::string directory_;
};

}  // namespace fulcrum::store
