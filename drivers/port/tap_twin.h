// A kernel twin made of a TAP device: an Ethernet interface whose wire is a file descriptor. It is made inside the
// twins' namespace, carries the data port's name, MAC and MTU, and vanishes with the process. Linux finishes all
// checksums before it hands a frame over, because we never tell TAP that we could. One system call per frame: what
// punts is the slow path.
//
// Control puts the interface up and gives it its addresses.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dataplane/base/address.h"
#include "dataplane/base/owned_fd.h"
#include "dataplane/base/result.h"
#include "dataplane/packet/port.h"
#include "drivers/port/packet_pool.h"
#include "drivers/port/twin_namespace.h"

namespace fulcrum {

struct TwinOptions {
  std::string interface;  // at most 15 letters
  Mac mac;
  std::uint16_t mtu = 1500;
  PortId port{};  // of the data port; stands in received frames
};

class TapTwin final : public Twin {
 public:
  // Main thread at start. `pool` is borrowed. Errors: the name is taken in that namespace, no /dev/net/tun, not root.
  static Result<std::unique_ptr<TapTwin>> make(const TwinOptions& options, const NetworkNamespace& where,
                                               const PacketPool& pool);
  ~TapTwin() override;

  std::size_t receive(std::span<Frame> into) noexcept override;
  std::size_t deliver(std::span<const Frame> frames) noexcept override;
  [[nodiscard]] int wait_descriptor() const noexcept override { return tap_.get(); }

 private:
  TapTwin(OwnedFd tap, PortId port, rte_mempool* pool) : tap_{std::move(tap)}, port_{port}, pool_{pool} {}
  OwnedFd tap_;
  PortId port_;
  rte_mempool* pool_;
  rte_mbuf* spare_ = nullptr;  // what the next frame is read into; kept when there was none
};

}  // namespace fulcrum
