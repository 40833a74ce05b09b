#include "control/network/twin_namespace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/statfs.h>

#include <vector>

namespace fulcrum {
namespace {

constexpr const char* kOwn = "/proc/thread-self/ns/net";

// A name in /run/netns is an ordinary file where the mount on it does not show.
bool is_namespace(int file) {
  struct statfs info {};
  return fstatfs(file, &info) == 0 && info.f_type == NSFS_MAGIC;
}

std::vector<std::string> places(const std::string& name, pid_t dataplane) {
  if (name.empty()) return {dataplane == 0 ? kOwn : fmt::format("/proc/{}/ns/net", dataplane)};
  std::vector<std::string> found{"/run/netns/" + name, "/proc/1/root/run/netns/" + name};
  if (dataplane != 0) found.push_back(fmt::format("/proc/{}/root/run/netns/{}", dataplane, name));
  return found;
}

}  // namespace

Result<TwinNamespace> TwinNamespace::open(const std::string& name, pid_t dataplane) {
  OwnedFd home{::open(kOwn, O_RDONLY | O_CLOEXEC)};
  if (!home.valid()) return fail(Error::Code::io, kOwn, errno_words(errno));
  for (const std::string& path : places(name, dataplane)) {
    OwnedFd there{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (there.valid() && is_namespace(there.get())) return TwinNamespace{name, std::move(there), std::move(home)};
  }
  if (name.empty()) {
    return fail(
        Error::Code::not_found, "kernel twins",
        fmt::format("the dataplane (process {}) is not running, so its network namespace is not there", dataplane));
  }
  return fail(Error::Code::not_found, "network namespace " + name,
              "is not there: fulcrum-dataplane makes it (`twin_namespace` in dataplane.cfg)");
}

Result<OwnedFd> TwinNamespace::socket(int family, int type, int protocol) const {
  return inside([&]() -> Result<OwnedFd> {
    OwnedFd made{::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol)};
    if (!made.valid()) return fail(Error::Code::io, "socket", errno_words(errno));
    return made;
  });
}

std::string TwinNamespace::words() const {
  return name_.empty() ? "the dataplane's network namespace" : "network namespace " + name_;
}

}  // namespace fulcrum
