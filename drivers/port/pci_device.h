// Whether a PCI device can be given to DPDK, asked from sysfs before EAL is: EAL's own answer to a device that is
// missing or still bound to its kernel driver is that it has one port less.
#pragma once

#include <string>

#include "dataplane/base/result.h"

namespace fulcrum {

struct PciRoots {  // tests bring their own
  std::string sysfs = "/sys";
  std::string dev = "/dev";
};

// `keeps_kernel_driver`: the family is driven through its kernel driver (mlx5) instead of vfio-pci. Errors: malformed
// address, missing device, wrong driver (the sentence says how to bind the right one), in use by another program.
Result<void> check_pci_device(const std::string& address, bool keeps_kernel_driver, const PciRoots& roots = {});

}  // namespace fulcrum
