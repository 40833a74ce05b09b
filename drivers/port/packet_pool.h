// The packet buffers (DPDK's mbufs) of all ports and twins of this process, and how frames map to them: a frame's
// handle is its mbuf. One pool for all, so that a frame can leave by any port without a copy, and so that it can be
// shown at the end that every buffer came back.
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/result.h"
#include "dataplane/packet/frame.h"

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

// Makes `frame` of the buffer's first segment. Any thread that owns the buffer. Field by field into its place: a Frame
// that is made on the stack and copied is read back in larger pieces than it was written in, and waits for that.
inline void set_frame(Frame& frame, rte_mbuf* buffer, PortId port, ChecksumFact checksum) noexcept {
  frame.data = rte_pktmbuf_mtod(buffer, std::byte*);
  frame.length = buffer->data_len;
  frame.port = port;
  frame.checksum = checksum;
  frame.contiguous = buffer->nb_segs == 1;
  frame.handle = buffer;
}
// Gives the frames' buffers back to their pool. Any thread.
void free_frames(std::span<const Frame> frames) noexcept;

}  // namespace fulcrum
