#include "drivers/port/pci_device.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <regex>
#include <system_error>

#include "dataplane/base/owned_fd.h"

namespace fulcrum {
namespace {

std::string link_name(const std::filesystem::path& link) {
  std::error_code missing;
  return std::filesystem::read_symlink(link, missing).filename().string();
}

bool is_for_programs(const std::string& driver) {
  return driver == "vfio-pci" || driver == "uio_pci_generic" || driver == "igb_uio";
}

std::string how_to_bind(const std::string& address, const std::string& driver) {
  const std::string unbind =
      driver.empty() ? "" : fmt::format("echo {0} > /sys/bus/pci/devices/{0}/driver/unbind; ", address);
  return fmt::format(
      "modprobe vfio-pci; echo vfio-pci > /sys/bus/pci/devices/{0}/driver_override; {1}"
      "echo {0} > /sys/bus/pci/drivers_probe",
      address, unbind);
}

}  // namespace

Result<void> check_pci_device(const std::string& address, bool keeps_kernel_driver, const PciRoots& roots) {
  static const std::regex form{"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]"};
  if (!std::regex_match(address, form)) {
    return fail(Error::Code::invalid, address, "not a PCI address: write it like 0000:03:00.0 (`lspci -D` shows them)");
  }
  const auto device = std::filesystem::path{roots.sysfs} / "bus/pci/devices" / address;
  std::error_code ignored;
  if (!std::filesystem::exists(device, ignored)) {
    return fail(Error::Code::not_found, address,
                "no such PCI device in this machine: `lspci -D` shows those there are");
  }
  const std::string driver = link_name(device / "driver");
  if (keeps_kernel_driver) {
    if (!driver.empty() && !is_for_programs(driver)) return {};
    return fail(Error::Code::conflict, address,
                fmt::format("this family keeps its kernel driver, but {} it: echo {} > /sys/bus/pci/drivers_probe",
                            driver.empty() ? "none has" : driver + " has", address));
  }
  if (!is_for_programs(driver)) {
    return fail(Error::Code::conflict, address,
                fmt::format("{}; bind it to vfio-pci: {}",
                            driver.empty() ? "bound to no driver" : "bound to the kernel driver " + driver,
                            how_to_bind(address, driver)));
  }
  if (const std::string group = link_name(device / "iommu_group"); driver == "vfio-pci" && !group.empty()) {
    const OwnedFd file{open((roots.dev + "/vfio/" + group).c_str(), O_RDWR | O_CLOEXEC)};
    if (!file.valid() && errno == EBUSY) {
      return fail(Error::Code::conflict, address,
                  fmt::format("in use by another program, which holds {}/vfio/{}: stop that one", roots.dev, group));
    }
  }
  return {};
}

}  // namespace fulcrum
