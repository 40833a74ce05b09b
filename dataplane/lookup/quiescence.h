// Quiescent states of the workers (RCU's idea, as in rte_rcu_qsbr, without DPDK): memory that was taken out of every
// shared structure may be used again once each worker has passed a point at which it holds no reference to anything.
//
// A grace period is a number drawn from a shared counter. A worker that passes a quiescent state copies the counter
// into its own line; the period is over when every line shows its number or a later one. A worker that stops polling
// goes offline and is not waited for. Nothing ever waits here: whoever asks is told yes or not yet.
//
// Why it is right. Going online draws from the same counter as starting a period does. If the worker drew after the
// period began, its read of the counter has acquired all removals before it, so it cannot find what was removed. If it
// drew before, the one who began the period has acquired that the worker is online, and waits for it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/base/ids.h"
#include "dataplane/base/invariant.h"

namespace fulcrum {

class Quiescence {
 public:
  // All workers begin online: one that has not polled yet delays a grace period, but is never forgotten.
  explicit Quiescence(std::size_t workers) : workers_{workers}, lines_{std::make_unique<Line[]>(workers)} {}

  // By the worker itself, when it holds no reference from before.
  void quiescent(WorkerId worker) noexcept {
    Line& line = lines_[worker.value];
    FULCRUM_ASSERT(line.seen.load(std::memory_order_relaxed) != kOffline);
    line.seen.store(counter_.load(std::memory_order_acquire), std::memory_order_release);
  }

  // By the worker itself, when it holds no reference from before.
  void set_online(WorkerId worker, bool online) noexcept {
    Line& line = lines_[worker.value];
    if (!online) {
      line.seen.store(kOffline, std::memory_order_release);
      return;
    }
    line.seen.store(kFirst, std::memory_order_release);
    line.seen.store(counter_.fetch_add(1, std::memory_order_acq_rel), std::memory_order_release);
  }

  // Any worker. Begins a grace period for everything that the caller knows to be removed by now.
  [[nodiscard]] std::uint64_t start_grace() noexcept { return counter_.fetch_add(1, std::memory_order_acq_rel) + 1; }

  // Any worker. True when every online worker has passed a quiescent state since start_grace() returned `grace`.
  [[nodiscard]] bool is_over(std::uint64_t grace) const noexcept {
    for (std::size_t i = 0; i < workers_; ++i) {
      const std::uint64_t seen = lines_[i].seen.load(std::memory_order_acquire);
      if (seen != kOffline && seen < grace) return false;
    }
    return true;
  }

 private:
  static constexpr std::uint64_t kOffline = 0;
  static constexpr std::uint64_t kFirst = 1;  // the counter's first value: seen before any grace period
  struct alignas(64) Line {                   // written by: its worker. read by: all
    std::atomic<std::uint64_t> seen{kFirst};
  };
  std::size_t workers_;
  std::unique_ptr<Line[]> lines_;
  alignas(64) std::atomic<std::uint64_t> counter_{kFirst};
};

}  // namespace fulcrum
