#include "dataplane/app/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "dataplane/contract/capacities.h"

namespace fulcrum {
namespace {

using settings::Description;
using settings::field;

constexpr std::uint16_t kMtuLeast = 1280;  // RFC 8200 5
constexpr std::size_t kInterfaceNameMax = 15;
// Names that Linux keeps for itself among a namespace's interfaces and their settings.
constexpr std::array<std::string_view, 5> kReservedNames{"lo", "all", "default", ".", ".."};

const Description<PortConfig>& port_description() {
  static const Description<PortConfig> description{
      {field("name", &PortConfig::name, "Name of the port, here, in fulcrum.cfg and of its kernel twin.")
           .required()
           .length(1, kInterfaceNameMax)
           .characters("A-Za-z0-9._-")
           .sample("\"front\""),
       field("profile", &PortConfig::profile, "NIC profile: a file of nic-profiles/ without .cfg.")
           .required()
           .length(1, 63)
           .sample("\"ixgbe\""),
       field("device", &PortConfig::device, "PCI address, interface or file, as the profile's family names it.")
           .required()
           .length(1, 90)
           .sample("\"0000:03:00.0\""),
       field("mtu", &PortConfig::mtu, "Largest IP packet.").range(kMtuLeast, 9600).unit("bytes"),
       field("faces", &PortConfig::faces, "Whom the port is connected to; lets some NICs steer by client.")
           .choice("both", Faces::both, "or unknown")
           .choice("clients", Faces::clients)
           .choice("servers", Faces::servers)}};
  return description;
}

// What one field's bounds cannot say.
class WholeCheck {
 public:
  explicit WholeCheck(ConfigReading& reading) : reading_{reading} {}

  void run() {
    cores();
    ports();
    if (!reading_.config.runtime_dir.starts_with('/')) problem("runtime_dir", "must begin with a slash");
    const std::string& profiles = reading_.config.profile_dir;
    std::error_code unreadable;
    if (!profiles.empty() && !std::filesystem::is_directory(profiles, unreadable)) {
      problem("profile_dir", fmt::format("there is no directory {}: mend the name, or say \"\" for none", profiles));
    }
  }

 private:
  void problem(const std::string& path, std::string text) {
    reading_.problems.push_back(reading_.sources.problem(path, std::move(text)));
  }

  void cores() {
    const DataplaneConfig& config = reading_.config;
    for (std::size_t i = 0; i < config.worker_cores.size(); ++i) {
      const std::uint16_t core = config.worker_cores[i];
      const std::string path = fmt::format("worker_cores[{}]", i);
      if (std::count(config.worker_cores.begin(), config.worker_cores.begin() + static_cast<std::ptrdiff_t>(i), core) !=
          0) {
        problem(path, fmt::format("core {} is listed twice: each worker needs a core of its own", core));
      }
      if (core == config.housekeeping_core && config.idle == Idle::spin) {
        problem(path,
                fmt::format("core {} is the housekeeping core, which a spinning worker would starve: take another, "
                            "or set idle = \"sleep\"",
                            core));
      }
    }
  }

  void ports() {
    std::map<std::string, std::size_t> names;
    std::map<std::string, std::size_t> devices;
    for (std::size_t i = 0; i < reading_.config.ports.size(); ++i) {
      const PortConfig& port = reading_.config.ports[i];
      const std::string path = fmt::format("ports[{}]", i);
      if (std::find(kReservedNames.begin(), kReservedNames.end(), port.name) != kReservedNames.end()) {
        problem(path + ".name", fmt::format("\"{}\" cannot be the name of an interface", port.name));
      }
      if (const auto [first, fresh] = names.emplace(port.name, i); !fresh) {
        problem(path + ".name", fmt::format("\"{}\" is the name of ports[{}] already", port.name, first->second));
      }
      if (const auto [first, fresh] = devices.emplace(port.device, i); !fresh) {
        problem(path + ".device", fmt::format("{} is the device of ports[{}] already", port.device, first->second));
      }
      profile(port, path);
    }
  }

