#include "drivers/port/pci_device.h"

#include <filesystem>
#include <string>

#include "tests/support/gtest.h"
#include "tests/support/lab.h"

namespace fulcrum {
namespace {

constexpr const char* kAddress = "0000:03:00.0";

// A /sys with one device, bound to `driver` unless that is empty.
struct Machine {
  test::TemporaryDirectory directory;
  PciRoots roots{.sysfs = directory.path(), .dev = directory.path() + "/dev"};

  explicit Machine(const std::string& driver) {
    const std::string device = directory.write("bus/pci/devices/" + std::string{kAddress} + "/vendor", "0x8086\n");
    if (driver.empty()) return;
    std::filesystem::create_symlink("../../drivers/" + driver, std::filesystem::path{device}.parent_path() / "driver");
  }
  [[nodiscard]] std::string refusal(bool keeps_kernel_driver = false, const std::string& address = kAddress) const {
    const auto result = check_pci_device(address, keeps_kernel_driver, roots);
    return result ? "" : result.error().words();
  }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(PciDevice, GoodWhenBoundForPrograms) {
  EXPECT_EQ(Machine{"vfio-pci"}.refusal(), "");
  EXPECT_EQ(Machine{"uio_pci_generic"}.refusal(), "");
}

TEST(PciDevice, MissingOne) {
  const std::string words = Machine{"vfio-pci"}.refusal(false, "0000:04:00.0");
  EXPECT_TRUE(contains(words, "0000:04:00.0") && contains(words, "lspci -D")) << words;
}

TEST(PciDevice, MalformedAddress) {
  for (const char* wrong : {"03:00.0", "eth0", "0000:03:00.8", "0000:03:00.0,x=1", "../../../etc"}) {
    EXPECT_TRUE(contains(Machine{"vfio-pci"}.refusal(false, wrong), "not a PCI address")) << wrong;
  }
}

TEST(PciDevice, KernelDriverIsNamedWithTheWayToBind) {
  const std::string words = Machine{"ixgbe"}.refusal();
  EXPECT_TRUE(contains(words, "kernel driver ixgbe")) << words;
  EXPECT_TRUE(contains(words, "modprobe vfio-pci") && contains(words, "driver/unbind")) << words;
  const std::string unbound = Machine{""}.refusal();
  EXPECT_TRUE(contains(unbound, "no driver") && !contains(unbound, "driver/unbind")) << unbound;
}

TEST(PciDevice, FamilyThatKeepsItsKernelDriver) {
  EXPECT_EQ(Machine{"mlx5_core"}.refusal(true), "");
  EXPECT_TRUE(contains(Machine{"vfio-pci"}.refusal(true), "keeps its kernel driver"));
  EXPECT_TRUE(contains(Machine{""}.refusal(true), "keeps its kernel driver"));
}

}  // namespace
}  // namespace fulcrum
