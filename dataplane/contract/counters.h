// Counters in the region. Each row has one writer, which adds with a plain load and a relaxed store; anybody may read.
// Sums over rows are the reader's work. The identity that every test checks, once traffic has come to rest:
//   received + from_linux == sent + punted + sum of drops
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dataplane/base/ids.h"
#include "dataplane/contract/capacities.h"
#include "dataplane/contract/loss.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/contract/verdict.h"

namespace fulcrum {

class Counter {
 public:
  // By the row's one writer only.
  void add(std::uint64_t amount) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void reset() noexcept { value_.store(0, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};
static_assert(sizeof(Counter) == 8 && std::atomic<std::uint64_t>::is_always_lock_free);

// Packets as one thread of the dataplane saw them. Row kWorkersMax is the housekeeping thread's.
struct alignas(64) PacketCounters {
  Counter received;                       // from ports
  Counter from_linux;                     // from kernel twins
  Counter sent;                           // to ports
  Counter punted;                         // to kernel twins
  std::array<Counter, kAnswers> answers;  // by Answer, sent to ports beside the above
  Counter unused;
  std::array<Counter, kDropReasonsMax> drops;  // by Drop
};
static_assert(sizeof(PacketCounters) == 64 * 9);

struct alignas(64) PortCounters {  // written by: the thread of the row; one row per thread and port
  Counter received_packets, received_bytes;
  Counter sent_packets, sent_bytes;
  std::array<Counter, kLosses> lost;  // by Loss; in the housekeeping thread's row only
  Counter unused;
};
static_assert(sizeof(PortCounters) == 64);

// One worker's view of one server row. Zeroed by the worker when it first meets a new generation of the server.
struct alignas(64) ServerCounters {  // written by: its worker. read by: control
  std::atomic<std::uint32_t> server_generation{0};
  std::atomic<ServerState> urgent_state{};     // set by Command::set_server_state ...
  std::atomic<std::uint64_t> urgent_since{0};  // ... for the snapshot generation it was sent with
  Counter connections;                         // opened, ever
  // Opened minus removed by this worker, and those of them that are closing (is_closing()). One worker may remove what
  // another opened: only the sum over workers is a count.
  std::atomic<std::int32_t> active{0};
  std::atomic<std::int32_t> closing{0};
  Counter packets_in, packets_out;  // in: client to server
  Counter bytes_in, bytes_out;      // IP bytes
};
static_assert(sizeof(ServerCounters) == 64);

}  // namespace fulcrum
