// A received frame as the stages see it: bytes, not a DPDK mbuf. The port that made it knows what `handle` is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/ids.h"

namespace fulcrum {

inline constexpr std::size_t kBatchMax = 32;
// Every frame's buffer has room for so many bytes from `data` on, whatever came in: for an answer (packet/answer.h).
inline constexpr std::size_t kFrameRoom = 256;

// What the receiving port knows about the transport checksum.
enum class ChecksumFact : std::uint8_t {
  unknown,  // nobody looked; it passes through unverified, end to end
  good,
  bad,
  verify,  // the port's profile asks for verification in software
};

struct Frame {
  std::byte* data = nullptr;  // the Ethernet header
  std::uint32_t length = 0;   // bytes without FCS
  PortId port{};              // where it came in
  ChecksumFact checksum = ChecksumFact::unknown;
  bool contiguous = true;  // false: `data` covers only the first of several segments
  void* handle = nullptr;  // the port's own

  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {data, length}; }
};

}  // namespace fulcrum
