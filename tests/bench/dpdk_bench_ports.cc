#include "tests/bench/dpdk_bench_ports.h"

#include <fmt/format.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>

namespace fulcrum::bench {
namespace {

constexpr std::uint32_t kBuffersBesides = 8192;  // caches, rings, batches on their way

[[noreturn]] void give_up(const Error& error) {
  fmt::print(stderr, "bench: {}\n", error.words());
  std::exit(2);
}

// Real frames of random flows in fresh buffers, for more flows than a capture file can hold.
class FlowDpdkPort final : public PacketPort {
 public:
  FlowDpdkPort(PortId id, Way way, std::size_t flows, const PacketPool& pool, PacketPort& sink, ChecksumFact checksum)
      : id_{id}, writer_{way, tcp_flag::ack}, flows_{flows}, pool_{pool}, sink_{sink}, checksum_{checksum} {}

  std::size_t receive(std::uint16_t, std::span<Frame> into) noexcept override {
    std::array<rte_mbuf*, kBatchMax> buffers;
    if (rte_pktmbuf_alloc_bulk(pool_.handle(), buffers.data(), static_cast<unsigned>(into.size())) != 0) return 0;
    for (std::size_t i = 0; i < into.size(); ++i) {
      writer_.write(rte_pktmbuf_mtod(buffers[i], std::byte*), random_.below(flows_));
      buffers[i]->data_len = kFrameBytes;
      buffers[i]->pkt_len = kFrameBytes;
      set_frame(into[i], buffers[i], id_, checksum_);
    }
    return into.size();
  }
  std::size_t send(std::uint16_t queue, std::span<const Frame> frames) noexcept override {
    return sink_.send(queue, frames);
  }
  void release(std::span<const Frame> frames) noexcept override { free_frames(frames); }

 private:
  PortId id_;
  FrameWriter writer_;
  std::size_t flows_;
  const PacketPool& pool_;
  PacketPort& sink_;
  ChecksumFact checksum_;
  Random random_{7};
};

NicProfile profile_of(const char* driver, const char* arguments, ChecksumCheck checksum) {
  NicProfile profile;
  profile.name = driver;
  profile.device = DeviceKind::path;
  profile.driver = driver;
  profile.arguments = arguments;
  profile.queues_max = 1;
  profile.receive_descriptors = profile.transmit_descriptors = 512;
  profile.spread = Spread::none;
  profile.checksum = checksum;
  profile.fast_free = false;
  return profile;
}

struct Closer {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

}  // namespace

void write_capture(const std::string& path, Way way, std::size_t flows) {
  struct FileHeader {  // the classic format of libpcap, which has no names for its fields beyond this
    std::uint32_t magic = 0xA1B2C3D4;
    std::uint16_t major = 2, minor = 4;
    std::uint32_t zone = 0, accuracy = 0, length_max = 65535, link_type = 1;
  };
  struct FrameHeader {
    std::uint32_t seconds = 0, microseconds = 0, captured = kFrameBytes, length = kFrameBytes;
  };
  constexpr std::size_t kFramesMin = 1024;
  const std::unique_ptr<std::FILE, Closer> file{std::fopen(path.c_str(), "wb")};
  if (!file) give_up({Error::Code::io, path, "cannot be written"});
  const FrameWriter writer{way, tcp_flag::ack};
  std::vector<std::uint32_t> order(std::max(flows, kFramesMin));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i % flows);
  Random random{42};
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  const FileHeader head;
  bool written = std::fwrite(&head, sizeof head, 1, file.get()) == 1;
  for (const std::uint32_t flow : order) {
    std::array<std::byte, kFrameRoom> frame;
    const FrameHeader frame_head;
    writer.write(frame.data(), flow);
    written = written && std::fwrite(&frame_head, sizeof frame_head, 1, file.get()) == 1 &&
              std::fwrite(frame.data(), kFrameBytes, 1, file.get()) == 1;
  }
  if (!written) give_up({Error::Code::io, path, "no room"});
}

std::uint32_t DpdkBench::memory_mb(std::uint32_t frames) {
  return static_cast<std::uint32_t>(PacketPool::bytes_for({.buffers = frames + kBuffersBesides}) * 21 / 20 >> 20U) + 64;
}

DpdkBench::DpdkBench(const Options& options) : options_{options} {
  auto eal = Eal::start({.file_prefix = fmt::format("fulcrum-bench-{}", getpid()),
                         .memory_mb = memory_mb(options.frames),
                         .hugepages = options.hugepages,
                         .housekeeping_core = options.core,
                         .worker_cores = {},
                         .pci_devices = {}});
  if (!eal) give_up(eal.error());
  eal_.emplace(std::move(*eal));
  auto pool = PacketPool::create({.buffers = options.frames + kBuffersBesides});
  if (!pool) give_up(pool.error());
  pool_.emplace(std::move(*pool));
}

DpdkBench::~DpdkBench() = default;

std::unique_ptr<PacketPort> DpdkBench::open(PortId id, const NicProfile& profile, const std::string& device) {
  auto port = DpdkPort::open({.name = profile.name, .device = device, .id = id}, profile, *pool_);
  if (!port) give_up(port.error());
  return std::move(*port);
}

std::unique_ptr<PacketPort> DpdkBench::capture_port(PortId id, const std::string& capture) {
  return open(id, profile_of("net_pcap", "rx_pcap={device},infinite_rx=1", options_.checksum), capture);
}

std::unique_ptr<PacketPort> DpdkBench::flow_port(PortId id, Way way, std::size_t flows, PacketPort& sink) {
  const auto fact = options_.checksum == ChecksumCheck::software ? ChecksumFact::verify : ChecksumFact::unknown;
  return std::make_unique<FlowDpdkPort>(id, way, flows, *pool_, sink, fact);
}

std::unique_ptr<PacketPort> DpdkBench::sink_port(PortId id) {
  return open(id, profile_of("net_null", "no-rx=1", options_.checksum), "none");
}

}  // namespace fulcrum::bench
