// NIC profiles: what the dataplane must know about a family of network ports before it can use one: how its device is
// named, its queues' lengths, how it spreads packets over them, which checksums it has verified, its quirks. One
// libconfig file per family in nic-profiles/; their text is built into the program, so that it works alone, and
// `profile_dir` in dataplane.cfg puts a directory with the same names in front.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/base/settings.h"

namespace fulcrum {

// What `device` of a port is, and so who makes it ready.
enum class DeviceKind : std::uint8_t {
  pci,            // a PCI address
  interface,      // a network interface that exists
  new_interface,  // the name of a network interface that the driver makes
  path,           // a file, or the common beginning of several
};

// How packets are spread over the queues, one per worker.
enum class Spread : std::uint8_t {
  none,       // as the device likes
  addresses,  // by both IP addresses
  client,     // by the client's address alone, where the port's `faces` says which one that is
};

enum class ChecksumCheck : std::uint8_t {
  hardware,  // the NIC says; what it does not know is verified in software
  software,
  none,  // TCP and UDP checksums pass unverified, end to end
};

struct NicProfile {
  std::string name;  // of the file, without .cfg
  std::string help;
  DeviceKind device = DeviceKind::pci;
  std::string driver;     // DPDK's name of it, "net_ixgbe"
  std::string arguments;  // for the driver; {device} {queues} {mtu} are filled in
  bool keeps_kernel_driver = false;
  std::uint16_t queues_max = 64;
  std::uint16_t receive_descriptors = 1024;
  std::uint16_t transmit_descriptors = 1024;
  Spread spread = Spread::addresses;
  ChecksumCheck checksum = ChecksumCheck::software;
  bool fast_free = true;
  bool keeps_buffers = false;  // at the end
  bool promiscuous = false;
  bool all_multicast = true;
  std::uint16_t mtu_max = 9000;
  std::string package;  // Debian's, which holds the driver
};

struct EmbeddedProfile {
  std::string_view name;
  std::string_view text;
};
// Those of nic-profiles/, by name.
[[nodiscard]] std::span<const EmbeddedProfile> embedded_profiles() noexcept;

// What a profile's file may say; --help-config prints it.
[[nodiscard]] const settings::Description<NicProfile>& profile_description();

// The profile `name`: <directory>/<name>.cfg where that exists, else the built-in one. An empty directory: built-in
// only.
struct ProfileReading {
  NicProfile profile;
  std::vector<settings::Problem> problems;  // empty: the profile is good
};
ProfileReading read_profile(const std::string& name, const std::string& directory);

// The driver's arguments with their places filled in.
std::string fill_in(const NicProfile& profile, const std::string& device, unsigned queues, unsigned mtu);

}  // namespace fulcrum
