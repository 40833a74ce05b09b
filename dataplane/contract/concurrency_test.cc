// Writers and readers of the plane boundary at the same time, for ThreadSanitizer. The interleavings one by one are in
// the tests of each file.
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "dataplane/contract/messages.h"
#include "dataplane/contract/neighbours.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

TEST(Concurrency, NeighboursAreReadWhileTheyChange) {
  auto table = std::make_unique<NeighbourTable>();
  constexpr PortId kPort{3};
  constexpr std::uint32_t kAddresses = 8;
  const auto address = [](std::uint32_t n) { return Address::v4(Be32{0xC0000200U + n}); };
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> found{0}, wrong{0};
  const auto read = [&] {
    for (std::uint32_t n = 0; !stop.load(std::memory_order_relaxed); n = (n + 1) % kAddresses) {
      const auto mac = table->find(kPort, address(n));
      if (!mac) continue;
      found.fetch_add(1, std::memory_order_relaxed);
      const auto& bytes = mac->bytes;
      if (bytes[5] != n || bytes[1] != bytes[0] || bytes[2] != bytes[1]) wrong.fetch_add(1);
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) readers.emplace_back(read);
  for (std::uint32_t round = 0; round < 20'000 || found.load() < 1000; ++round) {
    const std::uint32_t n = round % kAddresses;
    const auto id = table->obtain(kPort, address(n));
    ASSERT_TRUE(id);
    const auto version = static_cast<std::uint8_t>(round);
    table->resolve(*id, Mac{{version, version, version, version, version, static_cast<std::uint8_t>(n)}});
    if (round % 64 == 0) table->remove(*id);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0U);
}

TEST(Concurrency, CommandsArriveOnceInOrderAndWhole) {
  auto ring = std::make_unique<CommandRing>();
  constexpr std::uint64_t kCommands = 200'000;
  std::uint64_t refused = 0;
  std::thread producer{[&] {
    for (std::uint64_t n = 1; n <= kCommands; ++n) {
      Command command;
      command.generation = n;
      command.slot = static_cast<std::uint32_t>(n * 7);
      command.server = {static_cast<std::uint16_t>(n), static_cast<std::uint16_t>(n >> 16U)};
      while (!ring->push(command)) {
        ++refused;
        std::this_thread::yield();
      }
    }
  }};
  std::uint64_t wrong = 0;
  for (std::uint64_t n = 1; n <= kCommands; ++n) {
    Command command;
    while (!ring->peek(command)) std::this_thread::yield();
    const ServerId server{static_cast<std::uint16_t>(n), static_cast<std::uint16_t>(n >> 16U)};
    if (command.generation != n || command.slot != static_cast<std::uint32_t>(n * 7) || command.server != server) {
      ++wrong;
    }
    ring->pop();
  }
  producer.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(ring->size(), 0U);
}

}  // namespace
}  // namespace fulcrum
