#include "dataplane/worker/worker.h"

#include <sys/prctl.h>

#include <algorithm>
#include <bit>
#include <ctime>
#include <optional>

#include "dataplane/base/invariant.h"
#include "dataplane/pipeline/server_counts.h"
#include "dataplane/pipeline/tcp_state.h"

namespace fulcrum {
namespace {

// So that a flood of commands cannot hold up packets; the rest is read in the next turn.
constexpr int kCommandsPerTurn = 16;
// The whole share of a worker is swept within this time, in steps of at most so many entries a turn; a share so large
// that this would take more than a twentieth or so of the worker takes the longer: 10 s for 100 million entries.
constexpr std::chrono::nanoseconds kSweepPeriod = std::chrono::seconds{2};
constexpr std::chrono::nanoseconds kSweepEachMin{100};
constexpr std::size_t kSweepPerTurnMax = 1024;
// A worker that found the table full keeps up to so many entries free for this long.
constexpr std::size_t kRoomPerWorker = 256;
constexpr std::chrono::seconds kKeepRoom{2};
constexpr std::chrono::nanoseconds kFiguresPeriod = std::chrono::milliseconds{100};

// Stands in for "nothing published yet". Static: 7 MB of zeros that are never touched.
const Snapshot& empty_snapshot() {
  static const auto empty = std::make_unique<Snapshot>();
  return *empty;
}

void add_to(Counter& packets, Counter& bytes, std::span<const Frame> frames) noexcept {
  std::uint64_t sum = 0;
  for (const Frame& frame : frames) {
    sum += frame.length;
    asm("" : "+r"(sum));  // no vectors, which g++ 12 puts together in memory: four times slower here
  }
  packets.add(frames.size());
  bytes.add(sum);
}

// The port by which the whole batch leaves, if that is so: as most batches do.
std::optional<PortId> only_exit(const Batch& batch) noexcept {
  const PortId port = batch.passages[0].port;
  bool same = true;
  for (std::size_t i = 0; i < batch.count; ++i) {
    same &= batch.passages[i].outcome == Outcome::send && batch.passages[i].port == port;
  }
  return same ? std::optional{port} : std::nullopt;
}

}  // namespace

Worker::Worker(const Config& config, Region& region, Tables& tables, std::span<PacketPort* const> ports,
               SlowPath& slow_path, Doorbell& housekeeping)
    : config_{config},
      region_{region},
      tables_{tables},
      slow_path_{slow_path},
      housekeeping_{housekeeping},
      section_{region.worker(config.id.value)},
      servers_{region, config.id},
      snapshot_{&empty_snapshot()},
      cursors_{std::make_unique<ScheduleCursors>()},
      batch_{std::make_unique<Batch>()},
      held_scratch_(kLimitsMax) {
  FULCRUM_ASSERT(ports.size() <= kPortsMax);
  std::copy(ports.begin(), ports.end(), ports_.begin());
  // Several workers that all began with the first server would send it a burst.
  cursors_->at.fill(config.id.value);
  cursors_->random = region.header().hash_key[0] + config.id.value * 0xD6E8FEB86659FD93U;
  // The slot was stored before the generation, so after a death in between it is the slot that tells the truth.
  if (section_.status.generation.load(std::memory_order_acquire) != 0) {
    adopt(section_.status.slot.load(std::memory_order_relaxed));
  }
}

void Worker::run(const std::atomic<bool>& stop) {
  // The default slack of 50 us would double the idle sleep.
  prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
  tables_.set_online(config_.id, true);
  while (!stop.load(std::memory_order_relaxed)) {
    const std::chrono::nanoseconds now = monotonic_now();
    rest_after(turn(now), now);
  }
  tables_.set_online(config_.id, false);
}

std::size_t Worker::turn(std::chrono::nanoseconds now) noexcept {
  read_mailbox();
  const Context context{.snapshot = *snapshot_,
                        .connections = tables_.connections,
                        .bindings = tables_.bindings,
                        .neighbours = region_.neighbours(),
                        .ports = region_.header().ports,
                        .servers = servers_,
                        .status = section_.tables,
                        .cursors = *cursors_,
                        .budget = budget_,
                        .worker = config_.id,
                        .now = to_tick(now),
                        .now_us = static_cast<std::uint32_t>(now.count() / 1000),
                        .is_urgent = urgent_since_ == snapshot_->generation};
  std::size_t handled = 0;
  for (std::uint8_t port = 0; port < kPortsMax; ++port) {
    if (ports_[port] != nullptr) handled += poll_port(PortId{port}, context);
  }
  handled += send_for_linux();
  sweep(context, now);
  keep_room(context);
  if (clear_.is_under_way()) {
    clear_.turn({*snapshot_, tables_, servers_, config_.id, section_.tables});
    ++handled;  // so that the worker does not sleep before it is done
  }
  tell_figures(now);
  tables_.quiescent(config_.id);
  WorkerStatus& status = section_.status;
  status.turns.store(status.turns.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (handled != 0)
    status.busy_turns.store(status.busy_turns.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return handled;
}

void Worker::hear_news() noexcept { __atomic_store_n(&cursors_->news, cursors_->news + 1, __ATOMIC_RELAXED); }

void Worker::adopt(std::uint32_t slot) noexcept {
  if (slot >= kSnapshotSlots) return;
  const Snapshot& snapshot = region_.snapshot(slot);
  if (snapshot.generation == 0) return;
  const Snapshot& before = *snapshot_;
  snapshot_ = &snapshot;
  hear_news();
  recount_held(before, snapshot, servers_, held_scratch_);
  section_.status.load_rows.store(snapshot.by_load != 0 ? snapshot.server_count : 0, std::memory_order_relaxed);
  section_.status.bandwidth_rows.store(snapshot.by_bandwidth != 0 ? snapshot.server_count : 0,
                                       std::memory_order_relaxed);
  section_.status.slot.store(slot, std::memory_order_relaxed);
  section_.status.generation.store(snapshot.generation, std::memory_order_release);
}

void Worker::read_mailbox() noexcept {
  Command command;
  for (int i = 0; i < kCommandsPerTurn && section_.commands.peek(command); ++i) {
    switch (command.kind) {
      case Command::Kind::none:
        break;
      case Command::Kind::adopt_snapshot:
        adopt(command.slot);
        break;
      case Command::Kind::set_server_state: {
        if (command.generation != snapshot_->generation || command.server.index >= kServersMax) break;
        ServerCounters& row = counters_of(servers_, command.server);
        row.urgent_state.store(command.state, std::memory_order_relaxed);
        row.urgent_since.store(command.generation, std::memory_order_relaxed);
        urgent_since_ = command.generation;
        hear_news();
        break;
      }
      case Command::Kind::clear:
        clear_.begin(command, config_.id, tables_);
        break;
    }
    section_.commands.pop();
  }
}

std::size_t Worker::poll_port(PortId port, const Context& context) noexcept {
  Batch& batch = *batch_;
  batch.count = ports_[port.value]->receive(config_.id.value, batch.frames);
  if (batch.count == 0) return 0;
  const auto frames = std::span{batch.frames}.first(batch.count);
  add_to(section_.ports[port.value].received_packets, section_.ports[port.value].received_bytes, frames);
  section_.packets.received.add(batch.count);
  run_stages(batch, context);
  retire();
  return batch.count;
}

// The only place where a received frame is sent, handed on or freed.
void Worker::retire() noexcept {
  const Batch& batch = *batch_;
  for (const Event& event : batch.events.view()) report(event);
  if (const auto port = only_exit(batch)) {
    transmit(*port, std::span{batch.frames}.first(batch.count));
    return;
  }
  std::uint32_t leaving_by = 0;  // a bit per port
  bool punts = false;
  std::size_t dropped = 0;
  for (std::size_t i = 0; i < batch.count; ++i) {
    const Passage& passage = batch.passages[i];
    FULCRUM_ASSERT(passage.outcome != Outcome::pending);  // the last stage settles every packet
    if (passage.outcome == Outcome::send) {
      leaving_by |= 1U << passage.port.value;
    } else if (passage.outcome == Outcome::punt) {
      punts = true;
    } else {
      count_drop(passage.drop);
      if (passage.answer == Answer::none) scratch_[dropped++] = batch.frames[i];
    }
  }
  if (dropped != 0) ports_[batch.frames[0].port.value]->release(std::span{scratch_}.first(dropped));
  for (; leaving_by != 0; leaving_by &= leaving_by - 1) {
    const PortId port{static_cast<std::uint8_t>(std::countr_zero(leaving_by))};
    std::size_t count = 0;
    for (std::size_t i = 0; i < batch.count; ++i) {
      const Passage& passage = batch.passages[i];
      if (passage.outcome == Outcome::send && passage.port == port) scratch_[count++] = batch.frames[i];
    }
    transmit(port, std::span{scratch_}.first(count));
  }
  if (punts) punt();
  if (batch.has_answers) send_answers();
}

// Beside the identity of packets: what they answer was counted as dropped.
void Worker::send_answers() noexcept {
  const PortId port = batch_->frames[0].port;  // all frames of a batch came in by one
  PacketPort& out = *ports_[port.value];
  std::array<Answer, kBatchMax> answers{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < batch_->count; ++i) {
    if (batch_->passages[i].answer == Answer::none) continue;
    out.take_length(batch_->frames[i]);
    answers[count] = batch_->passages[i].answer;
    scratch_[count++] = batch_->frames[i];
  }
  const auto frames = std::span<const Frame>{scratch_}.first(count);
  const std::size_t sent = out.send(config_.id.value, frames);
  add_to(section_.ports[port.value].sent_packets, section_.ports[port.value].sent_bytes, frames.first(sent));
  for (std::size_t i = 0; i < sent; ++i) section_.packets.answers[static_cast<std::size_t>(answers[i])].add(1);
  out.release(frames.subspan(sent));
}

void Worker::transmit(PortId port, std::span<const Frame> frames) noexcept {
  PacketPort& out = *ports_[port.value];
  const std::size_t sent = out.send(config_.id.value, frames);
  add_to(section_.ports[port.value].sent_packets, section_.ports[port.value].sent_bytes, frames.first(sent));
  section_.packets.sent.add(sent);
  if (sent == frames.size()) return;
  count_drop(Drop::tx_full, frames.size() - sent);
  out.release(frames.subspan(sent));
}

void Worker::punt() noexcept {
  for (std::size_t i = 0; i < batch_->count; ++i) {
    const Passage& passage = batch_->passages[i];
    if (passage.outcome != Outcome::punt) continue;
    const Frame& frame = batch_->frames[i];
    if (slow_path_.to_linux.push({.frame = frame, .port = passage.port})) continue;
    count_drop(Drop::punt_full);
    ports_[frame.port.value]->release({&frame, 1});
  }
  housekeeping_.ring();
}

std::size_t Worker::send_for_linux() noexcept {
  SlowFrame from;
  std::size_t count = 0;
  for (; count < kBatchMax && slow_path_.from_linux.peek(from); ++count) {
    slow_path_.from_linux.pop();
    section_.packets.from_linux.add(1);
    transmit(from.port, {&from.frame, 1});
  }
  return count;
}

void Worker::report(const Event& event) noexcept {
  // A full ring loses the report, not a packet: whatever it is about comes up again with the next packet.
  [[maybe_unused]] const bool told = section_.events.push(event);
}

namespace {

// How many of `share` entries are due to be swept, and until when that is.
struct Due {
  std::size_t entries = 0;
  std::chrono::nanoseconds each{0};
};
Due due_since(std::chrono::nanoseconds then, std::chrono::nanoseconds now, std::size_t share) noexcept {
  const std::chrono::nanoseconds period =
      std::max<std::chrono::nanoseconds>(kSweepPeriod, kSweepEachMin * static_cast<std::int64_t>(share));
  const double since = static_cast<double>(std::min(now - then, period).count());
  const double each = static_cast<double>(period.count()) / static_cast<double>(share + 1);
  return {static_cast<std::size_t>(since / each), std::chrono::nanoseconds{static_cast<std::int64_t>(each)}};
}

}  // namespace

void Worker::sweep(const Context& context, std::chrono::nanoseconds now) noexcept {
  const auto some = [&](std::chrono::nanoseconds& until, const ConnectionTable& table, auto sweep_some) {
    const Due due = due_since(until, now, table.share_size(config_.id));
    if (due.entries == 0) return;
    const std::size_t looked = sweep_some(std::min(due.entries, kSweepPerTurnMax));
    // What was not looked at stays due.
    const std::size_t left = due.entries - std::min(due.entries, looked);
    until = now - due.each * static_cast<std::int64_t>(left);
  };
  some(swept_until_, tables_.connections, [&](std::size_t budget) {
    return tables_.connections.sweep(
        config_.id, budget, context.now,
        [&](const ConnectionEntry& entry) { return is_over(context.snapshot, entry, context.now); },
        [&](const ConnectionEntry& entry) { count_removed(context.snapshot, servers_, entry.server, entry.state); });
  });
  some(bindings_swept_until_, tables_.bindings.table(),
       [&](std::size_t budget) { return tables_.bindings.sweep(config_.id, budget, context.snapshot, context.now); });
}

// Once the table was full: keeps a few entries free by ending connections that nobody has confirmed, so that the next
// ones find room at once. Entries that were ended become free a turn later, when no worker can be reading them.
void Worker::keep_room(const Context& context) noexcept {
  ConnectionTable& table = tables_.connections;
  if (const std::uint64_t starved = table.starved(config_.id); starved != starved_) {
    starved_ = starved;
    room_until_ = context.now + ticks(kKeepRoom);
  } else if (room_until_ == 0) {
    return;
  }
  if (elapsed(room_until_, context.now) > 0) {
    room_until_ = 0;
    return;
  }
  table.reclaim(config_.id, kRoomPerWorker);
  const std::size_t each = std::clamp<std::size_t>(table.share_size(config_.id) / 8, 1, kRoomPerWorker);
  const std::size_t wanted = each * region_.workers();
  const std::size_t there = table.capacity() - std::min(table.size(), table.capacity());
  if (there >= wanted) return;
  const auto walked = table.walk(
      config_.id, room_cursor_, kSweepPerTurnMax, std::min(wanted - there, ConnectionTable::kRemovalsMax),
      [](ConnectionId, const ConnectionEntry& entry) { return may_be_evicted(entry.state); },
      [&](const ConnectionEntry& entry) { count_removed(context.snapshot, servers_, entry.server, entry.state); });
  section_.tables.evicted.add(walked.removed);
}

void Worker::tell_figures(std::chrono::nanoseconds now) noexcept {
  if (now - figures_told_at_ < kFiguresPeriod) return;
  figures_told_at_ = now;
  section_.tables.connections.store(tables_.connections.size(), std::memory_order_relaxed);
  section_.tables.bindings.store(tables_.bindings.table().size(), std::memory_order_relaxed);
}

void Worker::rest_after(std::size_t handled, std::chrono::nanoseconds now) noexcept {
  if (!config_.sleep_when_idle) return;
  const std::chrono::nanoseconds sleep = rest_.after(handled, now);
  if (sleep.count() == 0) return;
  // Sleeping, this worker uses no connection, and must not hold up the reclamation of the others' entries.
  tables_.set_online(config_.id, false);
  const timespec span{.tv_sec = 0, .tv_nsec = sleep.count()};
  nanosleep(&span, nullptr);
  tables_.set_online(config_.id, true);
}

void Worker::count_drop(Drop reason, std::size_t amount) noexcept {
  section_.packets.drops[static_cast<std::size_t>(reason)].add(amount);
}

}  // namespace fulcrum
