#include "control/publish/publisher.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "control/publish/questioner.h"
#include "dataplane/base/invariant.h"

namespace fulcrum {
namespace {

void store_generation(Snapshot& snapshot, std::uint64_t generation) noexcept {
  __atomic_store_n(&snapshot.generation, generation, __ATOMIC_RELEASE);
}

}  // namespace

std::uint64_t generation_of(const Snapshot& snapshot) noexcept {
  return __atomic_load_n(&snapshot.generation, __ATOMIC_ACQUIRE);
}

void Publisher::attach(Region& region) {
  region_ = &region;
  outboxes_.assign(region.workers(), {});
  find_newest();
}

void Publisher::detach() {
  region_ = nullptr;
  newest_.reset();
  outboxes_.clear();
}

void Publisher::find_newest() {
  newest_.reset();
  for (std::size_t slot = 0; slot < kSnapshotSlots; ++slot) {
    const std::uint64_t generation = generation_of(region_->snapshot(slot));
    if (generation == 0 || is_draft(generation)) continue;
    if (!newest_ || generation > generation_of(region_->snapshot(*newest_))) newest_ = slot;
  }
}

const Snapshot* Publisher::newest() const {
  return region_ != nullptr && newest_ ? &region_->snapshot(*newest_) : nullptr;
}

bool Publisher::in_use(std::size_t slot) const {
  const std::uint64_t generation = generation_of(region_->snapshot(slot));
  if (is_asked_about(region_->explain(), slot)) return true;
  for (std::size_t i = 0; i < outboxes_.size(); ++i) {
    const WorkerSection& worker = region_->worker(i);
    // In this order: a ring seen empty means that the status line tells of every command there was.
    const bool may_adopt = worker.commands.size() != 0;
    const std::uint64_t acknowledged = worker.status.generation.load(std::memory_order_acquire);
    const std::uint32_t used = worker.status.slot.load(std::memory_order_acquire);
    if (acknowledged != 0 && used == slot) return true;
    if (may_adopt && generation >= acknowledged && generation != 0) return true;
  }
  return false;
}

std::optional<std::size_t> Publisher::free_slot() const {
  for (std::size_t slot = 0; slot < kSnapshotSlots; ++slot) {
    if (!in_use(slot)) return slot;
  }
  return std::nullopt;
}

// Above everything that anybody may have seen, also of a predecessor that died while it was publishing.
std::uint64_t Publisher::next_generation() const {
  std::uint64_t newest = 0;
  for (std::size_t slot = 0; slot < kSnapshotSlots; ++slot) {
    const std::uint64_t generation = generation_of(region_->snapshot(slot));
    if (!is_draft(generation)) newest = std::max(newest, generation);
  }
  for (std::size_t i = 0; i < outboxes_.size(); ++i) {
    newest = std::max(newest, region_->worker(i).status.generation.load(std::memory_order_acquire));
  }
  return newest + 1;
}

Result<Publisher::Outcome> Publisher::publish(const Compile& compile) {
  FULCRUM_ASSERT(region_ != nullptr);
  const auto slot = free_slot();
  if (!slot) return Outcome::waiting;
  const std::uint64_t generation = next_generation();
  if (!draft_) draft_ = std::make_unique<Snapshot>();
  auto compiled = compile(generation, newest(), *draft_);
  if (!compiled) return tl::unexpected<Error>{compiled.error()};
  fill(region_->snapshot(*slot), generation);
  newest_ = slot;
  Command adopt;
  adopt.kind = Command::Kind::adopt_snapshot;
  adopt.slot = static_cast<std::uint32_t>(*slot);
  adopt.generation = generation;
  for (Outbox& outbox : outboxes_) outbox = {.adopt = adopt, .states = {}};
  turn();
  return Outcome::published;
}

Result<std::optional<Publisher::Draft>> Publisher::draft(const Compile& compile) {
  FULCRUM_ASSERT(region_ != nullptr);
  const auto slot = free_slot();
  if (!slot) return std::nullopt;
  const std::uint64_t generation = next_generation();
  if (!draft_) draft_ = std::make_unique<Snapshot>();
  auto compiled = compile(generation, newest(), *draft_);
  if (!compiled) return tl::unexpected<Error>{compiled.error()};
  fill(region_->snapshot(*slot), generation | kDraftMark);
  return Draft{.slot = static_cast<std::uint32_t>(*slot), .generation = generation | kDraftMark};
}

// While it is being filled the slot has generation 0: a successor must not take half a snapshot for the newest.
void Publisher::fill(Snapshot& slot, std::uint64_t generation) const {
  store_generation(slot, 0);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  draft_->generation = 0;
  std::memcpy(&slot, draft_.get(), sizeof slot);
  store_generation(slot, generation);
}

void Publisher::set_server_state(ServerId server, ServerState state) {
  const Snapshot* snapshot = newest();
  if (snapshot == nullptr) return;
  Command command;
  command.kind = Command::Kind::set_server_state;
  command.generation = snapshot->generation;
  command.server = server;
  command.state = state;
  for (Outbox& outbox : outboxes_) outbox.states.insert_or_assign(server.index, command);
  turn();
}

void Publisher::turn() {
  for (std::size_t i = 0; i < outboxes_.size(); ++i) {
    Outbox& outbox = outboxes_[i];
    CommandRing& ring = region_->worker(i).commands;
    if (outbox.adopt) {
      if (!ring.push(*outbox.adopt)) continue;
      outbox.adopt.reset();
    }
    while (!outbox.states.empty() && ring.push(outbox.states.begin()->second)) {
      outbox.states.erase(outbox.states.begin());
    }
  }
}

std::vector<Publisher::WorkerView> Publisher::workers() const {
  std::vector<WorkerView> views;
  for (std::size_t i = 0; i < outboxes_.size(); ++i) {
    const WorkerSection& worker = region_->worker(i);
    views.push_back({.acknowledged = worker.status.generation.load(std::memory_order_acquire),
                     .unread = worker.commands.size(),
                     .waiting = outboxes_[i].states.size() + (outboxes_[i].adopt ? 1U : 0U)});
  }
  return views;
}

bool Publisher::has_waiting() const {
  return std::any_of(outboxes_.begin(), outboxes_.end(),
                     [](const Outbox& outbox) { return outbox.adopt || !outbox.states.empty(); });
}

bool Publisher::acknowledged() const {
  const Snapshot* snapshot = newest();
  if (snapshot == nullptr) return false;
  for (std::size_t i = 0; i < outboxes_.size(); ++i) {
    if (region_->worker(i).status.generation.load(std::memory_order_acquire) != snapshot->generation) return false;
  }
  return true;
}

}  // namespace fulcrum
