// The only way from received bytes to headers. A Reader stands somewhere in a span of bytes and moves forward; what is
// not there cannot be taken, so a header that was taken lies inside the frame.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace fulcrum {

class Reader {
 public:
  explicit constexpr Reader(std::span<const std::byte> bytes) noexcept : rest_{bytes} {}

  // Copies the next header and moves behind it; nothing, and no move, when fewer bytes are left.
  template <class Header>
    requires std::is_trivially_copyable_v<Header>
  [[nodiscard]] std::optional<Header> take() noexcept {
    static_assert(alignof(Header) == 1, "a header starts at any address");
    if (rest_.size() < sizeof(Header)) return std::nullopt;
    Header header;
    std::memcpy(&header, rest_.data(), sizeof header);
    rest_ = rest_.subspan(sizeof header);
    return header;
  }
  // Takes the next `count` bytes as they are; nothing, and no move, when fewer are left.
  [[nodiscard]] std::optional<std::span<const std::byte>> take_bytes(std::size_t count) noexcept {
    if (rest_.size() < count) return std::nullopt;
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  // Forgets what lies behind the next `count` bytes: link-layer padding. False when fewer are left.
  [[nodiscard]] bool limit(std::size_t count) noexcept {
    if (rest_.size() < count) return false;
    rest_ = rest_.first(count);
    return true;
  }
  [[nodiscard]] std::span<const std::byte> rest() const noexcept { return rest_; }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace fulcrum
