// A data port without a wire, for tests and benches: what a test injects is received, what is sent the test takes.
// Every buffer is counted, so that a test can ask at its end whether all of them came back (outstanding() == 0).
// One mutex serves all queues: this port is for checking, not for speed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "dataplane/packet/port.h"

namespace fulcrum {

class MemoryPort final : public PacketPort {
 public:
  using Bytes = std::vector<std::byte>;
  struct Options {
    PortId id{};
    std::uint16_t queues = 1;
    ChecksumFact checksum = ChecksumFact::verify;  // what received frames say
    std::size_t wire_capacity = SIZE_MAX;          // frames that send() takes before the test takes them away
  };
  explicit MemoryPort(const Options& options);

  // The test's side; any thread. `queue` is where the frame will be received.
  void inject(std::uint16_t queue, std::span<const std::byte> bytes);
  // Frames that this port shall say it lost.
  void lose(Loss why, std::uint64_t frames);
  // What it says of its link from now on.
  void set_link(LinkState link) noexcept { link_ = link; }
  // All that was sent since the last call, oldest first.
  [[nodiscard]] std::vector<Bytes> take_sent();
  // Frames that the receiver got and neither sent nor released. They may come from another MemoryPort: the count is of
  // buffers that this port made.
  [[nodiscard]] std::size_t outstanding() const;

  std::size_t receive(std::uint16_t queue, std::span<Frame> into) noexcept override;
  std::size_t send(std::uint16_t queue, std::span<const Frame> frames) noexcept override;
  LossCounts take_losses() noexcept override;
  LinkState link() noexcept override { return link_; }
  void release(std::span<const Frame> frames) noexcept override;

 private:
  struct Buffer;
  struct Shared {  // outlives the port as long as one of its buffers does
    mutable std::mutex mutex;
    std::size_t outstanding = 0;
  };
  Options options_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  mutable std::mutex mutex_;
  std::vector<std::deque<Bytes>> waiting_;  // by queue
  std::vector<Bytes> sent_;
  LossCounts lost_{};
  std::atomic<LinkState> link_{LinkState::unknown};
};

}  // namespace fulcrum
