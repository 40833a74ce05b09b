// One connection is one cache line, for IPv4 and IPv6, TCP and UDP, NAT and DSR alike: the service id stands for the
// address, protocol and mode, the server id for the rest. The table over these entries is dataplane/lookup's; the
// layout is here because control reads entries in place (`fulcrum show connections`), without stopping a worker.
//
// Life of an entry: free -> writing -> live -> dead -> writing ... A worker that holds an entry fills it (writing) and
// makes it live, or back to free when another worker's entry for the same key came first; any worker may declare it
// dead; before it is written again every worker has passed a quiescent state. `word` holds the life in its low byte and
// above it a count that changes with every life, so that a reader who copies the line and finds the same live word
// before and after has one connection and not a mixture.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "dataplane/base/address.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/ids.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

enum class Life : std::uint8_t { free = 0, writing = 1, live = 2, dead = 3 };

// TCP as it can be known from the packets that pass; in DSR only the client's side passes. How the states follow each
// other: pipeline/tcp_state.h.
enum class ConnectionState : std::uint8_t {
  embryonic = 0,  // SYN seen, no answer of the server yet (DSR: nothing after it from the client yet)
  established = 1,
  client_closing = 2,  // FIN from the client seen
  server_closing = 3,  // FIN from the server seen
  time_wait = 4,       // FINs of both sides seen, or a RST of the server
  udp = 5,
  reset = 6,     // RST of the client seen, and nothing since that proves it false
  answered = 7,  // the server has answered, the client has not confirmed it yet
};
inline constexpr std::size_t kConnectionStates = 8;

// Whether one end at least has said that it is over: such a connection is only remembered.
constexpr bool is_closing(ConnectionState state) noexcept {
  return state == ConnectionState::client_closing || state == ConnectionState::server_closing ||
         state == ConnectionState::time_wait || state == ConnectionState::reset;
}

// Why this server was chosen. Stored by value: append, never reorder.
enum class Reason : std::uint8_t {
  scheduler = 0,      // the farm's scheduler, whichever that was
  persistence = 1,    // an earlier connection of the client went there
  fallback = 2,       // the scheduler, because the server that the client was bound to cannot be used
  spare = 3,          // any server with room, because those that the scheduler came to are full
  stand_in = 4,       // one of the reserve, at the moment at which nobody else could take it
  port_taken = 5,     // any other server, because at the scheduler's the client's port has another connection
  by_scheduler = 16,  // and what follows: the scheduler of that SchedulerKind, see reason_of
};
constexpr Reason reason_of(SchedulerKind kind) noexcept {
  return static_cast<Reason>(static_cast<unsigned>(Reason::by_scheduler) + static_cast<unsigned>(kind));
}
constexpr bool names_scheduler(Reason reason) noexcept { return reason >= Reason::by_scheduler; }
constexpr SchedulerKind scheduler_of(Reason reason) noexcept {
  return static_cast<SchedulerKind>(static_cast<unsigned>(reason) - static_cast<unsigned>(Reason::by_scheduler));
}

// When a connection was opened, in 16 bits: to the second for the first hours, then to 64 seconds. The top bit says
// which; below it stand 15 bits of the clock. The sweep, which looks at every entry every few seconds anyway, changes
// to the coarse clock in time and stops the age at about three weeks, so it never wraps around.
class OpenedAt {
 public:
  constexpr OpenedAt() = default;
  static constexpr OpenedAt from_bits(std::uint16_t bits) noexcept { return OpenedAt{bits}; }
  static constexpr OpenedAt at(Tick now) noexcept { return OpenedAt{fine(now)}; }
  [[nodiscard]] constexpr std::uint16_t bits() const noexcept { return bits_; }
  // Seconds since; `age_max_s` stands for that and more.
  [[nodiscard]] constexpr std::uint32_t age_s(Tick now) const noexcept {
    return is_coarse() ? since(coarse(now)) * kCoarseSeconds : since(fine(now));
  }
  // What to store instead, so that the age stays right: mostly itself. To be asked at least every hour.
  [[nodiscard]] constexpr OpenedAt kept(Tick now) const noexcept {
    if (!is_coarse()) {
      if (since(fine(now)) < kFineMax) return *this;
      return coarse_at(static_cast<std::uint16_t>(coarse(now) - since(fine(now)) / kCoarseSeconds));
    }
    return since(coarse(now)) <= kCoarseMax ? *this : coarse_at(static_cast<std::uint16_t>(coarse(now) - kCoarseMax));
  }
  static constexpr std::uint32_t kCoarseSeconds = 64;
  static constexpr std::uint32_t kCoarseMax = 0x7000;
  static constexpr std::uint32_t age_max_s = kCoarseMax * kCoarseSeconds;  // 21 days
  friend constexpr bool operator==(OpenedAt, OpenedAt) = default;

