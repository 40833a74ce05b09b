// Whether a Linux interface that serves as a data port has a link. DPDK's drivers of such interfaces do not know: they
// go on with a socket that nothing comes from any more.
#pragma once

#include <string>

#include "dataplane/contract/link.h"

namespace fulcrum {

// Asks the kernel, in our network namespace; a few microseconds. Any thread.
LinkState link_of_interface(const std::string& interface) noexcept;

}  // namespace fulcrum
