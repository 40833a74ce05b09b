// Work inside the network namespace of the kernel twins. A socket belongs for life to the namespace in which it was
// made, so the control thread enters, makes the socket (or writes the sysctl) and returns; it never stays.
//
// The namespace is found as `ip netns` names it, in /run/netns. Started by `ip netns exec`, a program has a mount
// namespace of its own in which that directory may show other mounts: then the machine's first process leads to the
// real one, or the dataplane itself, which is inside.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <cerrno>
#include <string>
#include <utility>

#include "dataplane/base/invariant.h"
#include "dataplane/base/owned_fd.h"
#include "dataplane/base/result.h"

namespace fulcrum {

class TwinNamespace {
 public:
  // `name` as in RegionHeader::twin_namespace; empty: the network namespace of the process `dataplane`, or our own when
  // that is 0. Errors: there is none of that name.
  static Result<TwinNamespace> open(const std::string& name, pid_t dataplane);

  // Runs `work` with the calling thread inside. `work` returns a Result. Errors: its own, or that we may not enter.
  template <class Work>
  auto inside(Work work) const -> decltype(work()) {
    if (setns(there_.get(), CLONE_NEWNET) != 0) {
      return fail(Error::Code::io, words(), "cannot enter the namespace of the kernel twins: " + errno_words(errno));
    }
    auto result = work();
    // Going on in the wrong namespace would open every later socket there.
    FULCRUM_ASSERT(setns(home_.get(), CLONE_NEWNET) == 0);
    return result;
  }

  // A socket made inside, close-on-exec and non-blocking.
  [[nodiscard]] Result<OwnedFd> socket(int family, int type, int protocol) const;

  [[nodiscard]] std::string words() const;  // "network namespace fulcrum"

 private:
  TwinNamespace(std::string name, OwnedFd there, OwnedFd home)
      : name_{std::move(name)}, there_{std::move(there)}, home_{std::move(home)} {}
  std::string name_;
  OwnedFd there_, home_;
};

}  // namespace fulcrum
