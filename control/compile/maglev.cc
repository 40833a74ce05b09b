#include "control/compile/maglev.h"

#include <algorithm>
#include <numeric>

namespace fulcrum {
namespace {

constexpr std::uint16_t kFree = UINT16_MAX;

// Vigna's splitmix64 finalizer.
std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

// A server on its way through its own order of the slots: offset, offset + skip, offset + 2 skip ... (3.4 of the
// paper). The size is a prime, so that meets every slot once.
struct Taker {
  std::uint16_t position = 0;
  std::uint32_t weight = 0;
  std::uint32_t credit = 0;
  std::size_t next = 0, skip = 0;
};

std::vector<Taker> takers_of(std::span<const MaglevServer> servers, std::size_t size, std::uint32_t heaviest) {
  std::vector<std::uint16_t> order(servers.size());
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::uint16_t a, std::uint16_t b) { return servers[a].identity < servers[b].identity; });
  std::vector<Taker> takers;
  for (const std::uint16_t position : order) {
    const MaglevServer& server = servers[position];
    if (server.weight == 0) continue;
    const std::uint64_t hash = mixed(server.identity + 0x9E3779B97F4A7C15U);
    // Half a turn to begin with, so that the shares are rounded and not cut off.
    takers.push_back({.position = position,
                      .weight = server.weight,
                      .credit = heaviest / 2,
                      .next = hash % size,
                      .skip = mixed(hash) % (size - 1) + 1});
  }
  return takers;
}

}  // namespace

std::vector<std::uint16_t> maglev_table(std::span<const MaglevServer> servers, std::size_t size) {
  std::uint32_t heaviest = 0;
  for (const MaglevServer& server : servers) heaviest = std::max<std::uint32_t>(heaviest, server.weight);
  std::vector<Taker> takers = takers_of(servers, size, heaviest);
  std::vector<std::uint16_t> table(size, kFree);
  for (std::size_t taken = 0; taken < size;) {
    for (Taker& taker : takers) {
      taker.credit += taker.weight;
      if (taker.credit < heaviest) continue;
      taker.credit -= heaviest;
      while (table[taker.next] != kFree) taker.next = (taker.next + taker.skip) % size;
      table[taker.next] = taker.position;
      if (++taken == size) break;
    }
  }
  return table;
}

}  // namespace fulcrum
