#include "control/files/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "dataplane/base/owned_fd.h"

namespace fulcrum::files {
namespace {

tl::unexpected<Error> refused(const std::string& path, const char* what) {
  return fail(Error::Code::io, path, std::string{what} + ": " + errno_words(errno));
}

}  // namespace

Result<void> write_all(int fd, std::string_view contents, const std::string& path) {
  while (!contents.empty()) {
    const ssize_t written = ::write(fd, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return refused(path, "cannot be written");
    contents.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> sync_directory(const std::string& directory) {
  const OwnedFd fd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd.valid() || ::fsync(fd.get()) != 0) return refused(directory, "cannot be brought to the disk");
  return {};
}

Result<void> replace(const std::string& path, std::string_view contents, mode_t mode, Survives survives) {
  const bool waits = survives == Survives::power_cut;
  const std::string beside = path + ".new";
  // On a disk that is full, half a file would keep it so.
  const auto give_up = [&](tl::unexpected<Error> error) {
    ::unlink(beside.c_str());
    return Result<void>{std::move(error)};
  };
  {
    const OwnedFd fd{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode)};
    if (!fd.valid() || ::fchmod(fd.get(), mode) != 0) return refused(beside, "cannot be made");
    if (auto written = write_all(fd.get(), contents, beside); !written) return give_up(tl::unexpected{written.error()});
    if (waits && ::fsync(fd.get()) != 0) return give_up(refused(beside, "cannot be brought to the disk"));
  }
  if (std::rename(beside.c_str(), path.c_str()) != 0) return give_up(refused(path, "cannot be replaced"));
  return waits ? sync_directory(std::filesystem::path{path}.parent_path().string()) : Result<void>{};
}

Result<std::optional<std::string>> read(const std::string& path, std::size_t length_max) {
  const OwnedFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd.valid() && errno == ENOENT) return std::nullopt;
  if (!fd.valid()) return refused(path, "cannot be opened");
  std::string contents;
  std::array<char, 65536> chunk;
  for (;;) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refused(path, "cannot be read");
    if (got == 0) return contents;
    contents.append(chunk.data(), static_cast<std::size_t>(got));
    if (contents.size() > length_max) return fail(Error::Code::limit, path, "is longer than anything we write");
  }
}

Result<void> make_directory(const std::string& path, mode_t mode) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return {};
  std::filesystem::create_directories(std::filesystem::path{path}.parent_path(), error);
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return refused(path, "cannot be made");
  return {};
}

}  // namespace fulcrum::files
