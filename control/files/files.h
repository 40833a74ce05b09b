// Small files that survive a crash: a file that is replaced holds the old contents or the new ones at any instant, also
// after a power cut. The new contents go to a file beside it, to the disk, and then take the name (write, fsync,
// rename, fsync of the directory).
//
// Each call waits for the disk, milliseconds as a rule. Any thread; two writers of one file are the caller's mistake.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace fulcrum::files {

// Errors: the operating system refuses (io); the old contents are then untouched.
Result<void> replace(const std::string& path, std::string_view contents, mode_t mode = 0600);
// Nothing when there is no such file. Errors: cannot be read (io), longer than `length_max` (limit).
Result<std::optional<std::string>> read(const std::string& path, std::size_t length_max);
// Makes the directory and those above it. Errors: io.
Result<void> make_directory(const std::string& path, mode_t mode = 0700);
// All of it, at the descriptor's position. Errors: io.
Result<void> write_all(int fd, std::string_view contents, const std::string& path);
// So that names made, taken or removed in a directory last. Errors: io.
Result<void> sync_directory(const std::string& directory);

}  // namespace fulcrum::files