 private:
  static constexpr std::uint16_t kCoarse = 0x8000;
  static constexpr std::uint16_t kClock = 0x7FFF;
  static constexpr std::uint32_t kFineMax = 0x4000;  // four and a half hours
  constexpr explicit OpenedAt(std::uint16_t bits) : bits_{bits} {}
  static constexpr OpenedAt coarse_at(std::uint16_t clock) noexcept {
    return OpenedAt{static_cast<std::uint16_t>((clock & kClock) | kCoarse)};
  }
  static constexpr std::uint16_t fine(Tick now) noexcept {
    return static_cast<std::uint16_t>(now / kTicksPerSecond & kClock);
  }
  static constexpr std::uint16_t coarse(Tick now) noexcept {
    return static_cast<std::uint16_t>(now / (kTicksPerSecond * kCoarseSeconds) & kClock);
  }
  [[nodiscard]] constexpr bool is_coarse() const noexcept { return (bits_ & kCoarse) != 0; }
  [[nodiscard]] constexpr std::uint32_t since(std::uint16_t clock) const noexcept {
    return static_cast<std::uint32_t>(clock - (bits_ & kClock)) & kClock;
  }
  std::uint16_t bits_ = 0;
};

// What identifies a connection. The client names it in both directions (design section 5, "One key, both directions").
struct FlowKey {
  Address client;
  Be16 client_port{0};
  ServiceId service{};
  Be16 service_port{0};
  // So that the key is three 64-bit words without padding. Zero in a key; in an entry the place of OpenedAt's bits.
  std::uint16_t opened = 0;
  friend bool operator==(const FlowKey& a, const FlowKey& b) noexcept {
    return a.client == b.client && a.client_port == b.client_port && a.service == b.service &&
           a.service_port == b.service_port;
  }
};
static_assert(sizeof(FlowKey) == 24 && offsetof(FlowKey, opened) == 22);
// What of the third word of an entry's key is key: all but `opened`.
inline constexpr std::uint64_t kLastKeyWordMask =
    std::endian::native == std::endian::little ? UINT64_MAX >> 16U : UINT64_MAX << 16U;

// A key as it is hashed and compared.
using FlowWords = std::array<std::uint64_t, 3>;
constexpr FlowWords words_of(const FlowKey& key) noexcept { return std::bit_cast<FlowWords>(key); }

struct alignas(64) ConnectionEntry {
  FlowKey key;
  std::uint32_t word = 0;  // life and count, see above
  ServerId server;
  // Everything below is written by any worker with relaxed atomic accesses (touch() and friends); two workers that
  // race on one connection may lose a count, never more.
  Tick last_seen = 0;
  ConnectionState state{};
  Reason reason{};
  std::uint8_t bytes_in_high = 0, bytes_out_high = 0;  // above bytes_in, bytes_out: 40 bits, 1 TiB
  std::uint32_t packets_in = 0, packets_out = 0;       // in: client to server
  std::uint32_t bytes_in = 0, bytes_out = 0;
  std::uint32_t sequence_delta = 0;  // room for SYN cookies
  std::uint32_t sync_epoch = 0;      // room for the pair

  [[nodiscard]] OpenedAt opened() const noexcept { return OpenedAt::from_bits(key.opened); }
};
static_assert(sizeof(ConnectionEntry) == 64 && std::is_trivially_copyable_v<ConnectionEntry>);

constexpr Life life_of(std::uint32_t word) noexcept { return static_cast<Life>(word & 0xFFU); }
constexpr std::uint32_t next_word(std::uint32_t word, Life life) noexcept {
  // The count moves when an entry leaves `free`, so that each life has its own.
  const std::uint32_t count = (word >> 8U) + (life == Life::writing ? 1U : 0U);
  return (count << 8U) | static_cast<std::uint32_t>(life);
}

// A consistent copy of the entry, or nothing if it holds no live connection or changed hands while it was read.
// Any thread of either process.
std::optional<ConnectionEntry> read_entry(const ConnectionEntry& entry) noexcept;

// The same for whoever reads millions: whether there is a connection, which `copy` then is. Word by word and inline, so
// that a field is loaded from a word that was just stored; a copy in wider pieces has to wait for the words.
inline bool read_entry(const ConnectionEntry& entry, ConnectionEntry& copy) noexcept {
  const std::uint32_t before = __atomic_load_n(&entry.word, __ATOMIC_ACQUIRE);
  if (life_of(before) != Life::live) return false;
  const auto* line = reinterpret_cast<const std::uint64_t*>(&entry);
  auto* to = reinterpret_cast<std::byte*>(&copy);
  // A word of a later life was stored with release after the life was changed: having acquired it, we see that change.
  // (A fence would say the same, but ThreadSanitizer does not know fences.)
  for (std::size_t i = 0; i < sizeof(ConnectionEntry) / sizeof *line; ++i) {
    const std::uint64_t word = __atomic_load_n(line + i, __ATOMIC_ACQUIRE);
    std::memcpy(to + i * sizeof word, &word, sizeof word);
  }
  return __atomic_load_n(&entry.word, __ATOMIC_RELAXED) == before;
}

}  // namespace fulcrum
