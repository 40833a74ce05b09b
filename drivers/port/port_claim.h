// What marks a data port's device as ours: an abstract Unix socket named after it, which the kernel takes away with
// the process, however it dies. A second dataplane that wants the same device is told so, instead of both reading half
// of the packets.
//
// An interface of the lab kinds (af_packet, af_xdp) is besides made ready to be read raw: up, promiscuous for as long
// as we live (a packet socket holds that, not a flag that would stay behind), IPv6 off, since the box answers through
// its kernel twin and a second stack on the same wire would answer too.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/owned_fd.h"
#include "dataplane/base/result.h"

namespace fulcrum {

// All of these: main thread at start; the errors are sentences with the way out.
class PortClaim {
 public:
  // Claims `device` (an interface name, a PCI address, a file) in our network namespace. Errors: conflict, after two
  // seconds in which a dataplane that was killed lets go.
  static Result<PortClaim> of_device(const std::string& device);
  // Whether an interface could be claimed, so far as that can be told without touching it. Errors: it is missing (the
  // sentence lists those that exist), it carries an IPv4 address.
  static Result<void> check_interface(const std::string& interface);
  // Claims an interface and makes it ready. Errors: as check_interface(), conflict.
  static Result<PortClaim> of_interface(const std::string& interface, std::uint16_t mtu);

  PortClaim() = default;  // claims nothing

 private:
  OwnedFd mark_;
  OwnedFd promiscuous_;
};

}  // namespace fulcrum
