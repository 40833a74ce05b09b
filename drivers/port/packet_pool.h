// The packet buffers (DPDK's mbufs) of all ports and twins of this process, and how frames map to them: a frame's
// handle is its mbuf. One pool for all, so that a frame can leave by any port without a copy, and so that it can be
// shown at the end that every buffer came back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/result.h"
#include "dataplane/packet/frame.h"

struct rte_mbuf;
struct rte_mempool;

namespace fulcrum {

class PacketPool {
 public:
  struct Shape {
    std::uint32_t buffers = 0;
    std::uint16_t mtu_max = 1500;  // the largest of all ports; a frame of it fits in one buffer
  };
  // After EAL's start. Error: not enough of `memory_mb`.
  static Result<PacketPool> create(const Shape& shape);
  // Bytes that create() would take, roughly; for a sentence about `memory_mb` before EAL's start.
  [[nodiscard]] static std::uint64_t bytes_for(const Shape& shape) noexcept;

  PacketPool(PacketPool&& other) noexcept;
  PacketPool& operator=(PacketPool&&) = delete;
  ~PacketPool();

  [[nodiscard]] rte_mempool* handle() const noexcept { return pool_; }
  [[nodiscard]] std::uint32_t size() const noexcept;
  // Buffers that nobody holds; exact when all threads rest.
  [[nodiscard]] std::uint32_t available() const noexcept;

 private:
  explicit PacketPool(rte_mempool* pool) : pool_{pool} {}
  rte_mempool* pool_;
};

// The buffer's first segment as a frame. Any thread that owns the buffer.
Frame frame_of(rte_mbuf* buffer, PortId port, ChecksumFact checksum) noexcept;
// Gives the frames' buffers back to their pool. Any thread.
void free_frames(std::span<const Frame> frames) noexcept;

}  // namespace fulcrum
