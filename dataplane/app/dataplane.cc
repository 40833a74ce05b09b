#include "dataplane/app/dataplane.h"

#include <fmt/format.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "dataplane/base/invariant.h"
#include "dataplane/base/log.h"
#include "drivers/port/twin_namespace.h"

namespace fulcrum {
namespace {

// Housekeeping turns after the workers have stopped, so that what they handed over still gets to Linux.
constexpr int kLastTurns = 32;

std::string file_prefix(std::string runtime_dir) {
  std::replace(runtime_dir.begin(), runtime_dir.end(), '/', '-');
  return "fulcrum" + runtime_dir;
}

struct Launch {
  Worker* worker;
  const std::atomic<bool>* stop;
};

int run_worker(void* argument) {
  const auto* launch = static_cast<const Launch*>(argument);
  launch->worker->run(*launch->stop);
  return 0;
}

}  // namespace

Dataplane::Started Dataplane::start(const ConfigReading& reading, bool cold) {
  using Lines = std::vector<std::string>;
  if (geteuid() != 0) {
    return tl::unexpected<Lines>{Lines{"must be started as root: it owns network ports, hugepages and kernel twins"}};
  }
  const MachineAnswer machine = ask_machine(reading, cold);
  if (!machine.problems.empty()) return tl::unexpected<Lines>{settings::report(machine.problems)};
  std::unique_ptr<Dataplane> dataplane{new Dataplane{reading}};
  Dataplane& it = *dataplane;
  auto done = it.make_region(machine.memory, cold);
  if (done) {
    const auto problems = it.claim_ports(reading.sources);
    if (!problems.empty()) return tl::unexpected<Lines>{settings::report(problems)};
    if (!machine.memory.notice.empty()) log(Level::notice, "hugepages: {}", machine.memory.notice);
    done = it.start_eal()
               .and_then([&] { return it.open_ports(); })
               .and_then([&] { return it.make_twins(); })
               .and_then([&] { return it.make_threads(); });
  }
  if (!done) return tl::unexpected<Lines>{Lines{done.error().words()}};
  it.publish();
  return dataplane;
}

Result<void> Dataplane::make_region(const MemoryPlan& plan, bool cold) {
  packets_on_hugepages_ = plan.packets_on_hugepages;
  auto region = Region::create({.runtime_dir = config_.runtime_dir,
                                .hugepage_dir = plan.region_directory,
                                .shape = region_shape_of(config_),
                                .start_cold = cold});
  if (!region) return tl::unexpected<Error>{region.error()};
  region_.emplace(std::move(*region));
  return {};
}

std::vector<settings::Problem> Dataplane::claim_ports(const settings::Sources& sources) {
  std::vector<settings::Problem> problems;
  for (std::size_t i = 0; i < profiled_.size(); ++i) {
    const auto& [port, profile] = profiled_[i];
    auto claim = profile.device == DeviceKind::interface ? PortClaim::of_interface(port.device, port.mtu)
                                                         : PortClaim::of_device(port.device);
    if (claim) {
      claims_.push_back(std::move(*claim));
    } else {
      problems.push_back(sources.problem(fmt::format("ports[{}].device", i), claim.error().words()));
    }
  }
  return problems;
}

Result<void> Dataplane::start_eal() {
  EalOptions options{.file_prefix = file_prefix(config_.runtime_dir),
                     .memory_mb = config_.memory_mb,
                     .hugepages = packets_on_hugepages_,
                     .housekeeping_core = config_.housekeeping_core,
                     .worker_cores = config_.worker_cores,
                     .pci_devices = {}};
  for (const auto& [port, profile] : profiled_) {
    if (profile.device != DeviceKind::pci) continue;
    const std::string arguments = fill_in(profile, port.device, workers(), port.mtu);
    options.pci_devices.push_back(arguments.empty() ? port.device : port.device + "," + arguments);
  }
  auto eal = Eal::start(options);
  if (!eal) return tl::unexpected<Error>{eal.error()};
  eal_.emplace(std::move(*eal));
  return {};
}

Result<void> Dataplane::open_ports() {
  auto pool = PacketPool::create(buffers_);
  if (!pool) return tl::unexpected<Error>{pool.error()};
  pool_.emplace(std::move(*pool));
  for (const auto& [port, profile] : profiled_) {
    auto opened = DpdkPort::open({.name = port.name,
                                  .device = port.device,
                                  .id = PortId{static_cast<std::uint8_t>(ports_.size())},
                                  .mtu = port.mtu,
                                  .queues = workers(),
                                  .faces = port.faces},
                                 profile, *pool_);
    if (!opened) return tl::unexpected<Error>{opened.error()};
    ports_.push_back(std::move(*opened));
  }
  return {};
}

Result<void> Dataplane::make_twins() {
  auto where = NetworkNamespace::open_or_make(config_.twin_namespace);
  if (!where) return tl::unexpected<Error>{where.error()};
  std::vector<std::string> names;
  for (const ProfiledPort& port : profiled_) names.push_back(port.config.name);
  if (auto removed = TapTwin::remove_others(*where, config_.runtime_dir, names); !removed) return removed;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    auto twin = TapTwin::make({.interface = profiled_[i].config.name,
                               .mac = ports_[i]->mac(),
                               .mtu = profiled_[i].config.mtu,
                               .port = PortId{static_cast<std::uint8_t>(i)},
                               .runtime_dir = config_.runtime_dir},
                              *where, *pool_);
    if (!twin) return tl::unexpected<Error>{twin.error()};
    twins_.push_back(std::move(*twin));
  }
  return {};
}

