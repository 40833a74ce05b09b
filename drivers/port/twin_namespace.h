// The network namespace of the kernel twins, by the name that `ip netns` knows it by: a file /run/netns/NAME on which
// the namespace is bind-mounted.
//
// A program started by `ip netns exec` lives in a mount namespace of its own. What is mounted there later on the
// machine's side need not show in it, and what it mounts itself shows nowhere else. So we look at our own /run/netns
// and at the one of process 1 (/proc/1/root/run/netns), and a namespace that is missing is made by `ip netns add`
// inside process 1's mount namespace, where every other program (control, the administrator's `ip`) finds it too.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/owned_fd.h"
#include "dataplane/base/result.h"

namespace fulcrum {

class NetworkNamespace {
 public:
  // Opens the namespace, after making it when it is missing. An empty name is the caller's own namespace. Errors: the
  // name cannot be a file's name, `ip` or `nsenter` failed, not root.
  static Result<NetworkNamespace> open_or_make(const std::string& name);
  // Opens it; not_found when there is none.
  static Result<NetworkNamespace> open(const std::string& name);

  // Runs `work` inside the namespace, in a thread made for it, so that the caller never leaves its own. Blocks until
  // `work` has returned.
  Result<void> run(const std::function<Result<void>()>& work) const;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // For a message: "namespace fulcrum" or "our own namespace".
  [[nodiscard]] std::string words() const;

 private:
  NetworkNamespace(std::string name, OwnedFd file) : name_{std::move(name)}, file_{std::move(file)} {}
  std::string name_;
  OwnedFd file_;
};

// Runs a program inside the machine's mount namespace, where the whole machine sees what it mounts, and waits for it.
// `arguments` begins with the program's name, looked up in PATH. Error: it could not be started or failed.
Result<void> run_on_machine(const std::vector<std::string>& arguments);

}  // namespace fulcrum
