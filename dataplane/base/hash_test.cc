#include "dataplane/base/hash.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "dataplane/base/wide.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using Key = std::array<std::byte, KeyedHash::kKeyBytes>;

aes::Block counting(std::uint8_t from, std::uint8_t step) {
  aes::Block block;
  for (std::uint8_t i = 0; i < 16; ++i) block[i] = static_cast<std::uint8_t>(from + i * step);
  return block;
}

// What an attacker may choose: an IPv4 client's address and port.
Key client_key(std::uint32_t address, std::uint16_t port) {
  Key key{};
  key[10] = key[11] = std::byte{0xFF};
  for (std::size_t i = 0; i < 4; ++i) key[12 + i] = static_cast<std::byte>(address >> (24 - 8 * i));
  key[16] = static_cast<std::byte>(port >> 8U);
  key[17] = static_cast<std::byte>(port);
  return key;
}

TEST(Aes, ExpandsTheKeyOfFips197AppendixA) {
  const aes::Block key{0x2B, 0x7E, 0x15, 0x16, 0x28, 0xAE, 0xD2, 0xA6, 0xAB, 0xF7, 0x15, 0x88, 0x09, 0xCF, 0x4F, 0x3C};
  const aes::Block tenth{0xD0, 0x14, 0xF9, 0xA8, 0xC9, 0xEE, 0x25, 0x89,
                         0xE1, 0x3F, 0x0C, 0xC8, 0xB6, 0x63, 0x0C, 0xA6};
  EXPECT_EQ(aes::expand_key(key)[10], tenth);
}

TEST(Aes, RoundIsThatOfFips197AppendixC) {
  // Key 000102..., plaintext 001122...: the state at the start of rounds 1 and 2.
  const auto keys = aes::expand_key(counting(0, 1));
  aes::Block state = counting(0, 0x11);
  for (std::size_t i = 0; i < 16; ++i) state[i] ^= keys[0][i];
  EXPECT_EQ(state, counting(0, 0x10));
  const aes::Block second{0x89, 0xD8, 0x10, 0xE8, 0x85, 0x5A, 0xCE, 0x68,
                          0x2D, 0x18, 0x43, 0xD8, 0xCB, 0x12, 0x8F, 0xE4};
  EXPECT_EQ(aes::round(state, keys[1]), second);
}

TEST(KeyedHash, InstructionsAndPortableCodeAgree) {
  const KeyedHash hash{{0x1122334455667788, 0x99AABBCCDDEEFF00}};
  std::vector<Key> keys;
  for (std::uint32_t i = 0; i < 100; ++i) {
    Key key = client_key(i * 0x01000193, static_cast<std::uint16_t>(i * 7));
    key[i % key.size()] = static_cast<std::byte>(i);
    keys.push_back(key);
  }
  std::vector<HashPair> hashes(keys.size());
  hash.bulk(std::as_bytes(std::span{keys}), hashes);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(hashes[i], hash.portable(keys[i])) << i;
    EXPECT_EQ(hashes[i], hash.one(keys[i])) << i;
  }
}

TEST(KeyedHash, EveryBitOfKeyAndSecretFlipsHalfOfTheResult) {
  const std::array<std::uint64_t, 2> secret{1, 2};
  const Key key = client_key(0x0A000001, 4711);
  const HashPair base = KeyedHash{secret}.one(key);
  const auto distance = [&](const HashPair& other) {
    return std::popcount(base.first ^ other.first) + std::popcount(base.second ^ other.second);
  };
  for (std::size_t bit = 0; bit < key.size() * 8; ++bit) {
    Key other = key;
    other[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_NEAR(distance(KeyedHash{secret}.one(other)), 64, 30) << "bit of the key " << bit;
  }
  for (std::size_t bit = 0; bit < 128; ++bit) {
    auto other = secret;
    other[bit / 64] ^= 1ULL << (bit % 64);
    EXPECT_NEAR(distance(KeyedHash{other}.one(key)), 64, 30) << "bit of the secret " << bit;
  }
}

TEST(KeyedHash, SpreadsClientsOverBucketsEvenly) {
  // One /16 of clients with one source port each, as a botnet's scan: chi-squared over 1,000 buckets of either half.
  const KeyedHash hash{{42, 43}};
  constexpr std::size_t kBuckets = 1000, kKeys = 65536;
  std::vector<double> first(kBuckets), second(kBuckets);
  for (std::uint32_t i = 0; i < kKeys; ++i) {
    const HashPair pair = hash.one(client_key(0xC0A80000U + i, 1024));
    ++first[reduce(pair.first, kBuckets)];
    ++second[reduce(pair.second, kBuckets)];
  }
  const auto chi_squared = [](const std::vector<double>& counts) {
    constexpr double kExpected = static_cast<double>(kKeys) / kBuckets;
    double sum = 0;
    for (const double count : counts) sum += (count - kExpected) * (count - kExpected) / kExpected;
    return sum;
  };
  // Mean 999, standard deviation sqrt(2 * 999) = 45.
  EXPECT_NEAR(chi_squared(first), 999, 5 * 45);
  EXPECT_NEAR(chi_squared(second), 999, 5 * 45);
}

}  // namespace
}  // namespace fulcrum
