// Which rows of the tables a new snapshot keeps, frees and takes: the rules at the head of compile.h.
//
// First claim what the previous snapshot already has (keep), then give rows to the rest (take). A damaged previous
// snapshot may cost stable ids, never more: nothing in it is used as an index unchecked.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "dataplane/contract/snapshot.h"

namespace fulcrum {

// The rows of one table that are free to be taken: never used ones first, then by how long they have been free.
class FreeRows {
 public:
  FreeRows() = default;
  // `freed_in[i]`: the generation since which row i is free, 0 for never used, kKept for a row in use.
  static constexpr std::uint64_t kKept = UINT64_MAX;
  explicit FreeRows(const std::vector<std::uint64_t>& freed_in);
  // The next row; nothing when all are taken.
  std::optional<std::uint16_t> take();

 private:
  std::vector<std::uint16_t> rows_;  // the next one last
};

// After this generation of a server's row; 0 names no server and is left out.
constexpr std::uint16_t next_generation(std::uint16_t generation) noexcept {
  return generation == UINT16_MAX ? std::uint16_t{1} : static_cast<std::uint16_t>(generation + 1);
}

// Clears every row of `into` that is not in use in `kept`, and says which can be taken. Rows of `previous` that were in
// use and are not kept are free since `generation`.
FreeRows free_services(const Snapshot* previous, const std::vector<bool>& kept, std::uint64_t generation,
                       Snapshot& into);
FreeRows free_servers(const Snapshot* previous, const std::vector<bool>& kept, std::uint64_t generation,
                      Snapshot& into);

// One row of each member, by its id.
using MemberRows = std::unordered_map<std::uint32_t, std::uint16_t>;
// Puts a row, whose member is set, among those of its server on the farm's other addresses and ports.
void join_ring(Snapshot& into, MemberRows& rows, std::uint16_t index);

// The changes of checksums between a service and one of its servers, whose addresses and ports are set.
void set_deltas(ServerRow& row, const ServiceRow& service);

// Since when the row, whose state and generation are set, takes connections: carried on from snapshot to snapshot,
// until it is longer ago than matters and before the clock can wrap around.
Tick up_since(const Snapshot* previous, std::uint16_t index, const ServerRow& row, Tick now);

}  // namespace fulcrum
