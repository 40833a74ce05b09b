// Ports in memory for benches. They cost a few nanoseconds, and every figure is taken with and without the worker
// behind them, so that what they cost can be taken off.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/packet/port.h"
#include "tests/bench/flows.h"

namespace fulcrum::bench {

// Field by field, as the product's ports do it.
inline void set_frame(Frame& frame, std::byte* at, PortId port) noexcept {
  frame.data = at;
  frame.length = kFrameBytes;
  frame.port = port;
  frame.checksum = ChecksumFact::verify;
  frame.contiguous = true;
  frame.handle = nullptr;
}

// Receives packets of uniformly random flows below a number; each queue draws flows of its own. What is sent is
// counted by the worker and gone.
class FlowPort final : public PacketPort {
 public:
  FlowPort(PortId id, Way way, std::size_t flows, std::uint16_t queues);

  std::size_t receive(std::uint16_t queue, std::span<Frame> into) noexcept override;
  std::size_t send(std::uint16_t, std::span<const Frame> frames) noexcept override { return frames.size(); }
  void release(std::span<const Frame>) noexcept override {}

 private:
  struct alignas(64) Queue {
    alignas(64) std::array<std::byte, kBatchMax * kFrameRoom> frames{};
    Random random{0};
  };
  PortId id_;
  FrameWriter writer_;
  std::size_t flows_;
  std::vector<Queue> queues_;
};

// Takes what is sent; keeps copies of the last batch for whoever wants to look at them.
class SinkPort final : public PacketPort {
 public:
  std::size_t receive(std::uint16_t, std::span<Frame>) noexcept override { return 0; }
  std::size_t send(std::uint16_t, std::span<const Frame> frames) noexcept override { return frames.size(); }
  void release(std::span<const Frame>) noexcept override {}
};

// Takes what is sent and looks at every frame: is it what a load balancer should have made of flow n's packet?
class CheckingPort final : public PacketPort {
 public:
  explicit CheckingPort(Way way, bool readdressed) : way_{way}, readdressed_{readdressed} {}
  std::size_t receive(std::uint16_t, std::span<Frame>) noexcept override { return 0; }
  std::size_t send(std::uint16_t, std::span<const Frame> frames) noexcept override;
  void release(std::span<const Frame>) noexcept override {}

  [[nodiscard]] std::size_t right() const noexcept { return right_; }
  [[nodiscard]] std::size_t wrong() const noexcept { return wrong_; }

 private:
  [[nodiscard]] bool is_right(const Frame& frame) const noexcept;
  Way way_;
  bool readdressed_;
  std::size_t right_ = 0, wrong_ = 0;
};

}  // namespace fulcrum::bench
