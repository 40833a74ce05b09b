// By what compile knows services, servers and members again from one generation to the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "dataplane/base/address.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

struct ServiceKey {
  Address address;
  Be16 port{0};
  Protocol protocol{};
  friend bool operator==(const ServiceKey&, const ServiceKey&) = default;
};

struct ServerKey {
  std::uint16_t service = 0;
  Address address;
  Be16 port{0};
  std::string_view name;
  friend bool operator==(const ServerKey&, const ServerKey&) = default;
};

inline std::size_t hash_of(const Address& address, Be16 port, std::uint64_t more) {
  const std::uint64_t hash = (address.words()[0] * 31 + address.words()[1]) * 31 + (more << 16U | port.wire());
  return static_cast<std::size_t>((hash ^ hash >> 29U) * 0xBF58476D1CE4E5B9U);
}

struct KeyHash {
  std::size_t operator()(const ServiceKey& key) const {
    return hash_of(key.address, key.port, static_cast<std::uint64_t>(key.protocol));
  }
  std::size_t operator()(const ServerKey& key) const { return hash_of(key.address, key.port, key.service); }
};

using MemberName = std::pair<std::uint16_t, std::string_view>;  // row of the farm, server
struct MemberHash {
  std::size_t operator()(const MemberName& name) const {
    return std::hash<std::string_view>{}(name.second) * 31 + name.first;
  }
};

}  // namespace fulcrum
