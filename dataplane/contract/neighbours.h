// The next hops' MAC addresses, mirrored by control from Linux's neighbour tables. Control is the only writer, any
// worker reads. Each entry carries a sequence number that is odd while it is being written: a reader who meets an odd
// or changed number treats the neighbour as unknown, which costs that packet a trip through Linux and nothing else. A
// control process killed in the middle of a write leaves one unknown neighbour until it is back.
//
// An entry keeps its index as long as a snapshot may refer to it, so servers and gateways are reached by index;
// clients on a connected network are found by address.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "dataplane/base/address.h"
#include "dataplane/base/ids.h"
#include "dataplane/contract/capacities.h"

namespace fulcrum {

enum class NeighbourState : std::uint8_t {
  free = 0,
  removed = 1,     // keeps probing chains whole; may be taken again
  unresolved = 2,  // wanted, MAC not known
  resolved = 3,
  // A control process died while it wrote the entry. It stands for nobody, but snapshots of the dead one may still lead
  // packets to it, so it must not become somebody else's before those are out of use.
  unsure = 4,
};

struct alignas(32) NeighbourEntry {
  std::atomic<std::uint32_t> sequence{0};
  std::atomic<std::uint16_t> mac_high{0};
  PortId port{};
  NeighbourState state = NeighbourState::free;
  std::atomic<std::uint32_t> mac_low{0};
  std::uint32_t unused = 0;
  Address address;
};
static_assert(sizeof(NeighbourEntry) == 32);

class NeighbourTable {
 public:
  // Probing never goes further than this from the home slot, so a lookup's cost is bounded.
  static constexpr std::size_t kProbesMax = 32;

  // Workers. The MAC of the entry as Mac::word(), or kNoMac when it is not resolved.
  static constexpr std::uint64_t kNoMac = UINT64_MAX;
  [[nodiscard]] std::uint64_t mac_word(NeighbourId id) const noexcept;
  // The same for those who are in no hurry.
  [[nodiscard]] std::optional<Mac> mac(NeighbourId id) const noexcept {
    const std::uint64_t word = mac_word(id);
    return word == kNoMac ? std::nullopt : std::optional{Mac::from_word(word)};
  }
  // Workers. Whom the entry stands for; for a report to control, not for forwarding.
  struct Who {
    PortId port;
    Address address;
  };
  [[nodiscard]] Who who(NeighbourId id) const noexcept;
  // Workers. Finds by port and address, and returns the MAC when resolved.
  [[nodiscard]] std::optional<Mac> find(PortId port, const Address& address) const noexcept;

  // Control only. The entry of (port, address), made `unresolved` if it did not exist; nothing when the neighbourhood
  // of its home slot is full.
  std::optional<NeighbourId> obtain(PortId port, const Address& address) noexcept;
  // Control only.
  void resolve(NeighbourId id, const Mac& mac) noexcept;
  void unresolve(NeighbourId id) noexcept;
  void remove(NeighbourId id) noexcept;
  // Control only, on attach: what a predecessor left half written becomes `unsure`.
  void repair() noexcept;
  // Control only, when no worker uses a predecessor's snapshot any more: what is `unsure` may be taken again.
  void release_unsure() noexcept;

  [[nodiscard]] const NeighbourEntry& entry(NeighbourId id) const noexcept { return entries_[id.value]; }
  [[nodiscard]] static constexpr std::size_t size() noexcept { return kNeighboursMax; }

 private:
  std::array<NeighbourEntry, kNeighboursMax> entries_;
};

// Inline: every packet that leaves asks once. A reader may meet an entry that control is writing. Every field is loaded
// with acquire and stored with release: a reader who has seen any part of a write sees the odd sequence number that
// went before it, and throws the rest away. (Fences would do with less, but ThreadSanitizer does not know them, and on
// x86 the code is the same.)
inline std::uint64_t NeighbourTable::mac_word(NeighbourId id) const noexcept {
  if (id.value >= kNeighboursMax) return kNoMac;
  const NeighbourEntry& entry = entries_[id.value];
  const std::uint32_t before = entry.sequence.load(std::memory_order_acquire);
  NeighbourState state;
  __atomic_load(&entry.state, &state, __ATOMIC_ACQUIRE);
  const std::uint64_t high = entry.mac_high.load(std::memory_order_acquire);
  const std::uint64_t low = entry.mac_low.load(std::memory_order_acquire);
  if ((before & 1U) != 0 || entry.sequence.load(std::memory_order_relaxed) != before) return kNoMac;
  return state == NeighbourState::resolved ? high | low << 16U : kNoMac;
}

}  // namespace fulcrum
