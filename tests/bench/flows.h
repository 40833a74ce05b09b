// The flows of the benches and their packets. Flow n is a client of its own (64 to an address, from 16.0.0.0 on) that
// talks to the one service; its server is n modulo the servers. Packets are real 60-byte TCP frames with right
// checksums (64 with FCS, the size that every published packet rate is about). A frame is made by copying a template
// and adding the client to its checksum, because what the bench spends on making packets is measured with them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "dataplane/base/checksum.h"
#include "dataplane/base/wide.h"
#include "dataplane/contract/connections.h"
#include "dataplane/packet/facts.h"
#include "dataplane/packet/headers.h"

namespace fulcrum::bench {

inline constexpr std::size_t kFrameBytes = 60;
inline constexpr std::size_t kFrameRoom = 64;  // what writing a frame may touch
inline constexpr std::size_t kServers = 100;
inline constexpr std::uint16_t kServicePort = 80, kServerPort = 8080;
inline constexpr const char* kServiceAddress = "198.51.100.10";
// Of the box's ports 0 (to the clients) and 1 (to the servers), and of who is behind them.
inline constexpr std::array<const char*, 2> kBoxMacs{"02:00:00:00:00:01", "02:00:00:00:01:01"};
inline constexpr const char* kRouterMac = "02:00:00:00:00:99";
inline constexpr const char* kRouterAddress = "203.0.113.1";

enum class Way : std::uint8_t { to_server, to_client };

// Fast and good enough to pick flows with (Vigna's splitmix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_{seed} {}
  std::size_t below(std::size_t size) noexcept {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    return reduce((z ^ (z >> 27U)) * 0x94D049BB133111EBU, size);
  }

 private:
  std::uint64_t state_;
};

struct Client {
  Be32 address;
  Be16 port;
};

constexpr Client client_of(std::uint64_t flow) noexcept {
  return {Be32{static_cast<std::uint32_t>(0x10000000U + (flow >> 6U))},
          Be16{static_cast<std::uint16_t>(1024U + (flow & 63U))}};
}
constexpr std::uint64_t flow_of(Client client) noexcept {
  return static_cast<std::uint64_t>(client.address.host() - 0x10000000U) << 6U | (client.port.host() - 1024U);
}

// The key under which flow n is found.
FlowKey key_of(std::uint64_t flow, ServiceId service) noexcept;
Address server_address(std::size_t server);
const char* server_mac();

// Frames of one way and one set of TCP flags.
class FrameWriter {
 public:
  FrameWriter(Way way, std::uint8_t tcp_flags);

  // The frame of `flow` from or to `server`, into kFrameRoom bytes.
  void write(std::byte* at, std::uint64_t flow, std::size_t server) const noexcept;
  void write(std::byte* at, std::uint64_t flow) const noexcept { write(at, flow, flow % kServers); }

 private:
  struct Template {
    alignas(64) std::array<std::byte, kFrameRoom> bytes{};
    std::uint64_t ip_sum = 0, tcp_sum = 0;  // without the client and the checksums themselves
  };
  Way way_;
  std::vector<Template> templates_;  // by server; to the server one for all
};

}  // namespace fulcrum::bench
