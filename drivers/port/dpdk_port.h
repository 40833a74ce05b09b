// A data port over one of DPDK's Ethernet devices: a NIC by its PCI address, or a virtual device of the lab kinds,
// which is made when the port is opened. The profile says how (profiles.h). There is one receive and one transmit queue
// for each worker, and a frame's handle is the DPDK buffer it lies in (packet_pool.h).
//
// No transmit offload is used: the rewrite stage keeps every checksum right incrementally (RFC 1624).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "dataplane/base/address.h"
#include "dataplane/base/result.h"
#include "dataplane/packet/port.h"
#include "drivers/port/packet_pool.h"
#include "drivers/port/profiles.h"

namespace fulcrum {

// Whom a port is connected to, as far as that is the same for all its packets.
enum class Faces : std::uint8_t { both, clients, servers };

struct DpdkPortOptions {
  std::string name;    // for messages
  std::string device;  // as the profile's `device` says
  PortId id{};
  std::uint16_t mtu = 1500;
  std::uint16_t queues = 1;  // one per worker
  Faces faces = Faces::both;
};

class DpdkPort final : public PacketPort {
 public:
  // Main thread, after EAL's start, which must have allowed a PCI device (`-a`). `pool` is borrowed and must outlive
  // the port. On success the port receives. Errors, all sentences for a person: the device is missing or another
  // driver's, too few queues, an MTU it does not take, the driver refused.
  static Result<std::unique_ptr<DpdkPort>> open(const DpdkPortOptions& options, const NicProfile& profile,
                                                const PacketPool& pool);
  ~DpdkPort() override;

  // Buffers that the queues of such a port may hold at most.
  [[nodiscard]] static std::uint32_t buffers_for(const NicProfile& profile, std::uint16_t queues) noexcept;

  [[nodiscard]] const Mac& mac() const noexcept { return mac_; }

  std::size_t receive(std::uint16_t queue, std::span<Frame> into) noexcept override;
  std::size_t send(std::uint16_t queue, std::span<const Frame> frames) noexcept override;
  LossCounts take_losses() noexcept override;
  LinkState link() noexcept override;
  void take_length(const Frame& frame) noexcept override;
  void release(std::span<const Frame> frames) noexcept override { free_frames(frames); }

 private:
  DpdkPort(const DpdkPortOptions& options, const NicProfile& profile) : options_{options}, profile_{profile} {}
  Result<void> attach();
  Result<void> configure();
  Result<void> set_up_queues(const PacketPool& pool);
  Result<void> start();
  [[nodiscard]] tl::unexpected<Error> refused(Error::Code code, std::string text) const;

  DpdkPortOptions options_;
  NicProfile profile_;
  std::string device_name_;            // DPDK's
  std::optional<std::uint16_t> port_;  // DPDK's number of it
  bool virtual_device_ = false;        // made by us, so taken away by us
  bool hardware_checksum_ = false;
  std::set<int> packet_sockets_;      // the driver's, of which it tells nothing (packet_sockets.h)
  unsigned interface_number_ = 0;     // the kernel's, of a Linux interface
  std::atomic<bool> is_gone_{false};  // as link() found it last
  LossCounts lost_before_{};          // what DPDK had counted at the last look
  Mac mac_;
};

}  // namespace fulcrum
