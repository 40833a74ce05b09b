#include "dataplane/base/hash.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/base/invariant.h"

#if defined(__x86_64__)
#include <wmmintrin.h>
#endif

namespace fulcrum {
namespace aes {
namespace {

// Multiplication by x in GF(2^8) (FIPS 197 4.2.1).
constexpr std::uint8_t times_two(std::uint8_t value) noexcept {
  const unsigned wide = value;
  return static_cast<std::uint8_t>((wide << 1U) ^ ((wide >> 7U) * 0x1BU));
}

// The S-box (FIPS 197 5.1.1), computed: 3 generates the field's multiplicative group, so stepping through its powers
// and, the other way round, those of its inverse 0xF6 visits every value together with its inverse.
constexpr std::array<std::uint8_t, 256> make_s_box() noexcept {
  std::array<std::uint8_t, 256> box{};
  std::uint8_t power = 1;
  std::uint8_t inverse = 1;
  do {
    power = static_cast<std::uint8_t>(power ^ times_two(power));
    inverse = static_cast<std::uint8_t>(inverse ^ (inverse << 1U));
    inverse = static_cast<std::uint8_t>(inverse ^ (inverse << 2U));
    inverse = static_cast<std::uint8_t>(inverse ^ (inverse << 4U));
    if ((inverse & 0x80U) != 0) inverse ^= 0x09U;
    const std::uint8_t spread = static_cast<std::uint8_t>(inverse ^ std::rotl(inverse, 1) ^ std::rotl(inverse, 2) ^
                                                          std::rotl(inverse, 3) ^ std::rotl(inverse, 4));
    box[power] = spread ^ 0x63U;
  } while (power != 1);
  box[0] = 0x63;
  return box;
}
constexpr auto kSBox = make_s_box();
static_assert(kSBox[0x00] == 0x63 && kSBox[0x53] == 0xED && kSBox[0xFF] == 0x16);

}  // namespace

Block round(const Block& state, const Block& round_key) noexcept {
  Block result;
  for (std::size_t column = 0; column < 4; ++column) {
    std::array<std::uint8_t, 4> in{};
    for (std::size_t row = 0; row < 4; ++row) in[row] = kSBox[state[(column + row) % 4 * 4 + row]];
    const auto all = static_cast<std::uint8_t>(in[0] ^ in[1] ^ in[2] ^ in[3]);
    for (std::size_t row = 0; row < 4; ++row) {
      const auto pair = static_cast<std::uint8_t>(in[row] ^ in[(row + 1) % 4]);
      result[column * 4 + row] =
          static_cast<std::uint8_t>(in[row] ^ all ^ times_two(pair) ^ round_key[column * 4 + row]);
    }
  }
  return result;
}

std::array<Block, 11> expand_key(const Block& key) noexcept {
  std::array<Block, 11> keys{};
  keys[0] = key;
  std::uint8_t round_constant = 1;
  for (std::size_t n = 1; n < keys.size(); ++n) {
    const Block& last = keys[n - 1];
    for (std::size_t i = 0; i < 4; ++i) {
      keys[n][i] = static_cast<std::uint8_t>(last[i] ^ kSBox[last[12 + (i + 1) % 4]] ^ (i == 0 ? round_constant : 0U));
    }
    for (std::size_t i = 4; i < 16; ++i) keys[n][i] = static_cast<std::uint8_t>(keys[n][i - 4] ^ last[i]);
    round_constant = times_two(round_constant);
  }
  return keys;
}

}  // namespace aes

namespace {

bool cpu_has_aes() noexcept {
#if defined(__x86_64__)
  return __builtin_cpu_supports("aes") != 0;
#else
  return false;
#endif
}

#if defined(__x86_64__)
// The compiler's -march may lack AES, which no x86-64 level includes; the caller has asked the processor.
[[gnu::target("aes")]] void hash_with_instructions(const std::byte* keys, std::span<HashPair> hashes,
                                                   const aes::Block* round_keys) noexcept {
  __m128i secret[9];
  for (std::size_t i = 0; i < 9; ++i) secret[i] = _mm_load_si128(reinterpret_cast<const __m128i*>(round_keys + i));
  for (HashPair& hash : hashes) {
    // In two halves: a key that was just written in words of eight bytes would have to leave the store buffer before it
    // could be loaded at once.
    const __m128i low = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(keys));
    const __m128i high = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(keys + 8));
    __m128i state = _mm_xor_si128(_mm_unpacklo_epi64(low, high), secret[0]);
    for (std::size_t i = 1; i <= 4; ++i) state = _mm_aesenc_si128(state, secret[i]);
    state = _mm_xor_si128(state, _mm_loadl_epi64(reinterpret_cast<const __m128i*>(keys + 16)));
    for (std::size_t i = 5; i <= 8; ++i) state = _mm_aesenc_si128(state, secret[i]);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(&hash), state);
    keys += KeyedHash::kKeyBytes;
  }
}
#else
void hash_with_instructions(const std::byte*, std::span<HashPair>, const aes::Block*) noexcept {}
#endif

}  // namespace

KeyedHash::KeyedHash(const std::array<std::uint64_t, 2>& secret) noexcept : has_instructions_{cpu_has_aes()} {
  const auto keys = aes::expand_key(std::bit_cast<aes::Block>(secret));
  std::copy_n(keys.begin(), round_keys_.size(), round_keys_.begin());
}

void KeyedHash::bulk(std::span<const std::byte> keys, std::span<HashPair> hashes) const noexcept {
  FULCRUM_ASSERT(keys.size() == hashes.size() * kKeyBytes);
  if (has_instructions_) {
    hash_with_instructions(keys.data(), hashes, round_keys_.data());
    return;
  }
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    hashes[i] = portable(std::span<const std::byte, kKeyBytes>{keys.data() + i * kKeyBytes, kKeyBytes});
  }
}

HashPair KeyedHash::one(std::span<const std::byte, kKeyBytes> key) const noexcept {
  HashPair hash;
  bulk(key, {&hash, 1});
  return hash;
}

HashPair KeyedHash::portable(std::span<const std::byte, kKeyBytes> key) const noexcept {
  aes::Block state;
  std::memcpy(state.data(), key.data(), 16);
  for (std::size_t i = 0; i < 16; ++i) state[i] ^= round_keys_[0][i];
  for (std::size_t i = 1; i <= 4; ++i) state = aes::round(state, round_keys_[i]);
  for (std::size_t i = 0; i < 8; ++i) state[i] ^= std::to_integer<std::uint8_t>(key[16 + i]);
  for (std::size_t i = 5; i <= kRounds; ++i) state = aes::round(state, round_keys_[i]);
  return std::bit_cast<HashPair>(state);
}

}  // namespace fulcrum
