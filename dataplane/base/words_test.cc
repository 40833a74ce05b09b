// The small words of base: wire integers, checksums, time, names, ids, bounded containers.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "dataplane/base/big_endian.h"
#include "dataplane/base/checksum.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/fixed_text.h"
#include "dataplane/base/fixed_vector.h"
#include "dataplane/base/ids.h"
#include "dataplane/base/wide.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using namespace std::chrono_literals;

TEST(BigEndian, LiesOnTheWireHighByteFirst) {
  const Be32 value{0x01020304};
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &value, 4);
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 4>{1, 2, 3, 4}));
  EXPECT_EQ(value.host(), 0x01020304U);
  EXPECT_EQ(Be32::from_wire(value.wire()), value);
  EXPECT_EQ(BigEndian<std::uint64_t>{0x0102030405060708}.host(), 0x0102030405060708U);
  EXPECT_EQ(BigEndian<std::uint8_t>{7}.wire(), 7U);
  EXPECT_TRUE(Be16{0x00FF} < Be16{0x0100}) << "as numbers, not as memory";
  EXPECT_FALSE(Be16{0x0100} < Be16{0x00FF});
  static_assert(!std::is_convertible_v<std::uint16_t, Be16> && !std::is_convertible_v<Be16, std::uint16_t>);
}

// RFC 1071 as it is written: 16-bit words, high byte first, an odd byte padded with zero.
std::uint16_t sum_by_the_book(std::span<const std::byte> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const auto high = std::to_integer<std::uint32_t>(bytes[i]);
    const auto low = i + 1 < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i + 1]) : 0U;
    sum += high << 8U | low;
    sum = (sum & 0xFFFFU) + (sum >> 16U);
  }
  return static_cast<std::uint16_t>(sum);
}

std::vector<std::byte> some_bytes(std::size_t size, std::uint32_t seed) {
  std::mt19937 random{seed};
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

TEST(Checksum, SumsAnyLengthAndAlignment) {
  // The example of RFC 1071, 3.
  const std::array<std::byte, 8> example{std::byte{0x00}, std::byte{0x01}, std::byte{0xF2}, std::byte{0x03},
                                         std::byte{0xF4}, std::byte{0xF5}, std::byte{0xF6}, std::byte{0xF7}};
  EXPECT_EQ(Be16::from_wire(fold(ones_sum(example))).host(), 0xDDF2);
  for (std::size_t size = 0; size < 70; ++size) {
    const auto bytes = some_bytes(size + 3, static_cast<std::uint32_t>(size));
    for (std::size_t from = 0; from < 4 && from <= size; ++from) {
      const auto part = std::span{bytes}.subspan(from, size);
      EXPECT_EQ(Be16::from_wire(fold(ones_sum(part))).host(), sum_by_the_book(part)) << size << " from " << from;
    }
  }
  const std::vector<std::byte> ones(65535, std::byte{0xFF});
  EXPECT_EQ(Be16::from_wire(fold(ones_sum(ones))).host(), sum_by_the_book(ones)) << "carries do not get lost";
  EXPECT_EQ(fold(UINT64_MAX), 0xFFFF);
  EXPECT_EQ(fold(0), 0);
}

TEST(Checksum, AddressesOfBothFamiliesSumAsOnTheWire) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::1"}) {
    const Address address = *Address::parse(text);
    const auto bytes = address.bytes();
    const auto wire = std::as_bytes(std::span{bytes}).subspan(address.is_v4() ? 12 : 0);
    // Zero is written as 0 or as 0xFFFF.
    EXPECT_EQ(fold(ones_sum(address)) % 0xFFFFU, fold(ones_sum(wire)) % 0xFFFFU) << text;
  }
}

