#include "control/network/neighbour_mirror.h"

#include <algorithm>
#include <iterator>

namespace fulcrum {
namespace {

// Clients asked about in one pause; a flood of unknown ones costs no more than this.
constexpr std::size_t kAskedMax = 1024;

Address address_of(const std::array<std::uint8_t, 16>& bytes) { return Address::v6(bytes.data()); }

}  // namespace

void NeighbourMirror::attach(NeighbourTable& table) {
  detach();
  table_ = &table;
  table.repair();
  unsure_left_ = true;
  for (std::uint32_t i = 0; i < NeighbourTable::size(); ++i) {
    const NeighbourEntry& entry = table.entry(NeighbourId{i});
    if (entry.state != NeighbourState::unresolved && entry.state != NeighbourState::resolved) continue;
    const Key found = key(entry.port, entry.address);
    known_.insert_or_assign(found, Known{.id = NeighbourId{i}});
    // Snapshots of a predecessor may refer to any of them.
    kept_.insert(found);
  }
}

void NeighbourMirror::detach() {
  table_ = nullptr;
  known_.clear();
  kept_.clear();
  kept_newest_.clear();
  candidate_.clear();
  asked_.clear();
  asked_last_.reset();
}

NeighbourMirror::Known* NeighbourMirror::obtain(PortId port, const Address& address) {
  const Key wanted = key(port, address);
  if (const auto found = known_.find(wanted); found != known_.end()) return &found->second;
  const auto id = table_->obtain(port, address);
  if (!id) {
    ++refused_;
    return nullptr;
  }
  return &known_.emplace(wanted, Known{.id = *id}).first->second;
}

void NeighbourMirror::forget(const Key& which, Known& known) {
  known.fresh = false;
  if (table_->entry(known.id).state == NeighbourState::resolved) table_->unresolve(known.id);
  if (kept_.count(which) != 0) return;
  table_->remove(known.id);
  known_.erase(which);  // `known` is gone now
}

void NeighbourMirror::hear(PortId port, const netlink::Neighbour& neighbour) {
  if (table_ == nullptr || neighbour.address.is_multicast()) return;
  const Key which = key(port, neighbour.address);
  if (!neighbour.mac) {
    const auto found = known_.find(which);
    if (found != known_.end()) {
      found->second.heard = true;
      forget(which, found->second);
    }
    return;
  }
  Known* known = obtain(port, neighbour.address);
  if (known == nullptr) return;
  known->heard = true;
  known->fresh = !neighbour.stale;
  // Linux reports every change of state; rewriting the same MAC would make workers take the slow path for a moment.
  if (table_->mac(known->id) != neighbour.mac) table_->resolve(known->id, *neighbour.mac);
}

void NeighbourMirror::begin_resync() {
  for (auto& [which, known] : known_) known.heard = false;
}

void NeighbourMirror::end_resync() {
  if (table_ == nullptr) return;
  for (auto at = known_.begin(); at != known_.end();) {
    const auto next = std::next(at);
    if (!at->second.heard) {
      const Key which = at->first;
      forget(which, at->second);
    }
    at = next;
  }
}

std::optional<NeighbourId> NeighbourMirror::keep(PortId port, const Address& address) {
  if (table_ == nullptr) return std::nullopt;
  const Known* known = obtain(port, address);
  if (known == nullptr) return std::nullopt;
  candidate_.insert(key(port, address));
  kept_.insert(key(port, address));
  return known->id;
}

void NeighbourMirror::release_others() {
  if (table_ == nullptr) return;
  // Only a predecessor leaves such entries, so once is enough.
  if (std::exchange(unsure_left_, false)) table_->release_unsure();
  std::set<Key> released;
  std::set_difference(kept_.begin(), kept_.end(), kept_newest_.begin(), kept_newest_.end(),
                      std::inserter(released, released.end()));
  kept_ = kept_newest_;
  for (const Key& which : released) {
    const auto found = known_.find(which);
    if (found == known_.end() || table_->entry(found->second.id).state == NeighbourState::resolved) continue;
    forget(which, found->second);
  }
}

std::vector<NeighbourMirror::Question> NeighbourMirror::due() {
  std::vector<Question> questions;
  auto at = asked_last_ ? kept_newest_.upper_bound(*asked_last_) : kept_newest_.begin();
  for (std::size_t step = 0; step < kept_newest_.size() && questions.size() < questions_per_tick_max; ++step) {
    if (at == kept_newest_.end()) at = kept_newest_.begin();
    const auto known = known_.find(*at);
    if (known == known_.end() || !known->second.fresh) {
      questions.push_back({.port = PortId{at->first}, .address = address_of(at->second)});
    }
    asked_last_ = *at;
    ++at;
  }
  return questions;
}

std::optional<NeighbourMirror::Question> NeighbourMirror::want(PortId port, const Address& address,
                                                               std::chrono::nanoseconds now) {
  if (now - asked_since_ >= client_pause) {
    asked_.clear();
    asked_since_ = now;
  }
  if (asked_.size() >= kAskedMax || !asked_.insert(key(port, address)).second) return std::nullopt;
  return Question{.port = port, .address = address};
}

}  // namespace fulcrum
