// Small files that survive a crash: a file that is replaced holds the old contents or the new ones at any instant, also
// after a power cut. The new contents go to a file beside it, to the disk, and then take the name (write, fsync,
// rename, fsync of the directory).
//
// Each call waits for the disk, milliseconds as a rule, unless it is told not to. Any thread; two writers of one file
// are the caller's mistake.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace fulcrum::files {

// What a file must survive. `end` of this program alone does not wait for the disk: after a power cut the file may be
// the old one, the new one or damaged.
enum class Survives : std::uint8_t { power_cut, end };

// Errors: the operating system refuses (io); the old contents are then untouched.
Result<void> replace(const std::string& path, std::string_view contents, mode_t mode = 0600,
                     Survives survives = Survives::power_cut);
// Nothing when there is no such file. Errors: cannot be read (io), longer than `length_max` (limit).
Result<std::optional<std::string>> read(const std::string& path, std::size_t length_max);
// Makes the directory and those above it. Errors: io.
Result<void> make_directory(const std::string& path, mode_t mode = 0700);
// All of it, at the descriptor's position. Errors: io.
Result<void> write_all(int fd, std::string_view contents, const std::string& path);
// So that names made, taken or removed in a directory last. Errors: io.
Result<void> sync_directory(const std::string& directory);

}  // namespace fulcrum::files
