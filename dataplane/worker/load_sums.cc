#include "dataplane/worker/load_sums.h"

#include <algorithm>
#include <array>
#include <span>

namespace fulcrum {
namespace {

// Of one turn, over all workers: some tens of microseconds.
constexpr std::size_t kWordsPerTurn = 16384;

// Whether `a` came after `b`; generations wrap around.
bool is_newer(std::uint16_t a, std::uint16_t b) noexcept {
  return b == 0 || (a != 0 && static_cast<std::int16_t>(a - b) > 0);
}

}  // namespace

std::size_t LoadSums::rows_wanted() const noexcept {
  std::uint32_t rows = 0;
  for (std::size_t worker = 0; worker < region_.workers(); ++worker) {
    rows = std::max(rows, region_.worker(worker).status.load_rows.load(std::memory_order_relaxed));
  }
  return std::min<std::size_t>(rows, kServersMax);
}

void LoadSums::turn(std::chrono::nanoseconds now) noexcept {
  if (next_ == 0 && now - began_ < period) return;
  const std::size_t wanted = rows_wanted();
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
  for (const Load& one : std::span{shown}.first(workers)) {
    // A worker that has not met this generation yet shows what it had of another server.
    if (one.generation == generation) sum.active += one.active;
  }
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

// A line that is right already stays in the worker's cache.
void LoadSums::tell(LoadWord& word, const Load& load) noexcept {
  if (word.load(std::memory_order_relaxed) == load.word()) return;
  word.store(load.word(), std::memory_order_relaxed);
  changed_ = true;
}

}  // namespace fulcrum
