#include "control/app/control_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace fulcrum {
namespace {

// One that was killed holds its lock until Linux has cleared its memory away, which takes a moment.
bool lock(int file) {
  constexpr int kTries = 50;
  constexpr useconds_t kPause = 20'000;
  for (int i = 1; flock(file, LOCK_EX | LOCK_NB) != 0; ++i) {
    if (i == kTries) return false;
    usleep(kPause);
  }
  return true;
}

}  // namespace

Result<ControlLock> ControlLock::take(const std::string& runtime_dir) {
  std::error_code error;
  std::filesystem::create_directories(runtime_dir, error);
  if (error) return fail(Error::Code::io, runtime_dir, "cannot make the directory: " + error.message());
  const std::string path = runtime_dir + "/control.lock";
  OwnedFd file{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!file.valid()) return fail(Error::Code::io, path, errno_words(errno));
  if (!lock(file.get())) {
    std::array<char, 16> holder{};
    const ssize_t length = pread(file.get(), holder.data(), holder.size(), 0);
    const std::string_view pid{holder.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
    return fail(Error::Code::conflict, path,
                fmt::format("another fulcrum-control is running (process {}): stop it, or give this one its own "
                            "`runtime_dir`",
                            pid.substr(0, pid.find('\n'))));
  }
  const std::string own = fmt::format("{}\n", getpid());
  // The number is for the sentence above only; the lock itself holds without it.
  if (ftruncate(file.get(), 0) != 0 || pwrite(file.get(), own.data(), own.size(), 0) < 0) {
    return fail(Error::Code::io, path, errno_words(errno));
  }
  return ControlLock{std::move(file)};
}

}  // namespace fulcrum
