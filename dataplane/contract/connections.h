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
#include <cstdint>
#include <optional>
#include <type_traits>

#include "dataplane/base/address.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/ids.h"

namespace fulcrum {

enum class Life : std::uint8_t { free = 0, writing = 1, live = 2, dead = 3 };

// TCP as it can be known from the packets that pass; in DSR only the client's side passes.
enum class ConnectionState : std::uint8_t {
  embryonic = 0,  // SYN seen, nothing after it from the client yet
  established = 1,
  client_closing = 2,  // FIN from the client seen
  server_closing = 3,  // FIN from the server seen
  closed = 4,          // FINs of both sides, or RST
  udp = 5,
};

// Why this server was chosen.
enum class Reason : std::uint8_t { scheduler = 0, persistence = 1, fallback = 2 };

// What identifies a connection. The client names it in both directions (design section 5, "One key, both directions").
struct FlowKey {
  Address client;
  Be16 client_port{0};
  ServiceId service{};
  Be16 service_port{0};
  std::uint16_t zero = 0;  // so that the key is three 64-bit words without padding
  friend bool operator==(const FlowKey& a, const FlowKey& b) noexcept {
    return a.client == b.client && a.client_port == b.client_port && a.service == b.service &&
           a.service_port == b.service_port;
  }
};
static_assert(sizeof(FlowKey) == 24);

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

}  // namespace fulcrum
