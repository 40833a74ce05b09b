// dataplane.cfg: what the dataplane must know before it can start, read once. Everything that may change while traffic
// runs stands in fulcrum.cfg, which is control's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/base/settings.h"
#include "drivers/port/dpdk_port.h"

namespace fulcrum {

enum class HugepageUse : std::uint8_t { automatic, required, off };
enum class Idle : std::uint8_t { spin, sleep };

struct PortConfig {
  std::string name;
  std::string profile;
  std::string device;
  std::uint16_t mtu = 1500;
  Faces faces = Faces::both;
};

struct DataplaneConfig {
  std::string runtime_dir = "/run/fulcrum";
  HugepageUse hugepages = HugepageUse::automatic;
  std::uint32_t memory_mb = 256;
  std::uint32_t connections = 5'500'000;
  std::uint32_t persistence_entries = 0;  // 0: an eighth of `connections`

  [[nodiscard]] std::uint32_t bindings() const {
    return persistence_entries != 0 ? persistence_entries : connections / 8;
  }
  Idle idle = Idle::spin;
  std::string twin_namespace = "fulcrum";
  std::uint16_t housekeeping_core = 0;
  std::vector<std::uint16_t> worker_cores{1};
  std::string profile_dir;
  std::vector<PortConfig> ports;
};

[[nodiscard]] const settings::Description<DataplaneConfig>& config_description();

// A port with the profile it names.
struct ProfiledPort {
  PortConfig config;
  NicProfile profile;
};

struct ConfigReading {
  DataplaneConfig config;
  std::vector<ProfiledPort> ports;          // as config.ports
  settings::Sources sources;                // the lines of the file
  std::vector<settings::Problem> problems;  // all of them, of the file and of the profiles it names; empty: good
};
ConfigReading read_config(const std::string& file);

}  // namespace fulcrum
