// A box for tests: a region in memory, two data ports without wires (0 front, 1 back), one worker that is turned by
// hand, and a snapshot that the test writes. Client side 198.51.100.0/24 on port 0, servers 10.1.1.0/24 on port 1.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <vector>

#include "dataplane/worker/worker.h"
#include "drivers/port/memory_port.h"
#include "tests/support/gtest.h"
#include "tests/support/packet_builder.h"
#include "tests/support/snapshot_builder.h"

namespace fulcrum::test {

inline constexpr PortId kFront{0};
inline constexpr PortId kBack{1};
inline const char* const kFrontMac = "02:00:00:00:00:01";
inline const char* const kBackMac = "02:00:00:00:01:01";
inline const char* const kClientMac = "02:00:00:00:00:99";
inline const char* const kServerMac = "02:00:00:00:01:99";

class TestBox {
 public:
  explicit TestBox(std::uint32_t connections = 1024);
  // Adds the reasons for which it dropped to the file that FULCRUM_DROPS_SEEN names, for tests/golden/coverage_test.py.
  ~TestBox();
  TestBox(const TestBox&) = delete;
  TestBox& operator=(const TestBox&) = delete;

  // A worker as after the start of a process, over whatever the region holds.
  void start_worker(ConnectionTable::Start start);
  // Writes a snapshot of the next generation into a slot of its own and sends the command to adopt it.
  SnapshotBuilder publish();
  void send(const Command& command) { ASSERT_TRUE(region.worker(0).commands.push(command)); }

  void turn() { worker->turn(now); }
  // Injects one frame, turns once.
  void receive(PortId port, const Bytes& frame);
  // The one frame that was sent by the port since the last look; fails the test if there is not exactly one.
  Bytes sent(PortId port);
  [[nodiscard]] std::uint64_t drops(Drop reason) const;
  [[nodiscard]] std::int64_t active(ServerId server) const;
  [[nodiscard]] std::int64_t closing(ServerId server) const;
  // Received and sent and punted and dropped agree, and every buffer was given back.
  void expect_all_accounted_for();
  void know_neighbour(PortId port, const char* address, const char* mac);

  Region region;
  std::array<std::unique_ptr<MemoryPort>, 2> ports;
  SlowPath slow_path;
  Doorbell doorbell;
  std::unique_ptr<Tables> tables;
  std::unique_ptr<Worker> worker;
  std::chrono::nanoseconds now = std::chrono::hours{1};

 private:
  std::uint64_t generation_ = 0;
  std::uint64_t punted_ = 0;
};

}  // namespace fulcrum::test
