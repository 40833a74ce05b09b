// Whole lives of TCP connections, one after another and many at a time: SYN, SYN-ACK, ACK, FIN, FIN-ACK, ACK. Two ports
// play the clients and the servers. Every eighth of a batch begins eight new flows, and each flow's next packet follows
// kRoundTrip flows later, so that a connection's entry has left the nearest caches by then, as in a network. Where
// both directions pass (NAT) the servers answer from where the client's SYN was sent to, which they learn when they
// get it; in DSR only the clients' four packets pass.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/packet/port.h"
#include "tests/bench/flows.h"

namespace fulcrum::bench {

class Lives {
 public:
  static constexpr std::uint64_t kRoundTrip = 16384;  // in flows: 8 ms at two million a second

  // Flows are numbered from `first` on and never used again.
  Lives(std::uint64_t first, bool both_directions);

  // The ports, as the box has them: 0 to the clients, 1 to the servers.
  [[nodiscard]] std::array<PacketPort*, 2> ports() noexcept { return {&clients_, &servers_}; }
  // Lives that have come to their last packet.
  [[nodiscard]] std::uint64_t ended() const noexcept { return ended_; }

 private:
  static constexpr std::uint64_t kStep = 8;            // flows that begin in a batch
  static constexpr std::uint64_t kAtOnce = 1U << 17U;  // more than five round trips
  static_assert(kAtOnce > 5 * kRoundTrip);

  class ClientPort final : public PacketPort {
   public:
    explicit ClientPort(Lives& lives) : lives_{lives} {}
    std::size_t receive(std::uint16_t, std::span<Frame> into) noexcept override { return lives_.from_clients(into); }
    std::size_t send(std::uint16_t, std::span<const Frame> frames) noexcept override { return frames.size(); }
    void release(std::span<const Frame>) noexcept override {}

   private:
    Lives& lives_;
  };
  class ServerPort final : public PacketPort {
   public:
    explicit ServerPort(Lives& lives) : lives_{lives} {}
    std::size_t receive(std::uint16_t, std::span<Frame> into) noexcept override { return lives_.from_servers(into); }
    std::size_t send(std::uint16_t, std::span<const Frame> frames) noexcept override { return lives_.learn(frames); }
    void release(std::span<const Frame>) noexcept override {}

   private:
    Lives& lives_;
  };

  std::size_t from_clients(std::span<Frame> into) noexcept;
  std::size_t from_servers(std::span<Frame> into) noexcept;
  std::size_t learn(std::span<const Frame> frames) noexcept;
  // Adds the packets of kStep flows that began so many round trips ago.
  void add(std::span<Frame> into, std::size_t& count, PortId port, const FrameWriter& writer, std::uint64_t trips);

  FrameWriter syn_, syn_ack_, ack_, fin_, fin_ack_;
  ClientPort clients_;
  ServerPort servers_;
  std::uint64_t first_, next_;
  std::uint64_t ended_ = 0;
  bool both_directions_;
  std::vector<std::uint8_t> server_of_;  // by flow modulo kAtOnce
  struct alignas(64) Room {
    std::array<std::byte, 32 * kFrameRoom> bytes;
  };
  std::array<Room, 2> rooms_{};
};

}  // namespace fulcrum::bench