Result<void> Dataplane::make_threads() {
  if (region_->warm()) account_for_lost(*region_);
  tables_.emplace(*region_, region_->warm() ? ConnectionTable::Start::warm : ConnectionTable::Start::cold);
  std::vector<PacketPort*> ports;
  std::vector<Twin*> twins;
  for (const auto& port : ports_) ports.push_back(port.get());
  for (const auto& twin : twins_) twins.push_back(twin.get());
  for (std::uint8_t i = 0; i < workers(); ++i) {
    SlowPath& slow_path = *slow_paths_.emplace_back(std::make_unique<SlowPath>());
    slow_path_views_.push_back(&slow_path);
    workers_.push_back(
        std::make_unique<Worker>(Worker::Config{.id = WorkerId{i}, .sleep_when_idle = config_.idle == Idle::sleep},
                                 *region_, *tables_, ports, slow_path, doorbell_));
  }
  std::vector<const ScheduleCursors*> cursors;
  for (const auto& worker : workers_) cursors.push_back(&worker->cursors());
  explainer_.emplace(*region_, *tables_, std::move(cursors));
  housekeeping_.emplace(*region_, twins, ports, slow_path_views_, doorbell_, *explainer_);
  return {};
}

void Dataplane::publish() {
  RegionHeader& header = region_->header();
  header.twin_namespace = Name{config_.twin_namespace};
  header.ports = {};
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const PortConfig& config = profiled_[i].config;
    PortInfo& port = header.ports[i];
    port.name = Name{config.name};
    port.mac = ports_[i]->mac();
    port.mtu = config.mtu;
    std::copy_n(config.name.begin(), std::min(config.name.size(), port.twin.size() - 1), port.twin.begin());
    port.in_use = 1;
  }
  header.dataplane_pid.store(static_cast<std::uint32_t>(getpid()), std::memory_order_relaxed);
  header.dataplane_starts.fetch_add(1, std::memory_order_release);
  log(Level::notice, "running: {} port{}, {} worker{}, {} connections of {} kept, {}", ports_.size(),
      ports_.size() == 1 ? "" : "s", workers(), workers() == 1 ? "" : "s", tables_->connections.size(),
      tables_->connections.capacity(),
      region_->on_hugepages() ? fmt::format("region on hugepages of {} MiB", region_->page_bytes() >> 20U)
                              : "region on ordinary pages");
}

void Dataplane::run(const std::atomic<bool>& stop) {
  std::vector<Launch> launches;
  for (const auto& worker : workers_) launches.push_back({.worker = worker.get(), .stop = &stop});
  for (unsigned i = 0; i < launches.size(); ++i) {
    // Fails only for a thread that is not waiting, and these have just been made.
    FULCRUM_ASSERT(rte_eal_remote_launch(run_worker, &launches[i], i + 1) == 0);
  }
  housekeeping_->run(stop);
  rte_eal_mp_wait_lcore();
  for (int i = 0; i < kLastTurns && housekeeping_->turn() != 0; ++i) {
  }
  housekeeping_->count_losses();
  // What Linux sent and no worker took: not counted yet, so nothing to account for.
  for (SlowPath* slow_path : slow_path_views_) {
    SlowFrame frame;
    for (; slow_path->from_linux.peek(frame); slow_path->from_linux.pop()) free_frames({&frame.frame, 1});
  }
}

Dataplane::~Dataplane() {
  twins_.clear();
  ports_.clear();
  if (region_ && housekeeping_) region_->header().dataplane_pid.store(0, std::memory_order_relaxed);
  const bool all_must_be_back = std::none_of(profiled_.begin(), profiled_.end(),
                                             [](const ProfiledPort& port) { return port.profile.keeps_buffers; });
  if (pool_ && all_must_be_back && pool_->available() != pool_->size()) {
    log(Level::warning, "{} of {} packet buffers did not come back", pool_->size() - pool_->available(), pool_->size());
  }
}

}  // namespace fulcrum
