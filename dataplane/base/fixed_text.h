// A string of bounded length that can live in the shared region: trivially copyable, always terminated.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace fulcrum {

template <std::size_t N>
class FixedText {
 public:
  FixedText() = default;
  // Text longer than the room is cut: callers validate lengths before (the model's bounds say N - 1).
  explicit FixedText(std::string_view text) noexcept {
    std::copy_n(text.data(), std::min(text.size(), N - 1), bytes_.data());
  }
  [[nodiscard]] std::string_view view() const noexcept {
    // Another process may have written it: never trust the terminator to be there.
    return {bytes_.data(), static_cast<std::size_t>(std::find(bytes_.begin(), bytes_.end(), '\0') - bytes_.begin())};
  }
  static constexpr std::size_t length_max = N - 1;
  friend bool operator==(const FixedText& a, const FixedText& b) noexcept { return a.view() == b.view(); }

 private:
  std::array<char, N> bytes_{};
};

}  // namespace fulcrum
