// A vector of bounded capacity without allocation: says no when full.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace fulcrum {

template <class T, std::size_t N>
class FixedVector {
 public:
  [[nodiscard]] bool push(const T& item) {
    if (size_ == N) return false;
    items_[size_++] = item;
    return true;
  }
  void clear() { size_ = 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool full() const { return size_ == N; }
  T& operator[](std::size_t i) { return items_[i]; }
  const T& operator[](std::size_t i) const { return items_[i]; }
  [[nodiscard]] std::span<const T> view() const { return {items_.data(), size_}; }
  [[nodiscard]] std::span<T> view() { return {items_.data(), size_}; }

 private:
  std::array<T, N> items_{};
  std::size_t size_ = 0;
};

}  // namespace fulcrum
