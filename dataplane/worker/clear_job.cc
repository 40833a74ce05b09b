#include "dataplane/worker/clear_job.h"

#include <algorithm>

#include "dataplane/pipeline/server_counts.h"

namespace fulcrum {
namespace {

constexpr std::size_t kLooksPerTurn = 1024;

}  // namespace

void ClearJob::begin(const Command& command, WorkerId worker, const Tables& tables) noexcept {
  request_ = command.generation;
  table_ = command.table;
  filter_ = command.filter;
  cursor_ = 0;
  cleared_ = 0;
  const ConnectionTable& table = table_ == Table::connections ? tables.connections : tables.bindings.table();
  left_ = table.share_size(worker);
}

void ClearJob::turn(const Place& place) noexcept {
  const std::size_t looks = std::min(left_, kLooksPerTurn);
  ConnectionTable::Walked walked;
  if (table_ == Table::connections) {
    walked = place.tables.connections.walk(
        place.worker, cursor_, looks, ConnectionTable::kRemovalsMax,
        [&](ConnectionId, const ConnectionEntry& entry) { return matches(filter_, place.snapshot, entry); },
        [&](const ConnectionEntry& entry) { count_removed(place.snapshot, place.servers, entry.server, entry.state); });
  } else {
    walked = place.tables.bindings.table().walk(
        place.worker, cursor_, looks, ConnectionTable::kRemovalsMax,
        [&](ConnectionId, const ConnectionEntry& entry) { return matches(filter_, binding_of(entry)); },
        [](const ConnectionEntry&) {});
  }
  left_ -= walked.looked;
  cleared_ += walked.removed;
  if (left_ != 0) return;
  place.status.cleared.store(cleared_, std::memory_order_relaxed);
  place.status.clear_request.store(request_, std::memory_order_release);
  request_ = 0;
}

}  // namespace fulcrum
