#include "dataplane/worker/load_sums.h"

#include <algorithm>
#include <array>
#include <span>

namespace fulcrum {
namespace {

// Of one turn, over all workers: some tens of microseconds.
constexpr std::size_t kWordsPerTurn = 16384;
// Of the counters, which are a line each.
constexpr std::size_t kRowsPerTurn = 1024;
constexpr std::chrono::nanoseconds kBandwidthPeriod = std::chrono::seconds{1};

// Whether `a` came after `b`; generations wrap around.
bool is_newer(std::uint16_t a, std::uint16_t b) noexcept {
  return b == 0 || (a != 0 && static_cast<std::int16_t>(a - b) > 0);
}

}  // namespace

std::size_t LoadSums::rows_wanted(std::atomic<std::uint32_t> WorkerStatus::*rows) const noexcept {
  std::uint32_t most = 0;
  for (std::size_t worker = 0; worker < region_.workers(); ++worker) {
    most = std::max(most, (region_.worker(worker).status.*rows).load(std::memory_order_relaxed));
  }
  return std::min<std::size_t>(most, kServersMax);
}

// Where the servers' answers do not pass here.
std::uint32_t LoadSums::probed(std::size_t row, std::uint16_t generation) const noexcept {
  const Load probe = Load::from_word(region_.shared_loads().probed[row].load(std::memory_order_relaxed));
  return probe.generation == generation ? probe.response_us : 0;
}

void LoadSums::turn(std::chrono::nanoseconds now) noexcept {
  measure_bandwidth(now);
  if (next_ == 0 && now - began_ < period) return;
  const std::size_t wanted = rows_wanted(&WorkerStatus::load_rows);
  if (next_ == 0) {
    began_ = now;
    changed_ = false;
  }
  const std::size_t end = std::min(wanted, next_ + std::max<std::size_t>(kWordsPerTurn / region_.workers(), 1));
  for (; next_ < end; ++next_) add_up(next_);
  if (next_ < wanted) return;
  next_ = 0;
  is_busy_ = changed_;
}

void LoadSums::add_up(std::size_t row) noexcept {
  std::array<Load, kWorkersMax> shown;
  const std::size_t workers = region_.workers();
  std::uint16_t generation = 0;
  for (std::size_t worker = 0; worker < workers; ++worker) {
    shown[worker] = Load::from_word(region_.loads(worker).own[row].load(std::memory_order_relaxed));
    if (is_newer(shown[worker].generation, generation)) generation = shown[worker].generation;
  }
  if (generation == 0) return;
  Load sum{.generation = generation};
  std::uint64_t response_us = 0;
  std::uint64_t measured = 0;
  for (const Load& one : std::span{shown}.first(workers)) {
    // A worker that has not met this generation yet shows what it had of another server.
    if (one.generation != generation) continue;
    sum.active += one.active;
    response_us += one.response_us;
    measured += one.response_us != 0 ? 1 : 0;
  }
  sum.response_us = measured != 0 ? static_cast<std::uint32_t>(response_us / measured) : probed(row, generation);
  for (std::size_t worker = 0; worker < workers; ++worker) {
    Load counted{.generation = generation};
    if (shown[worker].generation == generation) counted.active = shown[worker].active;
    Load others = sum;
    others.active -= counted.active;
    WorkerLoads& loads = region_.loads(worker);
    tell(loads.counted[row], counted);
    tell(loads.others[row], others);
  }
}

void LoadSums::measure_bandwidth(std::chrono::nanoseconds now) noexcept {
  if (bandwidth_next_ == 0 && now - bandwidth_began_ < kBandwidthPeriod) return;
  const std::size_t wanted = rows_wanted(&WorkerStatus::bandwidth_rows);
  if (bandwidth_next_ == 0) {
    bandwidth_span_ = now - bandwidth_began_;
    bandwidth_began_ = now;
  }
  if (moved_.empty() && wanted != 0) moved_.resize(kServersMax);
  const std::size_t end =
      std::min(wanted, bandwidth_next_ + std::max<std::size_t>(kRowsPerTurn / region_.workers(), 1));
  for (; bandwidth_next_ < end; ++bandwidth_next_) measure_bandwidth_of(bandwidth_next_);
  if (bandwidth_next_ >= wanted) bandwidth_next_ = 0;
}

void LoadSums::measure_bandwidth_of(std::size_t row) noexcept {
  const std::uint16_t generation =
      Load::from_word(region_.loads(0).others[row].load(std::memory_order_relaxed)).generation;
  if (generation == 0) return;
  std::uint64_t bytes = 0;
  for (std::size_t worker = 0; worker < region_.workers(); ++worker) {
    const ServerCounters& counters = region_.server_counters(worker)[row];
    if (counters.server_generation.load(std::memory_order_acquire) != generation) continue;
    bytes += counters.bytes_in.value() + counters.bytes_out.value();
  }
  Moved& before = moved_[row];
  // The first look tells only where to begin.
  const bool is_known = before.generation == generation && bytes >= before.bytes;
  const double seconds = std::chrono::duration<double>(bandwidth_span_).count();
  const double rate = is_known ? static_cast<double>(bytes - before.bytes) / 1024 / seconds : 0;
  before = {generation, bytes};
  const Load told{.generation = generation,
                  .active = static_cast<std::int32_t>(std::min<double>(rate, Load::active_max))};
  region_.shared_loads().bandwidth[row].store(told.word(), std::memory_order_relaxed);
}

// A line that is right already stays in the worker's cache.
void LoadSums::tell(LoadWord& word, const Load& load) noexcept {
  if (word.load(std::memory_order_relaxed) == load.word()) return;
  word.store(load.word(), std::memory_order_relaxed);
  changed_ = true;
}

}  // namespace fulcrum
