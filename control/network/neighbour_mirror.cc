#include "control/network/neighbour_mirror.h"

#include <array>
#include <bit>
#include <iterator>

namespace fulcrum {
namespace {

// Clients asked about in one pause; a flood of unknown ones costs no more than this.
constexpr std::size_t kAskedMax = 1024;

Address address_of(const std::array<std::uint8_t, 16>& bytes) { return Address::v6(bytes.data()); }

}  // namespace

std::size_t NeighbourMirror::KeyHash::operator()(const Key& key) const {
  const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(key.second);
  const std::uint64_t hash = (words[0] * 31 + words[1]) * 31 + key.first;
  return static_cast<std::size_t>((hash ^ hash >> 29U) * 0xBF58476D1CE4E5B9U);
}

void NeighbourMirror::attach(NeighbourTable& table) {
  detach();
  keeping_ = committed_ = oldest_in_use_ = 1;
  table_ = &table;
  table.repair();
  unsure_left_ = true;
  for (std::uint32_t i = 0; i < NeighbourTable::size(); ++i) {
    const NeighbourEntry& entry = table.entry(NeighbourId{i});
    if (entry.state != NeighbourState::unresolved && entry.state != NeighbourState::resolved) continue;
    const Key found = key(entry.port, entry.address);
    // Snapshots of a predecessor may refer to any of them.
    known_.insert_or_assign(found, Known{.id = NeighbourId{i}, .kept_in = keeping_});
  }
}

void NeighbourMirror::detach() {
  table_ = nullptr;
  known_.clear();
  kept_.clear();
  candidate_.clear();
  asked_.clear();
  asked_up_to_ = 0;
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
  if (known.kept_in != 0) return;
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

void NeighbourMirror::begin_keeping() {
  ++keeping_;
  candidate_.clear();
}

std::optional<NeighbourId> NeighbourMirror::keep(PortId port, const Address& address) {
  if (table_ == nullptr) return std::nullopt;
  Known* known = obtain(port, address);
  if (known == nullptr) return std::nullopt;
  if (std::exchange(known->kept_in, keeping_) != keeping_) candidate_.push_back(key(port, address));
  return known->id;
}

void NeighbourMirror::commit_keeping() {
  committed_ = keeping_;
  kept_.swap(candidate_);
}

void NeighbourMirror::release_others() {
  if (table_ == nullptr) return;
  // Only a predecessor leaves such entries, so once is enough.
  if (std::exchange(unsure_left_, false)) table_->release_unsure();
  if (std::exchange(oldest_in_use_, committed_) == committed_) return;
  for (auto at = known_.begin(); at != known_.end();) {
    const auto next = std::next(at);
    Known& known = at->second;
    if (known.kept_in != 0 && known.kept_in < oldest_in_use_) {
      known.kept_in = 0;
      const Key which = at->first;
      if (table_->entry(known.id).state != NeighbourState::resolved) forget(which, known);
    }
    at = next;
  }
}

std::vector<NeighbourMirror::Question> NeighbourMirror::due() {
  std::vector<Question> questions;
  for (std::size_t step = 0; step < kept_.size() && questions.size() < questions_per_tick_max; ++step) {
    asked_up_to_ %= kept_.size();
    const Key& which = kept_[asked_up_to_++];
    const auto known = known_.find(which);
    if (known == known_.end() || !known->second.fresh) {
      questions.push_back({.port = PortId{which.first}, .address = address_of(which.second)});
    }
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
