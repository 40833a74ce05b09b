#include "drivers/port/interface_link.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "dataplane/base/owned_fd.h"
#include "drivers/port/interface_request.h"

namespace fulcrum {

unsigned number_of_interface(const std::string& interface) noexcept { return if_nametoindex(interface.c_str()); }

LinkState link_of_interface(const std::string& interface, unsigned number) noexcept {
  if (number_of_interface(interface) != number) return LinkState::gone;
  const OwnedFd asks{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request = request_for(interface);
  if (!asks.valid()) return LinkState::unknown;
  if (ioctl(asks.get(), SIOCGIFFLAGS, &request) != 0) return errno == ENODEV ? LinkState::gone : LinkState::unknown;
  return (request.ifr_flags & IFF_RUNNING) != 0 ? LinkState::up : LinkState::down;
}

}  // namespace fulcrum
