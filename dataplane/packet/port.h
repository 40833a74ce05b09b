// Where frames come from and go to. Virtual at the rim: one call per burst, never per packet. Implementations are in
// drivers/port; tests and benches bring their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/contract/link.h"
#include "dataplane/contract/loss.h"
#include "dataplane/packet/frame.h"

namespace fulcrum {

// A data port with numbered queues. A queue is used by one thread at a time.
class PacketPort {
 public:
  virtual ~PacketPort() = default;
  // Fills at most into.size() frames, in order of arrival, and returns how many. The caller then owns them.
  virtual std::size_t receive(std::uint16_t queue, std::span<Frame> into) noexcept = 0;
  // Takes frames from the front and returns how many; those belong to the port again. The others stay the caller's.
  virtual std::size_t send(std::uint16_t queue, std::span<const Frame> frames) noexcept = 0;
  // The frame has another length than it came with. By ports that keep lengths of their own.
  virtual void take_length(const Frame& /*frame*/) noexcept {}
  // Frames that were lost since the last call before receive() could hand them over. The housekeeping thread.
  virtual LossCounts take_losses() noexcept { return {}; }
  // Whether it is connected to anything. The housekeeping thread, now and then.
  virtual LinkState link() noexcept { return LinkState::unknown; }
  // Gives frames back unsent. Any thread.
  virtual void release(std::span<const Frame> frames) noexcept = 0;
};

// The kernel twin of a data port: Linux sees the port as an interface of its own, with the port's MAC and addresses.
// Used by the housekeeping thread only.
class Twin {
 public:
  virtual ~Twin() = default;
  // Frames that Linux sends by this port, in buffers that the data port can transmit.
  virtual std::size_t receive(std::span<Frame> into) noexcept = 0;
  // Hands frames to Linux and releases them all; returns how many Linux took.
  virtual std::size_t deliver(std::span<const Frame> frames) noexcept = 0;
  // Readable when receive() has something; -1 if it must be polled.
  [[nodiscard]] virtual int wait_descriptor() const noexcept = 0;
};

}  // namespace fulcrum
