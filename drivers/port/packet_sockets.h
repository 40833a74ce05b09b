// The packet sockets (packet(7)) of a port that DPDK's af_packet driver made. Linux counts for each socket how many
// frames found its ring full, but the driver of DPDK 22.11 never asks; we do, on the driver's own sockets. They are
// those that the process has after the driver started and had not before.
#pragma once

#include <cstdint>
#include <set>

namespace fulcrum {

// The descriptors of all packet sockets of this process. Main thread at start.
[[nodiscard]] std::set<int> packet_sockets();

// Frames that found the socket's ring full since the last call: asking sets Linux's counter back. Any one thread.
[[nodiscard]] std::uint64_t take_overflows(int packet_socket) noexcept;

}  // namespace fulcrum
