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
  PortId port{};
  NeighbourState state = NeighbourState::free;
  std::uint16_t unused = 0;
  std::atomic<std::uint64_t> mac_word{0};  // of a resolved one Mac::word(), else kNoMac: one load for a packet
  Address address;
};
static_assert(sizeof(NeighbourEntry) == 32);

class NeighbourTable {
 public:
  // Probing never goes further than this from the home slot, so a lookup's cost is bounded.
  static constexpr std::size_t kProbesMax = 32;

  // Workers. The MAC of the entry as Mac::word(), or kNoMac when it is not resolved.
  static constexpr std::uint64_t kNoMac = 0;
  [[nodiscard]] std::uint64_t mac_word(NeighbourId id) const noexcept;
  // Workers. That mac_word(NeighbourId{id}) will be asked; any number.
  void prefetch(std::uint32_t id) const noexcept { __builtin_prefetch(entries_.data() + id); }
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

// Inline: every packet that leaves asks once.
inline std::uint64_t NeighbourTable::mac_word(NeighbourId id) const noexcept {
  if (id.value >= kNeighboursMax) return kNoMac;
  return entries_[id.value].mac_word.load(std::memory_order_acquire);
}

}  // namespace fulcrum
