// How busy the servers are, for the schedulers that choose by it. No counter is shared: each worker shows what it has
// of every server in a word of its own, housekeeping adds the words up about every millisecond, and gives each worker
// the sum of what all *others* have (worker/load_sums.h), and what it counted of his own. A worker knows its own count
// exactly; what the others did since is not known, and it takes it that they did as it did itself. If each only looked
// at the old sum, all of them would fill up the same gap, and the next moment leave another.
//
// Beside the connections stands how fast a server answers: from its SYN to its SYN-ACK in NAT, measured on one
// connection in flight per server at a time, so that no packet costs more for it. Where the answer does not pass here
// (DSR), control gives the time that its health probe took to connect.
//
// Limits of connections are counted apart (schedule/limits.h): each worker shows how many it holds against each of
// them, and whoever finds one reached says so for all.
//
// Everything is one atomic word per server, so a reader has one moment's values and the right server's: the word
// carries the server's generation.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dataplane/base/ids.h"
#include "dataplane/contract/capacities.h"

namespace fulcrum {

// What one word says: 16 bits generation, 28 connections, 20 time.
struct Load {
  static constexpr std::uint32_t response_max = (1U << 20U) - 1;  // "a second or longer"
  static constexpr std::int32_t active_max = (1 << 27) - 1;

  std::uint16_t generation = 0;  // of the server; 0: nothing is known
  // Connections. Of one worker it may be negative: one worker may close what another opened.
  std::int32_t active = 0;
  std::uint32_t response_us = 0;  // smoothed; 0: not measured

  [[nodiscard]] constexpr std::uint64_t word() const noexcept {
    const std::int32_t held = active > active_max ? active_max : active < -active_max ? -active_max : active;
    const std::uint32_t time = response_us > response_max ? response_max : response_us;
    const auto low = static_cast<std::uint32_t>(held) & ((1U << 28U) - 1);
    return std::uint64_t{generation} << 48U | std::uint64_t{low} << 20U | time;
  }
  static constexpr Load from_word(std::uint64_t word) noexcept {
    // The sign is the top bit of 28: shifted up and down again it fills the rest.
    const auto shifted = static_cast<std::int32_t>(static_cast<std::uint32_t>(word >> 20U) << 4U);
    return {static_cast<std::uint16_t>(word >> 48U), shifted >> 4, static_cast<std::uint32_t>(word) & response_max};
  }
};
static_assert(Load::from_word(Load{7, -5, 1000}.word()).active == -5);

using LoadWord = std::atomic<std::uint64_t>;
static_assert(LoadWord::is_always_lock_free);

// By server row, like all that follows.
struct WorkerLoads {
  alignas(64) std::array<LoadWord, kServersMax> own;      // written by: its worker. read by: housekeeping
  alignas(64) std::array<LoadWord, kServersMax> others;   // written by: housekeeping. `response_us` is everybody's mean
  alignas(64) std::array<LoadWord, kServersMax> counted;  // written by: housekeeping. `own`, as it was for that sum
  // By limit: connections that this worker opened less those that it closed. Written by: its worker. Read by: workers.
  alignas(64) std::array<std::atomic<std::int32_t>, kLimitsMax> held;
};

// A measurement under way: which connection's SYN went to the server, and when. 0: none.
struct ResponseSample {
  ConnectionId connection;
  std::uint32_t sent_us = 0;
  [[nodiscard]] constexpr std::uint64_t word() const noexcept {
    return std::uint64_t{connection.value + 1U} << 32U | sent_us;
  }
  static constexpr ResponseSample from_word(std::uint64_t word) noexcept {
    return {ConnectionId{static_cast<std::uint32_t>(word >> 32U) - 1U}, static_cast<std::uint32_t>(word)};
  }
};

// Which of a farm's servers were full and are not any more, the last ones (schedule/spare.h). Any worker adds to it; a
// reader sees by an entry's number whether it is the one that he wants.
struct alignas(64) Reopened {
  static constexpr std::uint32_t kept = 63;

  void add(std::uint16_t limit) noexcept {
    const std::uint32_t number = count.fetch_add(1, std::memory_order_acq_rel);
    entries[number % kept].store(entry(number, limit), std::memory_order_release);
  }
  // The limit of the server that was the `number`th; false when that is gone already, or not there yet. `now` is what
  // the reader has seen of `count`, behind `number`.
  [[nodiscard]] bool read(std::uint32_t number, std::uint32_t now, std::uint16_t& limit) const noexcept {
    if (now - number > kept) return false;
    const std::uint32_t found = entries[number % kept].load(std::memory_order_acquire);
    limit = static_cast<std::uint16_t>(found % kServersMax);
    return found == entry(number, limit);
  }

  std::atomic<std::uint32_t> count{0};
  std::array<std::atomic<std::uint32_t>, kept> entries;

 private:
  // As many bits of the number as there is room for: readers want one of the last 63.
  static constexpr std::uint32_t entry(std::uint32_t number, std::uint16_t limit) noexcept {
    return (number + 1) * static_cast<std::uint32_t>(kServersMax) | limit;
  }
};
static_assert(sizeof(Reopened) == 256);

struct SharedLoads {
  alignas(64) std::array<LoadWord, kServersMax> samples;  // ResponseSample. written by: any worker
  alignas(64) std::array<LoadWord, kServersMax> probed;   // Load without connections. written by: control
  // Load whose `active` is no connections but KiB per second, over the last second. written by: housekeeping
  alignas(64) std::array<LoadWord, kServersMax> bandwidth;
  // By limit: 1 from when it was reached until there are fewer than its low mark. Written by: any worker.
  alignas(64) std::array<std::atomic<std::uint8_t>, kLimitsMax> full;
  std::array<Reopened, kFarmsMax> reopened;  // by farm. Written by: any worker
};

}  // namespace fulcrum
