// The argument of the kernel's interface ioctls (netdevice(7)), begun with an interface's name.
#pragma once

#include <net/if.h>

#include <algorithm>
#include <string>

namespace fulcrum {

inline ifreq request_for(const std::string& interface) noexcept {
  ifreq request{};
  std::copy_n(interface.data(), std::min(interface.size(), sizeof request.ifr_name - 1), &request.ifr_name[0]);
  return request;
}

}  // namespace fulcrum
