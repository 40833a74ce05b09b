#include "tests/bench/churn.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/bench/bench_ports.h"

namespace fulcrum::bench {
namespace {

constexpr std::size_t kBusyFlows = 1000;
constexpr std::size_t kTurnsMax = 1U << 22U;

// A new thread begins on its maker's core; what happens beside a worker happens on the others.
void leave_core() {
  const int core = sched_getcpu();
  cpu_set_t others;
  CPU_ZERO(&others);
  for (int i = 0; i < static_cast<int>(std::thread::hardware_concurrency()); ++i) {
    if (i != core) CPU_SET(static_cast<unsigned>(i), &others);
  }
  pthread_setaffinity_np(pthread_self(), sizeof others, &others);
}

// As control does it: into a slot that no worker uses, then a message.
std::uint64_t publish_again_and_again(BenchBox& box, const std::atomic<bool>& stop) {
  constexpr auto kPause = std::chrono::milliseconds{10};
  leave_core();
  std::uint64_t published = 0;
  const auto& in_use = box.region().worker(kWorker.value).status.slot;
  for (; !stop.load(std::memory_order_relaxed); ++published) {
    if (in_use.load(std::memory_order_acquire) != static_cast<std::uint32_t>(BenchBox::Slot::many_farms)) {
      box.rewrite_many_farms();
    }
    box.adopt(kWorker, BenchBox::Slot::many_farms);
    std::this_thread::sleep_for(kPause);
    box.adopt(kWorker, BenchBox::Slot::nat);
    std::this_thread::sleep_for(kPause);
  }
  return published;
}

std::uint64_t read_again_and_again(BenchBox& box, const std::atomic<bool>& stop) {
  leave_core();
  std::uint64_t read = 0;
  while (!stop.load(std::memory_order_relaxed)) {
    for (const ConnectionEntry& entry : box.region().entries()) {
      read += read_entry(entry).has_value() ? 1U : 0U;
      if (stop.load(std::memory_order_relaxed)) break;
    }
  }
  return read;
}

double percentile(std::vector<std::uint32_t>& times, double part) {
  const auto at = static_cast<std::ptrdiff_t>(static_cast<double>(times.size() - 1) * part);
  std::nth_element(times.begin(), times.begin() + at, times.end());
  return times[static_cast<std::size_t>(at)] / 1000.0;
}

}  // namespace

TurnTimes measure_churn(BenchBox& box, Churn churn, std::chrono::milliseconds span) {
  FlowPort source{PortId{0}, Way::to_server, std::min<std::size_t>(kBusyFlows, box.live()), 1};
  SinkPort sink;
  const auto worker = box.running_worker(kWorker, {&source, &sink}, BenchBox::Slot::nat);
  const std::size_t before = box.table().size();
  if (churn == Churn::age) box.age_all();
  std::atomic<bool> stop{false};
  std::uint64_t changes = 0;
  std::thread beside;
  if (churn == Churn::adopt) beside = std::thread{[&] { changes = publish_again_and_again(box, stop); }};
  if (churn == Churn::show) beside = std::thread{[&] { changes = read_again_and_again(box, stop); }};
  std::vector<std::uint32_t> times;
  times.reserve(kTurnsMax);
  auto now = monotonic_now();
  const auto ahead = box.now() - now;
  for (const auto end = now + span; now < end && times.size() < kTurnsMax;) {
    worker->turn(now + ahead);
    const auto then = monotonic_now();
    times.push_back(static_cast<std::uint32_t>((then - now).count()));
    now = then;
  }
  stop.store(true);
  if (beside.joinable()) beside.join();
  if (churn == Churn::age) {
    changes = before - box.table().size();
    // What was removed can be entered again when the worker has had turns for all of it.
    for (std::size_t turn = 0; turn < box.table().capacity() / ConnectionTable::kRemovalsMax + 16; ++turn) {
      worker->turn(monotonic_now() + ahead);
    }
    box.refill();
  }
  TurnTimes result{.p50 = percentile(times, 0.5), .p99 = percentile(times, 0.99), .p999 = percentile(times, 0.999)};
  result.max = *std::max_element(times.begin(), times.end()) / 1000.0;
  result.turns = times.size();
  result.changes = changes;
  return result;
}

}  // namespace fulcrum::bench