// RFC 1624: whatever is replaced, the updated checksum is the one that a new sum gives.
TEST(Checksum, DeltasUpdateAsARecomputationWould) {
  std::mt19937 random{1624};
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = some_bytes(24, static_cast<std::uint32_t>(random()));
    if (i % 4 == 0) std::memset(&bytes[8], i % 8 == 0 ? 0xFF : 0, 6);
    const auto before = static_cast<std::uint16_t>(~fold(ones_sum(bytes)));
    const auto replaced = std::span{bytes}.subspan(8, 6);
    const std::uint64_t from = ones_sum(replaced);
    for (std::byte& byte : replaced) byte = static_cast<std::byte>(i % 3 == 0 ? 0xFF : random());
    const std::uint16_t delta = checksum_delta(from, ones_sum(replaced));
    const Be16 after = apply_delta(Be16::from_wire(before), delta);
    // A right checksum makes the sum over everything 0xFFFF (or zero, which is the same number).
    EXPECT_EQ(fold(ones_sum(bytes, after.wire())) % 0xFFFFU, 0U) << i;
    const Be16 back = apply_delta(after, inverse_delta(delta));
    EXPECT_EQ(back.wire() % 0xFFFFU, before % 0xFFFFU) << i;
  }
}

TEST(Clock, TicksAreSixteenthsOfASecondAndWrap) {
  EXPECT_EQ(to_tick(0ns), 0U);
  EXPECT_EQ(to_tick(62'499'999ns), 0U);
  EXPECT_EQ(to_tick(62'500'000ns), 1U);
  EXPECT_EQ(to_tick(10s), ticks(10s));
  EXPECT_EQ(to_tick(std::chrono::hours{24 * 365 * 9}) < to_tick(std::chrono::hours{24 * 365 * 8}), true);
  EXPECT_EQ(elapsed(UINT32_MAX - 4, 5), 10U) << "across the wrap";
  EXPECT_EQ(elapsed(7, 7), 0U);
  EXPECT_EQ(elapsed(8, 7), 0U) << "another worker's clock was ahead";
  EXPECT_GE(monotonic_now(), 0ns);
}

TEST(FixedText, CutsAtItsRoomAndTrustsNoTerminator) {
  using Text = FixedText<8>;
  EXPECT_EQ(Text{}.view(), "");
  EXPECT_EQ(Text{"web"}.view(), "web");
  EXPECT_EQ(Text{"1234567"}.view(), "1234567");
  EXPECT_EQ(Text{"12345678"}.view(), "1234567");
  EXPECT_EQ(Text{std::string(1000, 'x')}.view().size(), Text::length_max);
  EXPECT_EQ(Text{"web"}, Text{"web"});
  EXPECT_FALSE(Text{"web"} == Text{"we"});
  Text overwritten{"web"};
  std::memset(static_cast<void*>(&overwritten), 'x', sizeof overwritten);
  EXPECT_EQ(overwritten.view(), "xxxxxxxx");
}

TEST(FixedVector, SaysNoWhenFull) {
  FixedVector<int, 3> vector;
  EXPECT_TRUE(vector.empty());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(vector.push(i));
  EXPECT_FALSE(vector.push(3));
  EXPECT_TRUE(vector.full());
  EXPECT_EQ(vector.size(), 3U);
  EXPECT_EQ(vector.view().back(), 2);
  vector.clear();
  EXPECT_TRUE(vector.push(9));
  EXPECT_EQ(vector[0], 9);
}

TEST(Ids, DoNotMix) {
  static_assert(!std::is_convertible_v<FarmId, ServiceId> && !std::is_convertible_v<std::uint16_t, FarmId>);
  static_assert(!std::is_convertible_v<FarmId, std::uint16_t>);
  EXPECT_EQ(FarmId{3}, FarmId{3});
  EXPECT_TRUE(FarmId{3} < FarmId{4});
  EXPECT_EQ(kNoServer, ServerId{});
  EXPECT_FALSE((ServerId{1, 1}) == (ServerId{1, 2})) << "another generation is another server";
}

TEST(Wide, ReducesToAnySizeEvenly) {
  EXPECT_EQ(reduce(0, 10), 0U);
  EXPECT_EQ(reduce(UINT64_MAX, 10), 9U);
  EXPECT_EQ(reduce(UINT64_MAX, 1), 0U);
  std::array<int, 7> counts{};
  for (std::uint64_t i = 0; i < 70'000; ++i) ++counts[reduce(i * 0x9E3779B97F4A7C15U, 7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 100);
}

}  // namespace
}  // namespace fulcrum
