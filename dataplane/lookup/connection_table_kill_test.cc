// A process that inserts and removes as fast as it can is killed at a random moment, over and over; each time the table
// is made again from what it left in shared memory. FULCRUM_KILLS sets how often, FULCRUM_SEED repeats the choices.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <random>
#include <set>
#include <thread>

#include "dataplane/lookup/test_table.h"
#include "tests/support/environment.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using test::nth_key;
using test::number_from_environment;

constexpr std::size_t kRoom = 600;
constexpr std::uint32_t kOwnKeys = 300;    // of each of the two workers
constexpr std::uint32_t kSharedKeys = 10;  // that both insert and remove
constexpr std::uint32_t kKeys = 2 * kOwnKeys + kSharedKeys;

// What the dying process knew for certain, in memory that outlives it.
enum class Known : std::uint8_t { absent, present, unsure };
struct Diary {
  std::atomic<bool> running;
  std::atomic<std::uint64_t> operations;
  std::array<std::atomic<Known>, 2 * kOwnKeys> keys;
};

ServerId server_of(std::uint32_t key) { return {static_cast<std::uint16_t>(key), static_cast<std::uint16_t>(~key)}; }

class Storm {
 public:
  Storm(ConnectionTable& table, Diary& diary, std::uint64_t seed) : table_{table}, diary_{diary}, seed_{seed} {}

  [[noreturn]] void rage() {
    std::thread other{[this] { work(WorkerId{1}); }};
    work(WorkerId{0});
  }

 private:
  [[noreturn]] void work(WorkerId worker) {
    std::mt19937_64 random{seed_ + worker.value};
    for (;;) {
      for (int i = 0; i < 8; ++i) {
        const auto draw = static_cast<std::uint32_t>(random() % (kOwnKeys + kSharedKeys));
        if (draw < kOwnKeys) {
          toggle(worker, worker.value * kOwnKeys + draw);
        } else {
          insert_or_remove(worker, kOwnKeys + draw);
        }
      }
      table_.sweep(
          worker, 32, 0, [](const ConnectionEntry&) { return false; }, [](const ConnectionEntry&) {});
      table_.quiescent(worker);
      diary_.running.store(true);
    }
  }
  bool insert_or_remove(WorkerId worker, std::uint32_t key) {
    const ConnectionId id = test::find(table_, nth_key(key));
    if (id != kNoConnection) return !table_.remove(id);
    return table_.insert(worker, nth_key(key), server_of(key), ConnectionState::established, Reason::fallback, key)
        .is_new;
  }
  void toggle(WorkerId worker, std::uint32_t key) {
    diary_.keys[key].store(Known::unsure);
    const bool is_there = insert_or_remove(worker, key);
    diary_.keys[key].store(is_there ? Known::present : Known::absent);
    diary_.operations.fetch_add(1, std::memory_order_relaxed);
  }

  ConnectionTable& table_;
  Diary& diary_;
  std::uint64_t seed_;
};

void kill_in_a_storm(test::TableMemory& memory, Diary& diary, std::mt19937_64& random) {
  diary.running.store(false);
  const std::uint64_t seed = random();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ConnectionTable table{memory.view(), 2, ConnectionTable::Start::warm};
    Storm{table, diary, seed}.rage();
  }
  while (!diary.running.load()) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::microseconds{random() % 300});  // the random moment
  ASSERT_EQ(kill(child, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

// Attaches, and holds what is there against the diary.
void examine(test::TableMemory& memory, Diary& diary) {
  ConnectionTable table{memory.view(), 1, ConnectionTable::Start::warm};
  std::set<std::uint32_t> ids;
  for (std::uint32_t key = 0; key < kKeys; ++key) {
    const ConnectionId id = test::find(table, nth_key(key));
    const bool is_there = id != kNoConnection;
    if (key < 2 * kOwnKeys) {
      const Known known = diary.keys[key].load();
      EXPECT_TRUE(known == Known::unsure || (known == Known::present) == is_there) << "key " << key;
      diary.keys[key].store(is_there ? Known::present : Known::absent);
    }
    if (!is_there) continue;
    EXPECT_TRUE(ids.insert(id.value).second);
    const auto entry = read_entry(memory.entries()[id.value]);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->key, nth_key(key));
    EXPECT_EQ(entry->server, server_of(key)) << "half an entry";
    EXPECT_EQ(entry->state, ConnectionState::established);
    EXPECT_EQ(entry->reason, Reason::fallback);
    EXPECT_EQ(entry->last_seen, key);
  }
  EXPECT_EQ(table.size(), ids.size());
  EXPECT_EQ(table.lost_at_start(), 0U);
  for (const ConnectionEntry& entry : memory.entries()) {
    EXPECT_EQ(life_of(entry.word) == Life::live,
              ids.count(static_cast<std::uint32_t>(&entry - memory.entries().data())) == 1);
  }
  // Every entry that holds no connection can be had.
  std::size_t taken = 0;
  std::vector<ConnectionId> filled;
  for (std::uint64_t n = 0; n < 2 * kRoom && ids.size() + taken < kRoom; ++n) {
    const auto inserted = test::insert(table, nth_key(1'000'000 + n));
    if (!inserted.is_new) continue;
    ++taken;
    filled.push_back(inserted.id);
  }
  EXPECT_EQ(ids.size() + taken, kRoom);
  for (const ConnectionId id : filled) EXPECT_TRUE(table.remove(id));
}

TEST(KilledInAStorm, NoHalfEntryAndNoneLostThatWasComplete) {
  const std::uint64_t seed = number_from_environment("FULCRUM_SEED", std::random_device{}());
  std::printf("FULCRUM_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random{seed};
  void* shared = mmap(nullptr, sizeof(Diary), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  Diary& diary = *new (shared) Diary{};
  test::TableMemory memory{kRoom};
  const std::uint64_t kills = number_from_environment("FULCRUM_KILLS", 100);
  for (std::uint64_t i = 0; i < kills && !HasFailure(); ++i) {
    kill_in_a_storm(memory, diary, random);
    if (!HasFailure()) examine(memory, diary);
  }
  EXPECT_GT(diary.operations.load(), kills) << "the storms were calm";
  munmap(shared, sizeof(Diary));
}

}  // namespace
}  // namespace fulcrum
