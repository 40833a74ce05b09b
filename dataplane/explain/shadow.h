// What the stages may write to while they only explain: tables of a few entries, a worker's counters and cursors.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/contract/region.h"
#include "dataplane/lookup/tables.h"
#include "dataplane/pipeline/answer_budget.h"
#include "dataplane/pipeline/batch.h"
#include "dataplane/schedule/sequence.h"

namespace fulcrum {

inline constexpr std::size_t kShadowOthersMax = 8;

// A connection or persistence table that holds one entry of the live one, or none, and some others.
template <class Kind>
class ShadowTable {
 public:
  // Begins anew with a copy of `entry`. Without `room` it takes no other.
  Kind& fill(const std::optional<ConnectionEntry>& entry, bool room, const std::array<std::uint64_t, 2>& key,
             std::span<const ConnectionEntry> others = {}) noexcept {
    table_.reset();
    entries_.fill(ConnectionEntry{});
    if (entry) entries_[0] = *entry;
    std::copy(others.begin(), others.end(), entries_.begin() + 1);
    // Connections that nobody asks for and that are not given up to make room.
    for (std::size_t i = 0; i < entries_.size() && !room; ++i) {
      if (life_of(entries_[i].word) == Life::live) continue;
      entries_[i].key.service = ServiceId{kNoIndex};
      entries_[i].key.client_port = Be16{static_cast<std::uint16_t>(i + 1)};
      entries_[i].state = ConnectionState::established;
      entries_[i].word = next_word(next_word(0, Life::writing), Life::live);
    }
    return table_.emplace(ConnectionTable::Memory{.entries = entries_, .index = index_, .hash_key = key},
                          std::size_t{1}, ConnectionTable::Start::warm);
  }
  [[nodiscard]] std::optional<ConnectionEntry> entry(ConnectionId id) const noexcept {
    return id.value < entries_.size() ? read_entry(entries_[id.value]) : std::nullopt;
  }

 private:
  static constexpr std::size_t kEntries = 4 + kShadowOthersMax;
  static constexpr std::size_t kIndexBytes = 256;
  std::array<ConnectionEntry, kEntries> entries_;
  alignas(64) std::array<std::byte, kIndexBytes> index_{};
  std::optional<Kind> table_;
};

struct ShadowRows {
  explicit ShadowRows(std::uint32_t workers)
      : counters(kServersMax),
        loads{std::make_unique<WorkerLoads>()},
        shared{std::make_unique<SharedLoads>()},
        servers{counters, *loads, *shared, workers} {}
  // Takes over what the worker has: what says of the first `count` servers whether they take connections and how many
  // they have, how busy they are for all workers, and where this one stands in the service's sequence. `service` and
  // `farm` may be kNoIndex.
  void fill(const Region& region, WorkerId worker, std::size_t count, const ScheduleCursors& live,
            std::uint16_t service, FarmId farm) noexcept;

  std::vector<ServerCounters> counters;
  std::unique_ptr<WorkerLoads> loads;
  std::unique_ptr<SharedLoads> shared;
  ServerRows servers;  // over these three
  ScheduleCursors cursors;
  AnswerBudget budget;
  TableStatus status;
};

}  // namespace fulcrum
