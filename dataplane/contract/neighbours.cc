#include "dataplane/contract/neighbours.h"

#include <bit>

#include "dataplane/base/wide.h"

namespace fulcrum {
namespace {

// Where probing begins. Neighbours of one network differ in a byte or two, which stand at the top of a word: each
// multiplication spreads a difference upwards only, so the top is folded down before the next.
std::size_t home(PortId port, const Address& address) noexcept {
  std::uint64_t hash = (address.words()[0] ^ port.value) * 0x9E3779B97F4A7C15U;
  hash = (hash ^ (hash >> 32U) ^ address.words()[1]) * 0xD6E8FEB86659FD93U;
  hash = (hash ^ (hash >> 32U)) * 0xE7037ED1A0B428DBU;
  return reduce(hash, kNeighboursMax);
}

bool in_use(NeighbourState state) noexcept {
  return state == NeighbourState::unresolved || state == NeighbourState::resolved;
}

// A reader may meet an entry that control is writing. Every field is loaded with acquire and stored with release: a
// reader who has seen any part of a write sees the odd sequence number that went before it, and throws the rest away.
// (Fences would do with less, but ThreadSanitizer does not know them, and on x86 the code is the same.)
Address load_address(const NeighbourEntry& entry) noexcept {
  std::array<std::uint64_t, 2> words;
  const auto* from = reinterpret_cast<const std::uint64_t*>(&entry.address);
  for (std::size_t i = 0; i < 2; ++i) words[i] = __atomic_load_n(from + i, __ATOMIC_ACQUIRE);
  return std::bit_cast<Address>(words);
}

void store_address(NeighbourEntry& entry, const Address& address) noexcept {
  auto* to = reinterpret_cast<std::uint64_t*>(&entry.address);
  for (std::size_t i = 0; i < 2; ++i) __atomic_store_n(to + i, address.words()[i], __ATOMIC_RELEASE);
}

NeighbourState load_state(const NeighbourEntry& entry) noexcept {
  NeighbourState state;
  __atomic_load(&entry.state, &state, __ATOMIC_ACQUIRE);
  return state;
}

PortId load_port(const NeighbourEntry& entry) noexcept {
  return PortId{__atomic_load_n(&entry.port.value, __ATOMIC_ACQUIRE)};
}

// Control's write access: makes the sequence odd for its lifetime.
class Writing {
 public:
  explicit Writing(NeighbourEntry& entry) noexcept : entry_{entry} {
    entry_.sequence.store(entry_.sequence.load(std::memory_order_relaxed) | 1U, std::memory_order_relaxed);
  }
  ~Writing() {
    entry_.sequence.store((entry_.sequence.load(std::memory_order_relaxed) | 1U) + 1U, std::memory_order_release);
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  // Whatever it is now, it has no MAC.
  void state(NeighbourState state) noexcept {
    entry_.mac_word.store(NeighbourTable::kNoMac, std::memory_order_release);
    __atomic_store(&entry_.state, &state, __ATOMIC_RELEASE);
  }
  void port(PortId port) noexcept { __atomic_store_n(&entry_.port.value, port.value, __ATOMIC_RELEASE); }
  void resolve(const Mac& mac) noexcept {
    NeighbourState state = NeighbourState::resolved;
    __atomic_store(&entry_.state, &state, __ATOMIC_RELEASE);
    entry_.mac_word.store(mac.word(), std::memory_order_release);
  }

 private:
  NeighbourEntry& entry_;
};

}  // namespace

NeighbourTable::Who NeighbourTable::who(NeighbourId id) const noexcept {
  if (id.value >= kNeighboursMax) return {};
  return {load_port(entries_[id.value]), load_address(entries_[id.value])};
}

std::optional<Mac> NeighbourTable::find(PortId port, const Address& address) const noexcept {
  const std::size_t from = home(port, address);
  for (std::size_t step = 0; step < kProbesMax; ++step) {
    const NeighbourId id{static_cast<std::uint32_t>((from + step) % kNeighboursMax)};
    const NeighbourEntry& entry = entries_[id.value];
    const std::uint32_t before = entry.sequence.load(std::memory_order_acquire);
    const NeighbourState state = load_state(entry);
    if (state == NeighbourState::free) return std::nullopt;
    if (!in_use(state) || load_port(entry) != port || !(load_address(entry) == address)) continue;
    const auto found = mac(id);
    // The MAC belongs to what was compared only if nothing was written in between.
    return entry.sequence.load(std::memory_order_relaxed) == before ? found : std::nullopt;
  }
  return std::nullopt;
}

std::optional<NeighbourId> NeighbourTable::obtain(PortId port, const Address& address) noexcept {
  const std::size_t from = home(port, address);
  std::optional<NeighbourId> vacant;
  for (std::size_t step = 0; step < kProbesMax; ++step) {
    const NeighbourId id{static_cast<std::uint32_t>((from + step) % kNeighboursMax)};
    const NeighbourEntry& entry = entries_[id.value];
    if (in_use(entry.state) && entry.port == port && entry.address == address) return id;
    if ((entry.state == NeighbourState::free || entry.state == NeighbourState::removed) && !vacant) vacant = id;
    if (entry.state == NeighbourState::free) break;
  }
  if (!vacant) return std::nullopt;
  Writing writing{entries_[vacant->value]};
  store_address(entries_[vacant->value], address);
  writing.port(port);
  writing.state(NeighbourState::unresolved);
  return vacant;
}

void NeighbourTable::resolve(NeighbourId id, const Mac& mac) noexcept { Writing{entries_[id.value]}.resolve(mac); }

void NeighbourTable::unresolve(NeighbourId id) noexcept {
  Writing{entries_[id.value]}.state(NeighbourState::unresolved);
}
void NeighbourTable::remove(NeighbourId id) noexcept { Writing{entries_[id.value]}.state(NeighbourState::removed); }

void NeighbourTable::repair() noexcept {
  for (NeighbourEntry& entry : entries_) {
    if ((entry.sequence.load(std::memory_order_relaxed) & 1U) == 0) continue;
    // Whichever field was being written, the address may be half of two: nobody may find it any more.
    Writing{entry}.state(NeighbourState::unsure);
  }
}

void NeighbourTable::release_unsure() noexcept {
  for (NeighbourEntry& entry : entries_) {
    if (entry.state == NeighbourState::unsure) Writing{entry}.state(NeighbourState::removed);
  }
}

}  // namespace fulcrum
