// A kernel twin made of a TAP device: an Ethernet interface whose wire is a file descriptor. It is made inside the
// twins' namespace and carries the data port's name, MAC and MTU. Linux finishes all checksums before it hands a frame
// over, because we never tell TAP that we could. One system call per frame: what punts is the slow path.
//
// Control puts the interface up and gives it its addresses. It outlives the process, however that ends: without
// carrier, but with addresses, routes and neighbours, so that the next dataplane serves at once and needs no control
// for it. See "Kernel twins" in ARCHITECTURE.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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
  PortId port{};            // of the data port; stands in received frames
  std::string runtime_dir;  // tells our twins from those of other dataplanes
};

class TapTwin final : public Twin {
 public:
  // Main thread at start. Takes up the twin of this name that an earlier dataplane left, or makes one. `pool` is
  // borrowed. Errors: the name is taken in that namespace by something else or by a dataplane that runs, no
  // /dev/net/tun, not root.
  static Result<std::unique_ptr<TapTwin>> make(const TwinOptions& options, const NetworkNamespace& where,
                                               const PacketPool& pool);
  // Takes away what an earlier start of this dataplane left for ports that it has no more: twins with our alias and a
  // name that is not in `names`. Main thread at start.
  static Result<void> remove_others(const NetworkNamespace& where, const std::string& runtime_dir,
                                    const std::vector<std::string>& names);
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
