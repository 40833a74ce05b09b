// fulcrum.cfg and the history: what the one means for the other.
//
// The history rules. The file is where a box gets its first configuration, and it is one of the faces afterwards:
//   - each commit writes it anew, canonically, with the comments it had;
//   - who edits it by hand and sends SIGHUP (or starts the program) commits what it says, as a revision of the face
//     "file". A file with a problem is refused as a whole, and the newest revision stays in force;
//   - its first line names the revision that it was. What somebody edits in an older text is a change to that revision,
//     as in a candidate: it is carried over to the newest, or refused where others have committed a change to the same.
//     A text without that line says all there shall be;
//   - a file that nobody has edited since the last commit says nothing: the newest revision is in force, also when the
//     program was killed between a commit and the file.
// Whether somebody has edited it is told by a hash of the text that was written or taken last (written.json). When a
// commit finds a file that was edited but not read, it keeps that text in fulcrum.cfg.edited before it writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/store/configuration.h"

namespace fulcrum::store {

class FileLink {
 public:
  // Of a file and the directory of its history.
  FileLink(std::string file, std::string directory);

  struct News {
    enum class Kind : std::uint8_t {
      unchanged,  // says what is in force, or was not edited
      taken,      // is the newest revision now
      refused,    // has problems
    };
    Kind kind = Kind::unchanged;
    std::vector<settings::Problem> problems;  // with lines
    std::optional<Committed> committed;
  };
  // Reads the file. `why` goes into the revision that comes of it.
  News read(Configuration& configuration, Time now, const std::string& why);

  // Writes the current configuration to the file, and a checkpoint. Milliseconds for each 1,000 servers: not in the way
  // of a commit. Returns the name of the file in which it kept somebody's edit; nothing when there was none. Errors:
  // io; nothing is lost then, the history has it.
  Result<std::optional<std::string>> write(Configuration& configuration);

  // The history here is of this file.
  [[nodiscard]] bool knows_file() const { return known_file_ == file_; }

 private:
  Result<void> remember(std::uint64_t text_hash);

  std::string file_, directory_, known_file_;
  std::optional<std::uint64_t> text_hash_;  // of what was written or taken last
};

}  // namespace fulcrum::store
