#include "dataplane/worker/housekeeping.h"

#include <poll.h>

#include <algorithm>
#include <string_view>

#include "dataplane/base/clock.h"
#include "dataplane/base/invariant.h"
#include "dataplane/base/log.h"

namespace fulcrum {
namespace {

constexpr std::size_t kFramesPerTurn = 64;
// The heartbeat, and twins that cannot be waited for, bound the sleep.
constexpr int kSleepMillisecondsMax = 10;
// Some NICs take a tenth of a millisecond to tell their counters.
constexpr std::chrono::nanoseconds kLossPeriod = std::chrono::milliseconds{100};
constexpr std::chrono::nanoseconds kLinkPeriod = std::chrono::milliseconds{500};

void tell_link(std::string_view port, LinkState before, LinkState now) {
  if (now == LinkState::down) {
    log(Level::warning, "port {}: no link: look at the cable, and at the interface at its other end", port);
  } else if (now == LinkState::gone) {
    log(Level::warning, "port {}: its interface is gone: make it again and restart fulcrum-dataplane", port);
  } else if (before != LinkState::unknown) {
    log(Level::notice, "port {}: the link is up", port);
  }
}

std::uint64_t unaccounted(Region& region) noexcept {
  std::uint64_t in = 0;
  std::uint64_t out = 0;
  for (std::size_t i = 0; i <= region.workers(); ++i) {
    const PacketCounters& row = region.worker(i).packets;
    in += row.received.value() + row.from_linux.value();
    out += row.sent.value() + row.punted.value();
    for (const Counter& drop : row.drops) out += drop.value();
  }
  return in > out ? in - out : 0;
}

}  // namespace

Housekeeping::Housekeeping(Region& region, std::span<Twin* const> twins, std::span<PacketPort* const> ports,
                           std::span<SlowPath* const> workers, Doorbell& doorbell, Explainer& explainer)
    : region_{region},
      workers_{workers},
      doorbell_{doorbell},
      explainer_{explainer},
      section_{region.worker(region.workers())},
      counters_{section_.packets},
      loads_{region} {
  FULCRUM_ASSERT(twins.size() <= kPortsMax && ports.size() <= kPortsMax && !workers.empty());
  std::copy(twins.begin(), twins.end(), twins_.begin());
  std::copy(ports.begin(), ports.end(), ports_.begin());
}

void Housekeeping::run(const std::atomic<bool>& stop) {
  while (!stop.load(std::memory_order_relaxed)) {
    if (turn() == 0) sleep();
  }
}

std::size_t Housekeeping::turn() noexcept {
  std::size_t moved = 0;
  for (SlowPath* worker : workers_) moved += deliver_to_linux(*worker);
  for (std::uint8_t port = 0; port < kPortsMax; ++port) {
    if (twins_[port] != nullptr) moved += fetch_from_linux(PortId{port});
  }
  const std::chrono::nanoseconds now = monotonic_now();
  if (now - losses_counted_ >= kLossPeriod) {
    losses_counted_ = now;
    count_losses();
  }
  if (now - links_seen_ >= kLinkPeriod) {
    links_seen_ = now;
    look_at_links();
  }
  loads_.turn(now);
  explainer_.turn(to_tick(now));
  region_.header().dataplane_heartbeat.store(static_cast<std::uint64_t>(now.count()), std::memory_order_relaxed);
  return moved;
}

void Housekeeping::count_losses() noexcept {
  for (std::size_t port = 0; port < kPortsMax; ++port) {
    if (ports_[port] == nullptr) continue;
    const LossCounts lost = ports_[port]->take_losses();
    for (std::size_t i = 0; i < kLosses; ++i) section_.ports[port].lost[i].add(lost[i]);
  }
}

void Housekeeping::look_at_links() noexcept {
  for (std::size_t i = 0; i < kPortsMax; ++i) {
    if (ports_[i] == nullptr) continue;
    PortInfo& port = region_.header().ports[i];
    const LinkState before = link_of(port);
    const LinkState now = ports_[i]->link();
    if (now == before || now == LinkState::unknown) continue;
    set_link(port, now);
    tell_link(port.name.view(), before, now);
  }
}

std::size_t Housekeeping::deliver_to_linux(SlowPath& from) noexcept {
  std::size_t moved = 0;
  SlowFrame next;
  for (; moved < kFramesPerTurn && from.to_linux.peek(next); ++moved) {
    from.to_linux.pop();
    Twin* twin = twins_[next.port.value];
    std::size_t taken = 0;
    if (twin != nullptr) {
      taken = twin->deliver({&next.frame, 1});
    } else {
      ports_[next.frame.port.value]->release({&next.frame, 1});
    }
    counters_.punted.add(taken);
    counters_.drops[static_cast<std::size_t>(Drop::twin_refused)].add(1 - taken);
  }
  return moved;
}

std::size_t Housekeeping::fetch_from_linux(PortId port) noexcept {
  auto& out = workers_.front()->from_linux;
  std::array<Frame, kBatchMax> frames;
  // What does not fit stays in Linux's own queue, which is where a full link belongs.
  const std::size_t room = out.capacity() - out.size();
  const std::size_t count = twins_[port.value]->receive(std::span{frames}.first(std::min(room, frames.size())));
  for (std::size_t i = 0; i < count; ++i) {
    [[maybe_unused]] const bool pushed = out.push({.frame = frames[i], .port = port});
  }
  return count;
}

void Housekeeping::sleep() noexcept {
  std::array<pollfd, kPortsMax + 1> waits{};
  nfds_t count = 0;
  waits[count++] = {.fd = doorbell_.descriptor(), .events = POLLIN, .revents = 0};
  for (const Twin* twin : twins_) {
    if (twin != nullptr && twin->wait_descriptor() >= 0) {
      waits[count++] = {.fd = twin->wait_descriptor(), .events = POLLIN, .revents = 0};
    }
  }
  doorbell_.going_to_sleep();
  const bool nothing_came = std::all_of(workers_.begin(), workers_.end(),
                                        [](const SlowPath* worker) { return worker->to_linux.size() == 0; });
  if (nothing_came) poll(waits.data(), count, loads_.is_busy() ? 1 : kSleepMillisecondsMax);
  doorbell_.awake();
}

void account_for_lost(Region& region) noexcept {
  Counter& lost = region.worker(region.workers()).packets.drops[static_cast<std::size_t>(Drop::lost_in_restart)];
  lost.add(unaccounted(region));
}

}  // namespace fulcrum
