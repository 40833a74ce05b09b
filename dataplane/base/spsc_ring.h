// A ring with one producer and one consumer, wait-free on both sides. It holds no pointer, so it works between two
// threads and equally between two processes that map it at different addresses.
//
// Death of either side leaves it whole: an element counts only once `tail` is stored, after its bytes are written, and
// is consumed only once `head` is stored, after the consumer has acted on it. A consumer that dies in between sees the
// element again when it comes back, so messages must be safe to take twice. DPDK's rte_ring moves its producer's head
// before the copy and its tail after it: killed between the two, it would hand out elements that were never written.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace fulcrum {

template <class T, std::uint32_t kCapacity>
class SpscRing {
  static_assert(std::has_single_bit(kCapacity) && std::is_trivially_copyable_v<T>);

 public:
  // Producer only. False: full, nothing was stored; keep the element and try again.
  [[nodiscard]] bool push(const T& element) noexcept {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) >= kCapacity) return false;
    elements_[tail & (kCapacity - 1)] = element;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // Consumer only. Copies the oldest element without consuming it; false when there is none.
  [[nodiscard]] bool peek(T& element) const noexcept {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    element = elements_[head & (kCapacity - 1)];
    return true;
  }
  // Consumer only, after a successful peek: the element is done with.
  void pop() noexcept { head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

  // Either side; a moment's estimate.
  [[nodiscard]] std::uint32_t size() const noexcept {
    return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_acquire);
  }
  [[nodiscard]] static constexpr std::uint32_t capacity() noexcept { return kCapacity; }

 private:
  alignas(64) std::atomic<std::uint32_t> tail_{0};  // written by: the producer
  alignas(64) std::atomic<std::uint32_t> head_{0};  // written by: the consumer
  alignas(64) std::array<T, kCapacity> elements_;
};

}  // namespace fulcrum
