#include "dataplane/lookup/persistence_table.h"

#include <bit>
#include <chrono>

namespace fulcrum {
namespace {

ServerId as_server(MemberId member) noexcept { return std::bit_cast<ServerId>(member.value); }

}  // namespace

std::optional<PersistenceTable::Found> PersistenceTable::find(const FlowKey& key) const noexcept {
  const ConnectionId id = table_.lookup(key);
  if (id == kNoConnection) return std::nullopt;
  return Found{id, MemberId{std::bit_cast<std::uint32_t>(table_.server(id))}, table_.last_seen(id)};
}

std::optional<PersistenceTable::Found> PersistenceTable::bind(WorkerId worker, const FlowKey& key, MemberId member,
                                                              Tick now) noexcept {
  const auto inserted = table_.insert(worker, key, as_server(member), ConnectionState{}, Reason::scheduler, now);
  if (inserted.id == kNoConnection) return std::nullopt;
  return Found{inserted.id, MemberId{std::bit_cast<std::uint32_t>(table_.server(inserted.id))}, now};
}

void PersistenceTable::use(ConnectionId id, Tick now) noexcept {
  table_.at(id).touch(ConnectionTable::Direction::to_server, 0, now);
}

void PersistenceTable::rebind(ConnectionId id, MemberId member) noexcept { table_.set_server(id, as_server(member)); }

std::size_t PersistenceTable::sweep(WorkerId worker, std::size_t budget, const Snapshot& snapshot, Tick now) noexcept {
  return table_.sweep(
      worker, budget, now, [&](const ConnectionEntry& entry) { return is_binding_over(snapshot, entry, now); },
      [](const ConnectionEntry&) {});
}

bool is_binding_over(const Snapshot& snapshot, const ConnectionEntry& entry, Tick now) noexcept {
  // Nothing published yet: nobody can say what is over.
  if (snapshot.generation == 0) return false;
  const FarmId farm = binding_of(entry).farm;
  if (farm.value >= kFarmsMax) return true;
  const std::uint32_t limit_s = snapshot.farms[farm.value].persistence_s;
  return limit_s == 0 || elapsed(entry.last_seen, now) >= ticks(std::chrono::seconds{limit_s});
}

}  // namespace fulcrum
