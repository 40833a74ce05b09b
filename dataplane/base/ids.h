// Indices into the tables of the shared region. Each table has its own type, so that an index into services cannot
// be used as an index into servers.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>

namespace fulcrum {

template <class Tag, std::unsigned_integral Rep>
struct Id {
  Rep value{};
  friend constexpr auto operator<=>(Id, Id) = default;
};

using FarmId = Id<struct FarmTag, std::uint16_t>;
using ServiceId = Id<struct ServiceTag, std::uint16_t>;
using PortId = Id<struct PortTag, std::uint8_t>;  // a data port of the box, not a TCP port
using WorkerId = Id<struct WorkerTag, std::uint8_t>;
using NeighbourId = Id<struct NeighbourTag, std::uint32_t>;
using ConnectionId = Id<struct ConnectionTag, std::uint32_t>;  // index of an entry in the connection table

// A server of a service. The index is reused when a server leaves; the generation then differs, so whoever still
// holds the old id notices on the row it reads anyway.
struct ServerId {
  std::uint16_t index = 0;
  std::uint16_t generation = 0;  // 0 names no server
  friend constexpr bool operator==(ServerId, ServerId) = default;
};
inline constexpr ServerId kNoServer{};

// A server of a farm, whatever service and address it serves: what a client is bound to. Given by control once and
// never again, so it needs no generation.
using MemberId = Id<struct MemberTag, std::uint32_t>;
inline constexpr MemberId kNoMember{};

static_assert(sizeof(ServerId) == 4 && sizeof(ServiceId) == 2);

}  // namespace fulcrum
