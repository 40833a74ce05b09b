// DPDK's side of the benches: the product's own port driver over a preloaded capture file (net_pcap with infinite_rx,
// which copies each frame into a fresh buffer) and over a sink (net_null), as testpmd and Open vSwitch are measured.
// A capture file holds as many frames as memory allows; for more flows than that a port makes its frames as it goes,
// in fresh buffers of the same pool, and sends to the same sink.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/app/eal.h"
#include "drivers/port/dpdk_port.h"
#include "drivers/port/packet_pool.h"
#include "tests/bench/flows.h"

namespace fulcrum::bench {

// Writes a capture file of all flows below `flows` in random order, one frame each; 1,024 frames at least.
void write_capture(const std::string& path, Way way, std::size_t flows);

class DpdkBench {
 public:
  struct Options {
    bool hugepages = false;
    std::uint16_t core = 0;
    std::uint32_t frames = 1024;  // that capture files will preload, together
    ChecksumCheck checksum = ChecksumCheck::software;
  };
  // Ends the process with a sentence when DPDK does not start.
  explicit DpdkBench(const Options& options);
  ~DpdkBench();
  DpdkBench(const DpdkBench&) = delete;
  DpdkBench& operator=(const DpdkBench&) = delete;

  // A port that receives from `capture` for ever; of several with one id only one may exist.
  std::unique_ptr<PacketPort> capture_port(PortId id, const std::string& capture);
  // A port that receives packets of random flows below `flows` and sends by `sink`.
  std::unique_ptr<PacketPort> flow_port(PortId id, Way way, std::size_t flows, PacketPort& sink);
  std::unique_ptr<PacketPort> sink_port(PortId id);

  [[nodiscard]] static std::uint32_t memory_mb(std::uint32_t frames);

 private:
  std::unique_ptr<PacketPort> open(PortId id, const NicProfile& profile, const std::string& device);
  Options options_;
  std::optional<Eal> eal_;
  std::optional<PacketPool> pool_;
};

}  // namespace fulcrum::bench