  void profile(const PortConfig& port, const std::string& path) {
    ProfileReading read = read_profile(port.profile, reading_.config.profile_dir);
    const bool is_first_use = profiles_.insert(port.profile).second;
    for (settings::Problem& wrong : read.problems) {
      if (wrong.file.empty())
        problem(path + ".profile", wrong.text);
      else if (is_first_use)
        reading_.problems.push_back(std::move(wrong));
    }
    if (!read.problems.empty()) return;
    const NicProfile& profile = read.profile;
    if (port.mtu > profile.mtu_max) {
      problem(path + ".mtu", fmt::format("{} is above the {} of profile {}", port.mtu, profile.mtu_max, profile.name));
    }
    // DPDK separates a device from its arguments by a comma.
    if (port.device.find(',') != std::string::npos) {
      problem(path + ".device", "must not contain a comma; arguments for the driver stand in the profile");
    }
    const bool is_interface = profile.device == DeviceKind::interface || profile.device == DeviceKind::new_interface;
    if (is_interface && port.device.size() > kInterfaceNameMax) {
      problem(path + ".device", fmt::format("an interface's name has at most {} letters", kInterfaceNameMax));
    }
    if (const std::size_t workers = reading_.config.worker_cores.size(); workers > profile.queues_max) {
      problem("worker_cores",
              fmt::format("{} workers, but port {} ({}) has at most {} queue{}, one for each worker", workers,
                          port.name, profile.name, profile.queues_max, profile.queues_max == 1 ? "" : "s"));
    }
    reading_.ports.push_back({.config = port, .profile = profile});
  }

  ConfigReading& reading_;
  std::set<std::string> profiles_;  // read so far: what is wrong in the file of one is said once
};

}  // namespace

const Description<DataplaneConfig>& config_description() {
  using Config = DataplaneConfig;
  static const Description<Config> description =
      Description<Config>{
          {field("runtime_dir", &Config::runtime_dir, "Where the shared region and the control socket lie.")
               .length(1, 90),
           field("hugepages", &Config::hugepages, "Whether memory comes from hugepages.")
               .choice("auto", HugepageUse::automatic, "when enough of them are free, else ordinary pages")
               .choice("required", HugepageUse::required, "or the dataplane does not start")
               .choice("off", HugepageUse::off, "ordinary pages"),
           field("memory_mb", &Config::memory_mb, "Packet buffers and DPDK's own memory.")
               .range(32, 1048576)
               .unit("MB"),
           field("connections", &Config::connections, "Capacity of the connection table, 80 bytes each.")
               .range(1024, 1'000'000'000),
           field("persistence_entries", &Config::persistence_entries,
                 "Capacity of the table of clients that are bound to a server, 80 bytes each; 0: an eighth of "
                 "connections.")
               .range(0, 1'000'000'000),
           field("idle", &Config::idle, "What a worker does when no packet comes.")
               .choice("spin", Idle::spin, "poll on, for the shortest delay")
               .choice("sleep", Idle::sleep, "sleep briefly and leave its core to others"),
           field("twin_namespace", &Config::twin_namespace,
                 "Network namespace of the kernel twins, made when missing; empty: our own.")
               .length(0, 63)
               .characters("A-Za-z0-9._-"),
           field("housekeeping_core", &Config::housekeeping_core, "Core of the housekeeping thread.").range(0, 1023),
           field("worker_cores", &Config::worker_cores, "Cores of the workers, one worker on each.")
               .count(1, kWorkersMax)
               .range(0, 1023)
               .sample("[ 1 ]"),
           field("profile_dir", &Config::profile_dir,
                 "Directory of NIC profiles that go before the built-in ones; may be empty.")
               .length(0, 255),
           field("ports", &Config::ports, port_description(), "The data ports.").required().count(1, kPortsMax)}}
          .file("Start file of fulcrum-dataplane: cores, memory and data ports. Read once, at start.", 1);
  return description;
}

ConfigReading read_config(const std::string& file) {
  ConfigReading reading;
  settings::Reading read = settings::read_file(file, config_description(), reading.config);
  reading.problems = std::move(read.problems);
  reading.sources = std::move(read.sources);
  if (reading.problems.empty()) WholeCheck{reading}.run();
  return reading;
}

}  // namespace fulcrum
