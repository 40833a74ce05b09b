// Sends packets of random flows by a network interface of the kernel, as fast as it takes them: the traffic for peers
// that live in the kernel. A packet socket past the queueing discipline, sixty-four frames to a system call.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace fulcrum::bench {

// Returns the packets that the kernel took; 0 when the interface cannot be used.
std::uint64_t flood(const std::string& interface, std::size_t flows, std::chrono::milliseconds span);

}  // namespace fulcrum::bench
