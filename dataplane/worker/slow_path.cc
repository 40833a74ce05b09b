#include "dataplane/worker/slow_path.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "dataplane/base/invariant.h"

namespace fulcrum {

Doorbell::Doorbell() : event_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} { FULCRUM_ASSERT(event_ >= 0); }
Doorbell::~Doorbell() { close(event_); }

void Doorbell::ring() noexcept {
  // Pairs with the fence in going_to_sleep(): either we see that it sleeps, or it sees what we pushed.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!sleeping_.load(std::memory_order_relaxed) || !sleeping_.exchange(false, std::memory_order_relaxed)) return;
  const std::uint64_t one = 1;
  // The counter cannot overflow: whoever sleeps is woken once.
  [[maybe_unused]] const auto written = write(event_, &one, sizeof one);
}

void Doorbell::going_to_sleep() noexcept {
  sleeping_.store(true, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Doorbell::awake() noexcept {
  sleeping_.store(false, std::memory_order_relaxed);
  std::uint64_t rings = 0;
  [[maybe_unused]] const auto got = read(event_, &rings, sizeof rings);
}

}  // namespace fulcrum
