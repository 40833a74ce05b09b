// The fixed capacities of the plane boundary. The model's bounds and the layout both come from here. A change here
// is a change of the layout: raise kLayoutVersion (region.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace fulcrum {

inline constexpr std::size_t kWorkersMax = 64;
inline constexpr std::size_t kPortsMax = 16;
inline constexpr std::size_t kFarmsMax = 4096;
inline constexpr std::size_t kServicesMax = 8192;  // one per (address, protocol, port) of a farm
inline constexpr std::size_t kServersMax = 32768;  // one per server and service
// One of each server, by one of its rows, and behind them one of each farm.
inline constexpr std::size_t kLimitsMax = kServersMax + kFarmsMax;
inline constexpr std::size_t kScheduleMax = 1U << 21U;  // entries of all services' schedules and slot tables together
inline constexpr std::size_t kSlotTablesMax = 8192;     // services with the same servers share one
// Address ranges after flattening, per family: two for each service's address, and room for routes.
inline constexpr std::size_t kRoutesMax = 20480;
inline constexpr std::size_t kNextHopsMax = 1024;
inline constexpr std::size_t kNeighboursMax = 65536;
inline constexpr std::size_t kSnapshotSlots = 4;
inline constexpr std::size_t kNameMax = 63;  // letters of a farm's, server's or port's name

}  // namespace fulcrum
