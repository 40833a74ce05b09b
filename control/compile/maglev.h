// Maglev's table (Eisenbud and others, "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, 3.4),
// with weights. Every server has an order of its own in which it would like to have the slots; in turns, each takes the
// first of its order that is still free, until none is. A server has as many turns as its weight says, so each gets its
// share of the slots, to one slot; when one leaves, its slots go to the others and few else change hands.
//
// The table depends on nothing but the servers' identities and weights: not on their order in the configuration, nor on
// their health. So it is the same on every box with that configuration, stays while servers fail and come back, and
// services with the same servers share it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fulcrum {

struct MaglevServer {
  std::uint64_t identity = 0;  // the same on every box and in every generation; no two servers have the same
  std::uint16_t weight = 0;    // 0: gets no slot
  friend bool operator==(const MaglevServer&, const MaglevServer&) = default;
};

// For each slot the position of its server in `servers`, of which there are at least one with a weight and at most
// 65535. `size` is a prime and larger than their number.
std::vector<std::uint16_t> maglev_table(std::span<const MaglevServer> servers, std::size_t size);

}  // namespace fulcrum
