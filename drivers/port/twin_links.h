// The kernel twins that stand in a network namespace, with or without a dataplane behind them. A twin outlives its
// process (tap_twin.h), so the next one must tell what is ours from what an administrator made: the interface's alias
// says so, which `ip link` shows, and names the runtime directory of the dataplane that uses it.
#pragma once

#include <string>
#include <vector>

#include "dataplane/base/result.h"

namespace fulcrum {

struct StandingLink {
  std::string name;
  std::string alias;
};

// The alias of a twin that belongs to the dataplane with this runtime directory. Cut where Linux would refuse it.
[[nodiscard]] std::string twin_alias(const std::string& runtime_dir);
// Whether some dataplane made the interface.
[[nodiscard]] bool is_twin(const StandingLink& link);

// Both: of the network namespace that the calling thread is in; root. Errors: Linux's.
Result<std::vector<StandingLink>> standing_links();
Result<void> set_alias(const std::string& interface, const std::string& alias);

}  // namespace fulcrum
