// The only way from received bytes to headers. A Reader stands somewhere in a span of bytes and moves forward; what is
// not there cannot be taken, so a header that was taken lies inside the frame.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>

namespace fulcrum {

class Reader {
 public:
  explicit constexpr Reader(std::span<const std::byte> bytes) noexcept : rest_{bytes} {}

  // The next header, in place, and moves behind it; null, and no move, when fewer bytes are left.
  //
  // Not a copy in a std::optional: compilers keep such a copy in memory, written and read in pieces of different sizes,
  // and the stalls of that cost four times as much as all the rest of parsing.
  template <class Header>
    requires std::is_trivially_copyable_v<Header>
  [[nodiscard]] const Header* take() noexcept {
    // Any bytes may be looked at as a Header: it is an aggregate of single bytes, which alias everything.
    static_assert(alignof(Header) == 1 && std::is_aggregate_v<Header>);
    const auto bytes = take_bytes(sizeof(Header));
    return bytes ? reinterpret_cast<const Header*>(bytes->data()) : nullptr;
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
