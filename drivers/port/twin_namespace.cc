#include "drivers/port/twin_namespace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sched.h>
#include <spawn.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>

namespace fulcrum {
namespace {

// Our own view first: it is the machine's own, except under `ip netns exec`.
constexpr std::array kDirectories{"/run/netns/", "/proc/1/root/run/netns/"};

// The file may be there with nothing mounted on it, seen from a mount namespace the mount did not reach.
bool is_namespace(int file) {
  struct statfs info {};
  return fstatfs(file, &info) == 0 && info.f_type == NSFS_MAGIC;
}

bool can_be_mounted_as(const std::string& name) {
  return name.size() <= 255 && name != "." && name != ".." && name.find('/') == std::string::npos;
}

// The number of the peer group that the mount on /run/netns has under `tag` ("shared:" or "master:"); empty: none.
std::string netns_peer_group(const std::string& process, std::string_view tag) {
  std::ifstream mounts{"/proc/" + process + "/mountinfo"};
  std::string group;
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words{line};
    std::string word;
    for (int i = 0; i < 5; ++i) words >> word;
    if (word != "/run/netns") continue;
    group.clear();  // the last one lies on top
    while (words >> word && word != "-") {
      if (word.starts_with(tag)) group = word.substr(tag.size());
    }
  }
  return group;
}

bool may_enter(const std::string& mount_namespace) {
  return OwnedFd{::open(mount_namespace.c_str(), O_RDONLY | O_CLOEXEC)}.valid();
}

// The machine's mount namespace as a file. See the head of twin_namespace.h.
std::string machine_mount_namespace() {
  std::string first = "/proc/1/ns/mnt";
  if (may_enter(first)) return first;
  const std::string group = netns_peer_group("self", "master:");
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc", unreadable}) {
    const std::string process = entry.path().filename().string();
    if (group.empty() || process.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string file = "/proc/" + process + "/ns/mnt";
    if (netns_peer_group(process, "shared:") == group && may_enter(file)) return file;
  }
  return "/proc/self/ns/mnt";
}

}  // namespace

Result<NetworkNamespace> NetworkNamespace::open(const std::string& name) {
  if (name.empty()) {
    OwnedFd own{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
    if (!own.valid()) return fail(Error::Code::io, "/proc/thread-self/ns/net", errno_words(errno));
    return NetworkNamespace{name, std::move(own)};
  }
  if (!can_be_mounted_as(name)) {
    return fail(Error::Code::invalid, "twin_namespace", fmt::format("\"{}\" cannot be the name of a namespace", name));
  }
  for (const char* directory : kDirectories) {
    OwnedFd file{::open((directory + name).c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.valid() && is_namespace(file.get())) return NetworkNamespace{name, std::move(file)};
  }
  return fail(Error::Code::not_found, "twin_namespace",
              fmt::format("there is no network namespace \"{0}\": make it with `ip netns add {0}`", name));
}

Result<NetworkNamespace> NetworkNamespace::open_or_make(const std::string& name) {
  auto found = open(name);
  if (found || found.error().code != Error::Code::not_found) return found;
  auto made = run_on_machine({"ip", "netns", "add", name});
  // Somebody else may have made it in between; what counts is that it is there now.
  found = open(name);
  if (!found && !made) {
    return fail(Error::Code::io, "twin_namespace",
                fmt::format("cannot make the network namespace \"{}\": {}", name, made.error().words()));
  }
  return found;
}

std::string NetworkNamespace::words() const {
  return name_.empty() ? "our own network namespace" : fmt::format("network namespace {}", name_);
}

Result<void> NetworkNamespace::run(const std::function<Result<void>()>& work) const {
  Result<void> result;
  std::thread visitor{[&] {
    if (setns(file_.get(), CLONE_NEWNET) != 0) {
      result = fail(Error::Code::io, words(), fmt::format("cannot enter it: {}", errno_words(errno)));
      return;
    }
    result = work();
  }};
  visitor.join();
  return result;
}

Result<void> run_on_machine(const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"nsenter", "--mount=" + machine_mount_namespace(), "--"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const std::string command = fmt::format("{}", fmt::join(words, " "));

  pid_t child = 0;
  if (const int error = posix_spawnp(&child, pointers[0], nullptr, nullptr, pointers.data(), environ); error != 0) {
    return fail(Error::Code::io, command, errno_words(error));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return fail(Error::Code::io, command, errno_words(errno));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(Error::Code::io, command, "it failed (its own message stands above)");
  }
  return {};
}

}  // namespace fulcrum
