#include "drivers/port/packet_pool.h"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <utility>

namespace fulcrum {
namespace {

constexpr std::uint32_t kCachePerThread = 256;
// Ethernet header, two VLAN tags and FCS.
constexpr std::uint32_t kLinkOverhead = 26;

std::uint16_t buffer_room(std::uint16_t mtu) {
  // Receive descriptors of several NICs count in steps of 1 KiB: a room between two steps is wasted.
  const std::uint32_t room = (mtu + kLinkOverhead + 1023U) / 1024U * 1024U;
  return static_cast<std::uint16_t>(std::max(room, 2048U) + RTE_PKTMBUF_HEADROOM);
}

}  // namespace

std::uint64_t PacketPool::bytes_for(const Shape& shape) noexcept {
  constexpr std::uint64_t per_object = sizeof(rte_mbuf) + 64 + 8;  // mempool's header, ring slot
  return shape.buffers * (per_object + buffer_room(shape.mtu_max));
}

Result<PacketPool> PacketPool::create(const Shape& shape) {
  rte_mempool* pool = rte_pktmbuf_pool_create("fulcrum-packets", shape.buffers, kCachePerThread, 0,
                                              buffer_room(shape.mtu_max), static_cast<int>(rte_socket_id()));
  if (pool == nullptr) {
    return fail(Error::Code::limit, "memory_mb",
                fmt::format("no room for {} packet buffers ({} MiB): {}; raise `memory_mb`", shape.buffers,
                            bytes_for(shape) >> 20U, rte_strerror(rte_errno)));
  }
  return PacketPool{pool};
}

PacketPool::PacketPool(PacketPool&& other) noexcept : pool_{std::exchange(other.pool_, nullptr)} {}
PacketPool::~PacketPool() { rte_mempool_free(pool_); }

std::uint32_t PacketPool::size() const noexcept { return pool_->size; }
std::uint32_t PacketPool::available() const noexcept { return rte_mempool_avail_count(pool_); }

void free_frames(std::span<const Frame> frames) noexcept {
  std::array<rte_mbuf*, kBatchMax> buffers;
  while (!frames.empty()) {
    const auto some = frames.first(std::min(frames.size(), buffers.size()));
    std::transform(some.begin(), some.end(), buffers.begin(),
                   [](const Frame& frame) { return static_cast<rte_mbuf*>(frame.handle); });
    rte_pktmbuf_free_bulk(buffers.data(), static_cast<unsigned>(some.size()));
    frames = frames.subspan(some.size());
  }
}

}  // namespace fulcrum
