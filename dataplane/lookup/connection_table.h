// The connection table: fixed capacity, shared by all workers, lock-free, never rehashed (design section 5).
//
// Entries (contract/connections.h) lie in an array; an index of 64-byte buckets finds them. A bucket is eight 64-bit
// slots {tag, entry index}, each changed by one compare-and-swap; a key has two candidate buckets from a keyed hash. A
// tag only filters: the whole key is always compared.
//
// Two workers that insert the same key at once agree on one winner: an inserter publishes its slot, then looks at both
// buckets again and, if another live entry has the key, the one in the lower slot (first bucket first) stays and the
// other withdraws.
//
// Each worker owns a share of the entry array: it alone takes entries from the share's free list and returns them.
// remove() by anybody takes the slot out of the index and declares the entry dead; the owner's sweep finds it and frees
// it once every worker has since reported a quiescent state (quiescent(), once per turn), so that nobody still reads
// it.
//
// All state is in the region; the object itself holds only views and may be made again after a crash: a warm attach
// rebuilds index and free lists from the entries.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "dataplane/base/clock.h"
#include "dataplane/base/ids.h"
#include "dataplane/contract/connections.h"

namespace fulcrum {

inline constexpr ConnectionId kNoConnection{UINT32_MAX};

class ConnectionTable {
 public:
  struct Memory {
    std::span<ConnectionEntry> entries;
    std::span<std::byte> index;             // index_bytes(entries.size()), 64-byte aligned
    std::array<std::uint64_t, 2> hash_key;  // keep it secret from clients
  };
  static std::size_t index_bytes(std::size_t capacity) noexcept;

  // Before any worker runs. Cold: everything is emptied. Warm: live entries are kept and indexed again, all others are
  // freed. Allocates (process-local bookkeeping of about 4 bytes per entry); workers never do.
  enum class Start : std::uint8_t { cold, warm };
  ConnectionTable(const Memory& memory, std::size_t workers, Start start);
  ~ConnectionTable();
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  // Workers. Looks up keys.size() <= kBatchMax keys in two prefetched waves; found[i] is the live entry or
  // kNoConnection. The entries stay readable until this worker's next quiescent().
  void lookup(std::span<const FlowKey> keys, std::span<ConnectionId> found) const noexcept;

  struct Inserted {
    ConnectionId id = kNoConnection;  // kNoConnection: full
    bool is_new = false;              // false: another worker's entry for the same key won; use that one
  };
  Inserted insert(WorkerId worker, const FlowKey& key, ServerId server, ConnectionState state, Reason reason,
                  Tick now) noexcept;

  // Workers. Declares the connection dead and takes it out of the index. False: it was dead already (so exactly one
  // caller gets true for each connection, and does the accounting).
  bool remove(ConnectionId id) noexcept;

  // Workers; access to a found entry. Counts a packet of `bytes` IP bytes and stores `now`.
  enum class Direction : std::uint8_t { to_server, to_client };
  void touch(ConnectionId id, Direction direction, std::uint32_t bytes, Tick now) noexcept;
  [[nodiscard]] ServerId server(ConnectionId id) const noexcept;
  [[nodiscard]] ConnectionState state(ConnectionId id) const noexcept;
  void set_state(ConnectionId id, ConnectionState state) noexcept;

  // Workers, once per turn, when no ConnectionId from before is used any more.
  void quiescent(WorkerId worker) noexcept;
  // A worker that stops polling for a while must not hold up the others.
  void set_online(WorkerId worker, bool online) noexcept;

  // Workers, once per turn: looks at the next `budget` entries of the worker's share. Dead ones whose grace period is
  // over are freed. Live ones are shown to `expired(entry)`; those for which it returns true are removed and shown to
  // `removed(entry)`. Both callbacks get the entry's current content.
  template <class Expired, class Removed>
  void sweep(WorkerId worker, std::size_t budget, Expired expired, Removed removed) noexcept;

  [[nodiscard]] std::size_t capacity() const noexcept;
  // Live entries; a moment's sum over the workers.
  [[nodiscard]] std::size_t size() const noexcept;
};

}  // namespace fulcrum
