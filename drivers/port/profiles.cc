#include "drivers/port/profiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

namespace fulcrum {
namespace {

using settings::Description;
using settings::field;

bool is_file_name(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name.front() != '.';
}

std::string names_of_all() {
  std::string names;
  for (const EmbeddedProfile& one : embedded_profiles()) {
    names += names.empty() ? "" : ", ";
    names += one.name;
  }
  return names;
}

void check_whole(ProfileReading& reading, const settings::Sources& sources) {
  const NicProfile& profile = reading.profile;
  // An open brace that is no place of ours would reach the driver as it stands.
  const std::string filled = fill_in(profile, "", 0, 0);
  if (filled.find('{') != std::string::npos) {
    reading.problems.push_back(
        sources.problem("arguments", "has a place that is not filled in; those that are: {device}, {queues}, {mtu}"));
  }
  if (profile.device == DeviceKind::pci && profile.arguments.find("{device}") != std::string::npos) {
    reading.problems.push_back(sources.problem("arguments", "a PCI device stands before its arguments, not in them"));
  }
}

}  // namespace

const Description<NicProfile>& profile_description() {
  static const Description<NicProfile> description =
      Description<NicProfile>{
          {field("help", &NicProfile::help, "What this family is, for a person."),
           field("device", &NicProfile::device, "What `device` of a port of this family is.")
               .choice("pci", DeviceKind::pci, "a PCI address")
               .choice("interface", DeviceKind::interface, "a network interface that exists")
               .choice("new_interface", DeviceKind::new_interface, "the name of one that the driver makes")
               .choice("path", DeviceKind::path, "a file, or the common beginning of several"),
           field("driver", &NicProfile::driver, "DPDK's name of the driver.")
               .required()
               .length(1, 40)
               .characters("a-z0-9_"),
           field("arguments", &NicProfile::arguments,
                 "For the driver, as DPDK writes them; {device}, {queues} and {mtu} are filled in.")
               .length(0, 512),
           field("keeps_kernel_driver", &NicProfile::keeps_kernel_driver,
                 "The device stays bound to its kernel driver instead of vfio-pci."),
           field("queues_max", &NicProfile::queues_max, "Most queues, so most workers, that this family serves.")
               .range(1, 64),
           field("receive_descriptors", &NicProfile::receive_descriptors, "Length of each receive queue.")
               .range(32, 8192),
           field("transmit_descriptors", &NicProfile::transmit_descriptors, "Length of each transmit queue.")
               .range(32, 8192),
           field("spread", &NicProfile::spread, "How packets are spread over the queues (RSS).")
               .choice("none", Spread::none, "as the device likes")
               .choice("addresses", Spread::addresses, "by both IP addresses")
               .choice("client", Spread::client, "by the client's address alone, where the port's `faces` tells it"),
           field("checksum", &NicProfile::checksum, "Who verifies TCP and UDP checksums of received packets.")
               .choice("hardware", ChecksumCheck::hardware, "the NIC, and software what the NIC does not know")
               .choice("software", ChecksumCheck::software, "the workers")
               .choice("none", ChecksumCheck::none, "nobody, they pass end to end"),
           field("fast_free", &NicProfile::fast_free,
                 "Use the driver's short way to free sent buffers, where it has one."),
           field("keeps_buffers", &NicProfile::keeps_buffers,
                 "The driver does not give its queues' buffers back at the end, so they are no leak of ours."),
           field("promiscuous", &NicProfile::promiscuous,
                 "Receive frames for all stations; for devices without filters."),
           field("all_multicast", &NicProfile::all_multicast,
                 "Receive all multicast; IPv6 neighbour discovery lives on multicast."),
           field("mtu_max", &NicProfile::mtu_max, "Largest MTU of this family.").range(1280, 9600),
           field("package", &NicProfile::package, "Debian's package of the driver, for a message when it is missing.")}}
          .file("A NIC profile: how fulcrum-dataplane uses a family of network ports.", 1);
  return description;
}

ProfileReading read_profile(const std::string& name, const std::string& directory) {
  ProfileReading reading;
  const auto no_such = [&] {
    const std::string where = directory.empty() ? "" : fmt::format(" nor is there {}/{}.cfg", directory, name);
    reading.problems.push_back(
        {.file = "",
         .line = 0,
         .path = "",
         .text = fmt::format("no profile \"{}\"{}; there are: {}", name, where, names_of_all())});
    return reading;
  };
  if (!is_file_name(name)) return no_such();

  settings::Reading read;
  std::error_code unreadable;
  const std::string file = directory + "/" + name + ".cfg";
  if (!directory.empty() && std::filesystem::exists(file, unreadable)) {
    read = settings::read_file(file, profile_description(), reading.profile);
  } else {
    const auto all = embedded_profiles();
    const auto built_in = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
    if (built_in == all.end()) return no_such();
    read = settings::read_text(built_in->text, "nic-profiles/" + name + ".cfg", profile_description(), reading.profile);
  }
  reading.profile.name = name;
  reading.problems = std::move(read.problems);
  if (read.understood && !read.sources.is_wrong("device") && !read.sources.is_wrong("arguments")) {
    check_whole(reading, read.sources);
  }
  return reading;
}

std::string fill_in(const NicProfile& profile, const std::string& device, unsigned queues, unsigned mtu) {
  const std::array<std::pair<std::string_view, std::string>, 3> places{
      {{"{device}", device}, {"{queues}", std::to_string(queues)}, {"{mtu}", std::to_string(mtu)}}};
  std::string result = profile.arguments;
  for (const auto& [place, value] : places) {
    for (std::size_t at = result.find(place); at != std::string::npos; at = result.find(place, at + value.size())) {
      result.replace(at, place.size(), value);
    }
  }
  return result;
}

}  // namespace fulcrum
