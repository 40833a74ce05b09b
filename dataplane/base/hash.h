// A keyed hash of 24-byte keys: 128 bits, of which a table takes its buckets and tag. The key is drawn at random at a
// cold start and never leaves the machine, so a client who may choose addresses and ports cannot aim at one bucket.
//
// It is built from AES rounds like the ALRED family of message authentication codes (Daemen and Rijmen's Pelican): the
// first 16 bytes go through four rounds, the other 8 are added, then four rounds more, all with round keys of the
// secret key's AES-128 schedule (FIPS 197 5.2). Two different keys of the caller collide after four AES rounds with a
// proven probability below 2^-110, whereas fast multiply-and-fold hashes have published keys that collide under every
// seed, and SipHash takes about five times as long. A round is one instruction with a throughput of two per cycle, so a
// batch costs about 2 ns per key. A processor without AES instructions gets the same values from portable code.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace fulcrum {

struct HashPair {  // without initializers: a batch's array of them is made in every turn
  std::uint64_t first, second;
  friend bool operator==(const HashPair&, const HashPair&) = default;
};

namespace aes {

using Block = std::array<std::uint8_t, 16>;

// One encryption round (FIPS 197 5.1: ShiftRows, SubBytes, MixColumns, AddRoundKey), without AES instructions.
Block round(const Block& state, const Block& round_key) noexcept;
// The round keys of AES-128.
std::array<Block, 11> expand_key(const Block& key) noexcept;

}  // namespace aes

class KeyedHash {
 public:
  static constexpr std::size_t kKeyBytes = 24;

  explicit KeyedHash(const std::array<std::uint64_t, 2>& secret) noexcept;

  // Any thread. `keys` holds hashes.size() keys of 24 bytes, one after another.
  void bulk(std::span<const std::byte> keys, std::span<HashPair> hashes) const noexcept;
  [[nodiscard]] HashPair one(std::span<const std::byte, kKeyBytes> key) const noexcept;
  // The same values from the portable code: for tests.
  [[nodiscard]] HashPair portable(std::span<const std::byte, kKeyBytes> key) const noexcept;

 private:
  static constexpr std::size_t kRounds = 8;
  alignas(16) std::array<aes::Block, kRounds + 1> round_keys_{};
  bool has_instructions_ = false;
};

}  // namespace fulcrum
