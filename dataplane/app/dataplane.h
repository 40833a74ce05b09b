// All parts of the dataplane, wired. start() builds from the outside in, so that what can fail for a reason a person
// can mend (not root, a core that is not there, a device in use) fails before anything was changed: machine, region
// (whose lock keeps a second dataplane out), claims on the devices, EAL, buffers, ports, kernel twins, table, threads.
// Destruction goes the other way.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/app/config.h"
#include "dataplane/app/eal.h"
#include "dataplane/app/machine.h"
#include "dataplane/contract/region.h"
#include "dataplane/lookup/tables.h"
#include "dataplane/worker/housekeeping.h"
#include "dataplane/worker/worker.h"
#include "drivers/port/packet_pool.h"
#include "drivers/port/port_claim.h"
#include "drivers/port/tap_twin.h"

namespace fulcrum {

class Dataplane {
 public:
  // Main thread. `cold`: forget the region of an earlier start. Errors are lines for a person, one for each problem.
  using Started = tl::expected<std::unique_ptr<Dataplane>, std::vector<std::string>>;
  static Started start(const ConfigReading& reading, bool cold);
  ~Dataplane();

  // Runs workers and housekeeping until `stop`; returns when all of them rest and no packet is under way.
  void run(const std::atomic<bool>& stop);

 private:
  explicit Dataplane(const ConfigReading& reading)
      : config_{reading.config}, profiled_{reading.ports}, buffers_{buffers_needed(reading)} {}
  Result<void> make_region(const MemoryPlan& plan, bool cold);
  std::vector<settings::Problem> claim_ports(const settings::Sources& sources);
  Result<void> start_eal();
  Result<void> open_ports();
  Result<void> make_twins();
  Result<void> make_threads();
  void publish();
  [[nodiscard]] std::uint16_t workers() const { return static_cast<std::uint16_t>(config_.worker_cores.size()); }

  DataplaneConfig config_;
  std::vector<ProfiledPort> profiled_;
  PacketPool::Shape buffers_;
  bool packets_on_hugepages_ = false;
  std::optional<Region> region_;
  std::vector<PortClaim> claims_;
  std::optional<Eal> eal_;
  std::optional<PacketPool> pool_;
  std::vector<std::unique_ptr<DpdkPort>> ports_;  // index: PortId
  std::vector<std::unique_ptr<Twin>> twins_;      // index: PortId
  std::optional<Tables> tables_;
  Doorbell doorbell_;
  std::vector<std::unique_ptr<SlowPath>> slow_paths_;  // index: WorkerId
  std::vector<SlowPath*> slow_path_views_;
  std::vector<std::unique_ptr<Worker>> workers_;  // index: WorkerId
  std::optional<Explainer> explainer_;
  std::optional<Housekeeping> housekeeping_;
};

}  // namespace fulcrum
