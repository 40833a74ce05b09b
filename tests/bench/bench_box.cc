#include "tests/bench/bench_box.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "dataplane/base/invariant.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum::bench {
namespace {

constexpr PortId kFront{0}, kBack{1};
constexpr std::size_t kManyFarms = 1000;
constexpr std::size_t kServersOfOtherFarms = 10;
constexpr std::uint32_t kBindings = 1024;  // of clients to servers, which no farm here asks for

Region make_region(const BenchBox::Options& options) {
  const RegionShape shape = region_shape(options.workers, options.capacity, kBindings);
  auto region = options.hugepage_dir.empty() ? Region::create_anonymous(shape)
                                             : Region::create({.runtime_dir = options.runtime_dir,
                                                               .hugepage_dir = options.hugepage_dir,
                                                               .shape = shape,
                                                               .start_cold = true});
  if (!region) {
    fmt::print(stderr, "bench: {}\n", region.error().words());
    std::exit(2);
  }
  if (!options.hugepage_dir.empty()) {
    // Nobody else shall attach, and nothing shall be left behind when we are killed.
    const std::filesystem::path link = options.runtime_dir + "/region";
    std::filesystem::remove(std::filesystem::read_symlink(link));
    std::filesystem::remove(link);
  }
  return std::move(*region);
}

NeighbourId know_neighbour(NeighbourTable& neighbours, PortId port, const Address& address, const char* mac) {
  const auto id = neighbours.obtain(port, address);
  FULCRUM_ASSERT(id.has_value());
  neighbours.resolve(*id, *Mac::parse(mac));
  return *id;
}

}  // namespace

BenchBox::BenchBox(const Options& options) : options_{options}, region_{make_region(options)} {
  describe_ports();
  write_snapshot(Slot::nat, Mode::nat, 1);
  write_snapshot(Slot::dsr, Mode::dsr, 1);
  write_snapshot(Slot::many_farms, Mode::nat, kManyFarms);
  many_farms_ = std::make_unique<Snapshot>(region_.snapshot(static_cast<std::uint32_t>(Slot::many_farms)));
  tables_ = std::make_unique<Tables>(region_, ConnectionTable::Start::cold);
  live_ = fill(options.live);
}

void BenchBox::describe_ports() {
  for (std::size_t i = 0; i < kBoxMacs.size(); ++i) {
    PortInfo& info = region_.header().ports[i];
    info.name = Name{i == 0 ? "front" : "back"};
    info.mac = *Mac::parse(kBoxMacs[i]);
    info.mtu = 1500;
    info.in_use = 1;
  }
}

// Farm 0 is the one that the packets are for; the others, with ten servers each, make the configuration large.
void BenchBox::write_snapshot(Slot slot, Mode mode, std::size_t farms) {
  NeighbourTable& neighbours = region_.neighbours();
  const auto index = static_cast<std::uint32_t>(slot);
  test::SnapshotBuilder build{region_.snapshot(index), index + 1};
  const auto router = know_neighbour(neighbours, kFront, *Address::parse(kRouterAddress), kRouterMac);
  build.route("0.0.0.0", {.kind = RouteKind::gateway, .port = kFront, .neighbour = router.value});
  build.route("10.1.0.0", {.kind = RouteKind::on_link, .port = kBack});
  build.route("10.2.0.0", {.kind = RouteKind::gateway, .port = kFront, .neighbour = router.value});
  build.route(kServiceAddress, {.kind = RouteKind::service, .port = kFront});
  build.route("198.51.100.11", {.kind = RouteKind::gateway, .port = kFront, .neighbour = router.value});
  build.route("::", {});
  for (std::size_t farm = 0; farm < farms; ++farm) {
    const std::string address = farm == 0 ? kServiceAddress : fmt::format("198.51.{}.{}", 101 + farm / 250, farm % 250);
    const ServiceId service = build.service(address.c_str(), kServicePort, Protocol::tcp, mode);
    build.row(service).established_s = 3600;
    build.row(service).closing_s = options_.closing_s;
    build.row(service).time_wait_s = options_.time_wait_s;
    for (std::size_t i = 0; i < (farm == 0 ? kServers : kServersOfOtherFarms); ++i) {
      const std::size_t host = farm == 0 ? i : 256 + farm * kServersOfOtherFarms + i;
      const ServerId server = build.server(service, server_address(host).text().c_str(), kServerPort, kBack);
      build.row(server).neighbour = know_neighbour(neighbours, kBack, server_address(host), server_mac()).value;
    }
  }
}

std::uint32_t BenchBox::fill(std::uint32_t live) {
  const Tick tick = to_tick(now());
  std::uint32_t entered = 0;
  for (std::uint32_t flow = 0; flow < live; ++flow) {
    const ServerId server{static_cast<std::uint16_t>(flow % kServers), 1};
    const auto made = tables_->connections.insert(WorkerId{0}, key_of(flow, ServiceId{0}), server,
                                                  ConnectionState::established, Reason::scheduler, tick);
    entered += made.is_new ? 1U : 0U;
  }
  return entered;
}

void BenchBox::rewrite_many_farms() { region_.snapshot(static_cast<std::uint32_t>(Slot::many_farms)) = *many_farms_; }

void BenchBox::adopt(WorkerId worker, Slot slot) {
  Command command;
  command.kind = Command::Kind::adopt_snapshot;
  command.slot = static_cast<std::uint32_t>(slot);
  command.generation = command.slot + 1;
  FULCRUM_ASSERT(region_.worker(worker.value).commands.push(command));
}

std::unique_ptr<Worker> BenchBox::make_worker(WorkerId worker, std::array<PacketPort*, 2> ports) {
  return std::make_unique<Worker>(Worker::Config{.id = worker}, region_, *tables_, ports, slow_path_, doorbell_);
}

std::unique_ptr<Worker> BenchBox::running_worker(WorkerId id, std::array<PacketPort*, 2> ports, Slot slot) {
  constexpr std::size_t kSweptInATurn = 1024;
  auto worker = make_worker(id, ports);
  adopt(id, slot);
  for (std::size_t turn = 0; turn < tables_->connections.share_size(id) / kSweptInATurn + 64; ++turn) {
    worker->turn(now());
  }
  return worker;
}

BenchBox::Tally BenchBox::tally(WorkerId worker) const noexcept {
  const PacketCounters& row = region_.worker(worker.value).packets;
  return {.received = row.received.value(), .sent = row.sent.value()};
}

}  // namespace fulcrum::bench
