#include "tests/worker/test_box.h"

#include <cstdlib>
#include <fstream>

#include "dataplane/base/invariant.h"

namespace fulcrum::test {
namespace {

Region make_region(std::uint32_t connections) {
  auto region = Region::create_anonymous(region_shape(1, connections, connections));
  FULCRUM_ASSERT(region.has_value());
  return std::move(*region);
}

PortInfo port_info(const char* name, const char* mac) {
  PortInfo info;
  info.name = Name{name};
  info.mac = *Mac::parse(mac);
  info.mtu = 1500;
  info.in_use = 1;
  return info;
}

}  // namespace

TestBox::TestBox(std::uint32_t connections) : region{make_region(connections)} {
  region.header().ports[0] = port_info("front", kFrontMac);
  region.header().ports[1] = port_info("back", kBackMac);
  for (std::uint8_t id = 0; id < 2; ++id)
    ports[id] = std::make_unique<MemoryPort>(MemoryPort::Options{.id = PortId{id}});
  start_worker(ConnectionTable::Start::cold);
}

TestBox::~TestBox() {
  const char* const file = std::getenv("FULCRUM_DROPS_SEEN");
  if (file == nullptr) return;
  std::ofstream out{file, std::ios::app};
  for (std::size_t reason = 1; reason < kDropReasons; ++reason) {
    std::uint64_t packets = 0;
    for (std::size_t row = 0; row <= region.workers(); ++row)
      packets += region.worker(row).packets.drops[reason].value();
    if (packets != 0) out << kDropReasonTable[reason].name << '\n';
  }
}

void TestBox::start_worker(ConnectionTable::Start start) {
  worker.reset();
  tables = std::make_unique<Tables>(region, start);
  const std::array<PacketPort*, 2> both{ports[0].get(), ports[1].get()};
  worker = std::make_unique<Worker>(Worker::Config{.id = WorkerId{0}}, region, *tables, both, slow_path, doorbell);
}

SnapshotBuilder TestBox::publish() {
  const auto slot = static_cast<std::uint32_t>(++generation_ % kSnapshotSlots);
  SnapshotBuilder build{region.snapshot(slot), generation_};
  build.route("0.0.0.0", {});
  build.route("10.1.1.0", {.kind = RouteKind::on_link, .port = kBack});
  build.route("10.1.1.1", {.kind = RouteKind::local, .port = kBack});
  build.route("10.1.1.2", {.kind = RouteKind::on_link, .port = kBack});
  build.route("10.1.2.0", {});
  build.route("198.51.100.0", {.kind = RouteKind::on_link, .port = kFront});
  build.route("198.51.100.10", {.kind = RouteKind::service, .port = kFront});
  build.route("198.51.100.11", {.kind = RouteKind::on_link, .port = kFront});
  build.route("198.51.101.0", {});
  build.route("::", {});
  Command command;
  command.kind = Command::Kind::adopt_snapshot;
  command.slot = slot;
  command.generation = generation_;
  send(command);
  return build;
}

void TestBox::receive(PortId port, const Bytes& frame) {
  ports[port.value]->inject(0, frame);
  turn();
}

Bytes TestBox::sent(PortId port) {
  auto frames = ports[port.value]->take_sent();
  EXPECT_EQ(frames.size(), 1U);
  return frames.empty() ? Bytes{} : frames.front();
}

std::uint64_t TestBox::drops(Drop reason) const {
  return region.worker(0).packets.drops[static_cast<std::size_t>(reason)].value();
}

std::int64_t TestBox::active(ServerId server) const {
  const ServerCounters& row = region.server_counters(0)[server.index];
  return row.server_generation.load() == server.generation ? row.active.load() : 0;
}

std::int64_t TestBox::closing(ServerId server) const {
  const ServerCounters& row = region.server_counters(0)[server.index];
  return row.server_generation.load() == server.generation ? row.closing.load() : 0;
}

void TestBox::expect_all_accounted_for() {
  SlowFrame punted;
  for (; slow_path.to_linux.peek(punted); slow_path.to_linux.pop(), ++punted_) {
    ports[punted.frame.port.value]->release({&punted.frame, 1});
  }
  const PacketCounters& row = region.worker(0).packets;
  std::uint64_t dropped = 0;
  for (const Counter& drop : row.drops) dropped += drop.value();
  EXPECT_EQ(row.received.value() + row.from_linux.value(), row.sent.value() + punted_ + dropped);
  EXPECT_EQ(row.drops[static_cast<std::size_t>(Drop::none)].value(), 0U);
  for (const auto& port : ports) {
    static_cast<void>(port->take_sent());
    EXPECT_EQ(port->outstanding(), 0U);
  }
}

void TestBox::know_neighbour(PortId port, const char* address, const char* mac) {
  const auto id = region.neighbours().obtain(port, *Address::parse(address));
  ASSERT_TRUE(id.has_value());
  region.neighbours().resolve(*id, *Mac::parse(mac));
}

}  // namespace fulcrum::test
