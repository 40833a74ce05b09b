// Whether a Linux interface that serves as a data port has a link. DPDK's drivers of such interfaces do not know: they
// go on with a socket that nothing comes from any more.
#pragma once

#include <string>

#include "dataplane/contract/link.h"

namespace fulcrum {

// The kernel's number of an interface; 0: there is none of that name. One that is made anew gets another number. In our
// network namespace, as the next. Any thread.
unsigned number_of_interface(const std::string& interface) noexcept;

// The link of the interface that had that number; `gone` when there is none or another one of its name. Asks the
// kernel; a few microseconds. Any thread.
LinkState link_of_interface(const std::string& interface, unsigned number) noexcept;

}  // namespace fulcrum
