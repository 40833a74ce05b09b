// What a data port lost before the dataplane received it. Such frames are in none of the accounts of verdict.h, for
// they never were packets of ours; but a box that loses them must say so. The port's driver or Linux counts, the
// housekeeping thread carries the numbers into the region (PortCounters::lost). Frames that wait in a port when the
// process ends are not seen by anybody.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fulcrum {

// Stored in counters by value: append, never reorder.
enum class Loss : std::uint8_t { ring_full, receive_error, no_buffer };
inline constexpr std::size_t kLosses = 3;

struct LossReason {
  Loss loss;
  std::string_view name;
  std::string_view means;
};

inline constexpr std::array<LossReason, kLosses> kLossTable{{
    {Loss::ring_full, "ring_full", "came faster than the workers took it: the port's receive ring was full"},
    {Loss::receive_error, "receive_error", "the NIC received it damaged"},
    {Loss::no_buffer, "no_buffer", "the driver found no free packet buffer"},
}};

constexpr bool loss_table_in_order() {
  for (std::size_t i = 0; i < kLosses; ++i) {
    if (static_cast<std::size_t>(kLossTable[i].loss) != i) return false;
  }
  return true;
}
static_assert(loss_table_in_order());

// Frames by Loss.
using LossCounts = std::array<std::uint64_t, kLosses>;

}  // namespace fulcrum
