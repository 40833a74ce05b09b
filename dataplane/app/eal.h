// DPDK's environment (EAL), started once per process with only what the configuration names, and leaving nothing behind
// when the process is killed. Its log lines become ours, from warning upwards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/result.h"

namespace fulcrum {

struct EalOptions {
  std::string file_prefix;
  std::uint32_t memory_mb = 256;
  bool hugepages = false;
  std::uint16_t housekeeping_core = 0;      // of EAL thread 0, which calls start()
  std::vector<std::uint16_t> worker_cores;  // of EAL threads 1, 2, ...
  std::vector<std::string> pci_devices;     // with their arguments: "0000:03:00.0,key=value"
};

class Eal {
 public:
  // The arguments that start() hands to EAL, without the program's name.
  [[nodiscard]] static std::vector<std::string> arguments(const EalOptions& options);
  // Main thread, once in the process's life; pins it to the housekeeping core.
  static Result<Eal> start(const EalOptions& options);

  Eal(Eal&& other) noexcept;
  Eal& operator=(Eal&&) = delete;
  ~Eal();

 private:
  Eal() = default;
  bool running_ = true;
};

}  // namespace fulcrum
