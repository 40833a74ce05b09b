#include "dataplane/app/machine.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "dataplane/worker/worker.h"
#include "drivers/port/dpdk_port.h"
#include "drivers/port/pci_device.h"
#include "drivers/port/port_claim.h"

namespace fulcrum {
namespace {

// What threads may hold besides the ports' queues: a worker's batch and its two rings with housekeeping, the pool's
// caches (half as much again as their size), and some frames between the twins.
constexpr std::uint32_t kBuffersPerWorker = 2 * kBatchMax + 2 * decltype(SlowPath::to_linux)::capacity();
constexpr std::uint32_t kBuffersPerCache = 384;
constexpr std::uint32_t kBuffersSpare = 1024;

class Inspection {
 public:
  explicit Inspection(const ConfigReading& reading) : reading_{reading} {}

  MachineAnswer run(bool cold) {
    cores();
    for (std::size_t i = 0; i < reading_.ports.size(); ++i) device(i);
    memory(cold);
    return std::move(answer_);
  }

 private:
  void problem(const std::string& path, std::string text) {
    answer_.problems.push_back(reading_.sources.problem(path, std::move(text)));
  }

  void cores() {
    const DataplaneConfig& config = reading_.config;
    cpu_set_t ours;
    CPU_ZERO(&ours);
    if (sched_getaffinity(0, sizeof ours, &ours) != 0) return problem("worker_cores", errno_words(errno));
    std::string there;
    for (std::size_t i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(i, &ours)) there += fmt::format("{}{}", there.empty() ? "" : ", ", i);
    }
    const auto ask = [&](std::uint16_t core, const std::string& path) {
      if (core < CPU_SETSIZE && CPU_ISSET(core, &ours)) return;
      problem(path, fmt::format("this machine has no core {} for us; there are: {}", core, there));
    };
    ask(config.housekeeping_core, "housekeeping_core");
    for (std::size_t i = 0; i < config.worker_cores.size(); ++i) {
      ask(config.worker_cores[i], fmt::format("worker_cores[{}]", i));
    }
  }

  void device(std::size_t i) {
    const auto& [port, profile] = reading_.ports[i];
    Result<void> good;
    if (profile.device == DeviceKind::pci) good = check_pci_device(port.device, profile.keeps_kernel_driver);
    if (profile.device == DeviceKind::interface) good = PortClaim::check_interface(port.device);
    if (!good) problem(fmt::format("ports[{}].device", i), good.error().words());
  }

  void memory(bool cold) {
    const DataplaneConfig& config = reading_.config;
    buffers();
    Region::await_predecessor(config.runtime_dir);
    const auto machine = config.hugepages == HugepageUse::off ? std::vector<Hugepages>{} : look_for_hugepages();
    // One on hugepages stays there in a cold start too: its pages are not free for another.
    EarlierRegion earlier = look_for_region(config.runtime_dir);
    if (cold && earlier.place == EarlierRegion::Place::ordinary) earlier = {};
    const MemoryNeeds needs{.region_bytes = Region::bytes_for(region_shape_of(config)),
                            .packet_bytes = static_cast<std::uint64_t>(config.memory_mb) << 20U};
    auto plan = plan_memory(config.hugepages, needs, machine, earlier);
    if (!plan) return problem(plan.error().path, plan.error().text);
    const OrdinaryRoom room = look_for_ordinary_room(config.runtime_dir);
    if (auto fits = check_ordinary_room(*plan, needs, earlier, room); !fits) {
      return problem(fits.error().path, fits.error().text);
    }
    answer_.memory = std::move(*plan);
  }

  void buffers() {
    const DataplaneConfig& config = reading_.config;
    const std::uint64_t wanted_mb = (PacketPool::bytes_for(buffers_needed(reading_)) >> 20U) + 1;
    // An eighth for what DPDK itself and its drivers allocate.
    if (wanted_mb <= config.memory_mb - config.memory_mb / 8) return;
    problem("memory_mb", fmt::format("{} MB are too little: the buffers of {} ports and {} workers take {} MB; at "
                                     "least {} are needed",
                                     config.memory_mb, reading_.ports.size(), config.worker_cores.size(), wanted_mb,
                                     wanted_mb * 8 / 7 + 1));
  }

  const ConfigReading& reading_;
  MachineAnswer answer_;
};

}  // namespace

MachineAnswer ask_machine(const ConfigReading& reading, bool cold) { return Inspection{reading}.run(cold); }

PacketPool::Shape buffers_needed(const ConfigReading& reading) {
  const auto workers = static_cast<std::uint16_t>(reading.config.worker_cores.size());
  PacketPool::Shape shape{.buffers = kBuffersSpare + workers * kBuffersPerWorker + (workers + 1U) * kBuffersPerCache};
  for (const auto& [port, profile] : reading.ports) {
    shape.buffers += DpdkPort::buffers_for(profile, workers);
    shape.mtu_max = std::max(shape.mtu_max, port.mtu);
  }
  return shape;
}

RegionShape region_shape_of(const DataplaneConfig& config) {
  return region_shape(static_cast<std::uint16_t>(config.worker_cores.size()), config.connections, config.bindings());
}

}  // namespace fulcrum
