// Makes Linux's side of the kernel twins agree with a plan: links up, sysctls, addresses, static routes. What we set
// ourselves earlier and the plan has no more is removed; it carries our protocol number (netlink.h), so that this works
// for a successor too. What others set (an administrator, a routing daemon) is left alone.
#pragma once

#include <span>
#include <vector>

#include "control/network/netlink.h"
#include "control/network/twin_namespace.h"
#include "control/network/twin_plan.h"
#include "dataplane/base/result.h"

namespace fulcrum {

// Does all it can and returns what it could not do. Calling it again does only what is missing.
std::vector<Error> configure(const TwinNamespace& where, netlink::Requests& linux_side, const TwinPlan& plan,
                             std::span<const TwinLink> twins);

}  // namespace fulcrum
