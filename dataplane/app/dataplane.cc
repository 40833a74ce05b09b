#include "dataplane/app/dataplane.h"

#include <fmt/format.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "dataplane/app/memory_plan.h"
#include "dataplane/base/invariant.h"
#include "dataplane/base/log.h"
#include "drivers/port/pci_device.h"
#include "drivers/port/twin_namespace.h"

namespace fulcrum {
namespace {

// What threads may hold besides the ports' queues: a worker's batch and its two rings with housekeeping, the pool's
// caches (half as much again as their size), and some frames between the twins.
constexpr std::uint32_t kBuffersPerWorker = 2 * kBatchMax + 2 * decltype(SlowPath::to_linux)::capacity();
constexpr std::uint32_t kBuffersPerCache = 384;
constexpr std::uint32_t kBuffersSpare = 1024;
// Housekeeping turns after the workers have stopped, so that what they handed over still gets to Linux.
constexpr int kLastTurns = 32;

Result<void> check_core(std::uint16_t core, const std::string& path) {
  cpu_set_t ours;
  CPU_ZERO(&ours);
  if (sched_getaffinity(0, sizeof ours, &ours) != 0) return fail(Error::Code::io, path, errno_words(errno));
  if (core < CPU_SETSIZE && CPU_ISSET(core, &ours)) return {};
  std::string there;
  for (std::size_t i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &ours)) there += fmt::format("{}{}", there.empty() ? "" : ", ", i);
  }
  return fail(Error::Code::not_found, path,
              fmt::format("this machine has no core {} for us; there are: {}", core, there));
}

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

Result<std::unique_ptr<Dataplane>> Dataplane::start(const ConfigReading& reading, bool cold) {
  std::unique_ptr<Dataplane> dataplane{new Dataplane{reading}};
  Dataplane& it = *dataplane;
  auto done = it.check_machine()
                  .and_then([&] { return it.check_devices(); })
                  .and_then([&] { return it.make_region(cold); })
                  .and_then([&] { return it.claim_ports(); })
                  .and_then([&] { return it.start_eal(); })
                  .and_then([&] { return it.open_ports(); })
                  .and_then([&] { return it.make_twins(); })
                  .and_then([&] { return it.make_threads(); });
  if (!done) return tl::unexpected<Error>{done.error()};
  it.publish();
  return dataplane;
}

Result<void> Dataplane::check_machine() const {
  if (geteuid() != 0) {
    return fail(Error::Code::io, "", "must be started as root: it owns network ports, hugepages and kernel twins");
  }
  auto done = check_core(config_.housekeeping_core, "housekeeping_core");
  for (std::size_t i = 0; done && i < config_.worker_cores.size(); ++i) {
    done = check_core(config_.worker_cores[i], fmt::format("worker_cores[{}]", i));
  }
  return done;
}

Result<void> Dataplane::check_devices() const {
  for (const auto& [port, profile] : profiled_) {
    if (profile.device != DeviceKind::pci) continue;
    if (auto good = check_pci_device(port.device, profile.keeps_kernel_driver); !good) {
      return fail(good.error().code, fmt::format("port {} ({} {})", port.name, profile.name, port.device),
                  good.error().text);
    }
  }
  return {};
}

Result<void> Dataplane::make_region(bool cold) {
  const RegionShape shape = region_shape(workers(), config_.connections, config_.bindings());
  Region::await_predecessor(config_.runtime_dir);
  const auto machine = config_.hugepages == HugepageUse::off ? std::vector<Hugepages>{} : look_for_hugepages();
  // One on hugepages stays there in a cold start too: its pages are not free for another.
  EarlierRegion earlier = look_for_region(config_.runtime_dir);
  if (cold && earlier.place == EarlierRegion::Place::ordinary) earlier = {};
  const MemoryNeeds needs{.region_bytes = Region::bytes_for(shape),
                          .packet_bytes = static_cast<std::uint64_t>(config_.memory_mb) << 20U};
  const auto plan = plan_memory(config_.hugepages, needs, machine, earlier);
  if (!plan) return tl::unexpected<Error>{plan.error()};
  const OrdinaryRoom room = look_for_ordinary_room(config_.runtime_dir);
  if (auto fits = check_ordinary_room(*plan, needs, earlier, room); !fits) return fits;
  if (!plan->notice.empty()) log(Level::notice, "hugepages: {}", plan->notice);
  packets_on_hugepages_ = plan->packets_on_hugepages;
  auto region = Region::create(
      {.runtime_dir = config_.runtime_dir, .hugepage_dir = plan->region_directory, .shape = shape, .start_cold = cold});
  if (!region) return tl::unexpected<Error>{region.error()};
  region_.emplace(std::move(*region));
  return {};
}

Result<void> Dataplane::claim_ports() {
  for (const auto& [port, profile] : profiled_) {
    auto claim = profile.device == DeviceKind::interface ? PortClaim::of_interface(port.device, port.mtu)
                                                         : PortClaim::of_device(port.device);
    if (!claim) {
      return fail(claim.error().code, fmt::format("port {} ({} {})", port.name, profile.name, port.device),
                  claim.error().text);
    }
    claims_.push_back(std::move(*claim));
  }
  return {};
}

PacketPool::Shape Dataplane::buffers_needed() const {
  PacketPool::Shape shape{.buffers =
                              kBuffersSpare + workers() * kBuffersPerWorker + (workers() + 1U) * kBuffersPerCache};
  for (const auto& [port, profile] : profiled_) {
    shape.buffers += DpdkPort::buffers_for(profile, workers());
    shape.mtu_max = std::max(shape.mtu_max, port.mtu);
  }
  return shape;
}

Result<void> Dataplane::start_eal() {
  const std::uint64_t wanted_mb = (PacketPool::bytes_for(buffers_needed()) >> 20U) + 1;
  // An eighth for what DPDK itself and its drivers allocate.
  if (wanted_mb > config_.memory_mb - config_.memory_mb / 8) {
    return fail(
        Error::Code::limit, "memory_mb",
        fmt::format("{} MB are too little: the buffers of {} ports and {} workers take {} MB; at least {} are needed",
                    config_.memory_mb, profiled_.size(), workers(), wanted_mb, wanted_mb * 8 / 7 + 1));
  }
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
  auto pool = PacketPool::create(buffers_needed());
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
