// Several workers on few keys and hardly more entries than keys, at random, against the model of stress_model.h. A few
// times in between the table is left and made again from the memory, as after the end of a process. The seed is
// printed; FULCRUM_SEED repeats the choices (not the scheduler's), FULCRUM_STRESS_TURNS sets the length.
#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/lookup/stress_model.h"
#include "dataplane/lookup/test_table.h"
#include "tests/support/environment.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using test::Event;
using test::Moment;
using test::nth_key;
using test::number_from_environment;
using test::Token;

std::uint64_t seed() {
  static const std::uint64_t the_seed = number_from_environment("FULCRUM_SEED", std::random_device{}());
  return the_seed;
}

std::size_t turns() { return number_from_environment("FULCRUM_STRESS_TURNS", 4000); }

ServerId server_of(Token token) {
  return {static_cast<std::uint16_t>(token >> 16U), static_cast<std::uint16_t>(token)};
}
Token token_of(ServerId server) { return static_cast<Token>(server.index) << 16U | server.generation; }

// The key in an entry as it is now, whatever its life.
FlowKey key_in(const ConnectionEntry& entry) {
  std::array<std::uint64_t, 3> words;
  const auto* line = reinterpret_cast<const std::uint64_t*>(&entry);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = __atomic_load_n(line + i, __ATOMIC_RELAXED);
  return std::bit_cast<FlowKey>(words);
}

struct Shape {
  const char* name;
  std::size_t capacity, keys, workers;
  bool crowded = false;  // entries are moved to their second bucket all the time
};

struct Keys {
  std::vector<FlowKey> used;   // by the actors
  std::vector<FlowKey> fixed;  // inserted before they begin, removed when they are done
};

// The crowd: keys of buckets 5 and 7, which fill bucket 5, and keys of buckets 3 and 5, which find 3 full and push one
// of the others out of 5 into 7. Bucket 3 is full of keys that cannot move because 9 and 11 are full.
Keys keys_of(const Shape& shape, const test::TableMemory& memory) {
  Keys keys;
  if (!shape.crowded) {
    for (std::size_t n = 0; n < shape.keys; ++n) keys.used.push_back(nth_key(n));
    return keys;
  }
  const test::BucketFinder finder{memory.buckets()};
  keys.used = finder.keys({5, 7}, shape.keys * 2 / 3);
  for (const FlowKey& key : finder.keys({3, 5}, shape.keys / 3)) keys.used.push_back(key);
  keys.fixed = finder.keys({9, 11}, 16);
  for (const FlowKey& key : finder.keys({3, 9}, 8)) keys.fixed.push_back(key);
  return keys;
}

constexpr std::size_t kLives = 5;  // of the table, over one memory

class StressTest : public testing::TestWithParam<Shape> {};

// One worker's part.
class Actor {
 public:
  Actor(ConnectionTable& table, test::TableMemory& memory, const std::vector<FlowKey>& keys, std::size_t index,
        std::size_t tokens, test::Clock& clock)
      : table_{&table},
        memory_{memory},
        keys_{keys},
        worker_{static_cast<std::uint8_t>(index)},
        next_token_{static_cast<Token>(index * tokens)},
        clock_{clock},
        random_{seed() * 1000 + index} {
    log_.reserve(tokens * 2);
  }

  // The table was made anew over the same memory.
  void attach(ConnectionTable& table) { table_ = &table; }
  void turn() {
    for (std::size_t i = choose(6) + 1; i > 0; --i) {
      const std::uint32_t kind = choose(16);
      if (kind < 8) {
        insert();
      } else if (kind > 12) {
        remove();
      } else {
        look_up();
      }
      if (choose(64) == 0) std::this_thread::yield();
    }
    if (choose(2) == 0) sweep();
    if (choose(8) == 0) evict();
    check_held();
    if (choose(32) != 0) {
      table_->quiescent(worker_);
    } else {
      table_->set_online(worker_, false);
      std::this_thread::yield();
      table_->set_online(worker_, true);
    }
  }
  void set_online(bool online) { table_->set_online(worker_, online); }
  // One turn of an idle worker, so that others' removed entries come free.
  void idle_turn() {
    table_->sweep(
        worker_, table_->capacity(), 0, [](const ConnectionEntry&) { return false; }, [](const ConnectionEntry&) {});
    table_->quiescent(worker_);
  }

  [[nodiscard]] const std::vector<Event>& log() const { return log_; }
  [[nodiscard]] std::size_t inserted() const { return inserted_; }
  [[nodiscard]] std::size_t removed() const { return removed_; }
  [[nodiscard]] const std::string& breach() const { return breach_; }

 private:
  struct Held {
    std::uint32_t key;
    ConnectionId id;
  };

  std::uint32_t choose(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
  std::uint32_t some_key() { return choose(static_cast<std::uint32_t>(keys_.size())); }

  void insert() {
    const std::uint32_t key = some_key();
    const Moment begin = clock_.tick();
    const auto inserted =
        table_->insert(worker_, keys_[key], server_of(next_token_), ConnectionState::embryonic, Reason::scheduler, 0);
    const Moment end = clock_.tick();
    if (inserted.id == kNoConnection) return;
    held_.push_back({key, inserted.id});
    const Token token = token_of(table_->server(inserted.id));
    if (!inserted.is_new) {
      log_.push_back({Event::Kind::found, key, token, begin, end});
      return;
    }
    if (token != next_token_) breach_ = "a new entry is not ours";
    log_.push_back({Event::Kind::inserted, key, next_token_++, begin, end});
    ++inserted_;
  }

  void look_up() {
    std::array<std::uint32_t, 4> wanted{};
    std::array<FlowKey, 4> keys;
    std::array<ConnectionId, 4> found;
    for (std::size_t i = 0; i < wanted.size(); ++i) keys[i] = keys_[wanted[i] = some_key()];
    const Moment begin = clock_.tick();
    test::look_up(*table_, keys, found);
    const Moment end = clock_.tick();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (found[i] == kNoConnection) {
        log_.push_back({Event::Kind::missed, wanted[i], 0, begin, end});
        continue;
      }
      held_.push_back({wanted[i], found[i]});
      table_->at(found[i]).touch(ConnectionTable::Direction::to_server, 1, 0);
      log_.push_back({Event::Kind::found, wanted[i], token_of(table_->server(found[i])), begin, end});
    }
  }

  void remove() {
    if (held_.empty()) return;
    const Held held = held_[choose(static_cast<std::uint32_t>(held_.size()))];
    const Token token = token_of(table_->server(held.id));
    const Moment begin = clock_.tick();
    const bool did = table_->remove(held.id);
    const Moment end = clock_.tick();
    if (did) note_removal(held.key, token, begin, end);
  }

  void sweep() {
    const Moment begin = clock_.tick();
    table_->sweep(
        worker_, choose(8) + 1, 0,
        [&](const ConnectionEntry& entry) { return choose(8) == 0 && number_of(entry.key) != kFixed; },
        [&](const ConnectionEntry& entry) {
          note_removal(number_of(entry.key), token_of(entry.server), begin, clock_.tick());
        });
  }

  void evict() {
    const Moment begin = clock_.tick();
    table_->evict_beside(
        keys_[some_key()],
        [&](const ConnectionEntry& entry) { return choose(4) == 0 && number_of(entry.key) != kFixed; },
        [&](const ConnectionEntry& entry) {
          note_removal(number_of(entry.key), token_of(entry.server), begin, clock_.tick());
        });
  }

  static constexpr std::uint32_t kFixed = UINT32_MAX;
  [[nodiscard]] std::uint32_t number_of(const FlowKey& key) const {
    const auto at = std::find(keys_.begin(), keys_.end(), key);
    return at == keys_.end() ? kFixed : static_cast<std::uint32_t>(at - keys_.begin());
  }

  void note_removal(std::uint32_t key, Token token, Moment begin, Moment end) {
    log_.push_back({Event::Kind::removed, key, token, begin, end});
    ++removed_;
  }

  // Until this worker is quiescent, what it found must not become somebody else's.
  void check_held() {
    for (const Held& held : held_) {
      if (!(key_in(memory_.entries()[held.id.value]) == keys_[held.key])) breach_ = "an entry was reused while held";
    }
    held_.clear();
  }

  ConnectionTable* table_;
  test::TableMemory& memory_;
  const std::vector<FlowKey>& keys_;
  WorkerId worker_;
  Token next_token_;
  test::Clock& clock_;
  std::mt19937_64 random_;
  std::vector<Held> held_;
  std::vector<Event> log_;
  std::size_t inserted_ = 0, removed_ = 0;
  std::string breach_;
};

void expect_whole(ConnectionTable& table, test::TableMemory& memory, std::vector<Actor>& actors,
                  const std::vector<FlowKey>& keys) {
  std::size_t inserted = 0, removed = 0, found = 0;
  for (Actor& actor : actors) {
    inserted += actor.inserted();
    removed += actor.removed();
  }
  EXPECT_EQ(table.size(), inserted - removed);
  for (const FlowKey& key : keys) {
    const ConnectionId id = test::find(table, key);
    if (id == kNoConnection) continue;
    ++found;
    EXPECT_TRUE(table.remove(id));
    EXPECT_EQ(test::find(table, key), kNoConnection) << "twice in the index";
  }
  EXPECT_EQ(found, inserted - removed);
  for (const std::byte byte : memory.index()) ASSERT_EQ(byte, std::byte{0}) << "a slot was left behind";
  for (int i = 0; i < 4; ++i) {
    for (Actor& actor : actors) actor.idle_turn();
  }
  // Not one entry was lost.
  std::size_t taken = 0;
  for (std::uint64_t n = 0; n < 8 * table.capacity() && taken < table.capacity(); ++n) {
    const WorkerId worker{static_cast<std::uint8_t>(n % actors.size())};
    if (test::insert(table, nth_key(1'000'000 + n), worker).is_new) ++taken;
  }
  EXPECT_EQ(taken, table.capacity());
}

TEST_P(StressTest, AgreesWithTheModel) {
  const Shape shape = GetParam();
  std::printf("FULCRUM_SEED=%llu\n", static_cast<unsigned long long>(seed()));
  test::TableMemory memory{shape.capacity};
  std::optional<ConnectionTable> table{std::in_place, memory.view(), shape.workers, ConnectionTable::Start::cold};
  const Keys keys = keys_of(shape, memory);
  for (const FlowKey& key : keys.fixed) ASSERT_TRUE(test::insert(*table, key).is_new);
  test::Clock clock;
  const std::size_t tokens = turns() * 8;
  ASSERT_LT(tokens * shape.workers, std::size_t{UINT32_MAX});
  std::vector<Actor> actors;
  for (std::size_t i = 0; i < shape.workers; ++i) actors.emplace_back(*table, memory, keys.used, i, tokens, clock);
  std::uint64_t contended = 0;
  for (std::size_t life = 0; life < kLives; ++life) {
    if (life != 0) {
      contended += table->refused().contended;
      table.emplace(memory.view(), shape.workers, ConnectionTable::Start::warm);
      EXPECT_EQ(table->lost_at_start(), 0U);
      for (Actor& actor : actors) actor.attach(*table);
    }
    std::atomic<std::size_t> ready{0};
    std::vector<std::thread> threads;
    for (Actor& actor : actors) {
      threads.emplace_back([&actor, &ready, &shape] {
        // Side by side, and offline when done: nobody comes to life again while some worker never polls.
        ready.fetch_add(1);
        while (ready.load() < shape.workers) std::this_thread::yield();
        for (std::size_t turn = 0; turn < turns() / kLives; ++turn) actor.turn();
        actor.set_online(false);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  for (Actor& actor : actors) actor.set_online(true);
  std::vector<std::vector<Event>> logs;
  for (const Actor& actor : actors) {
    EXPECT_EQ(actor.breach(), "");
    logs.push_back(actor.log());
  }
  test::Model model{shape.keys, tokens * shape.workers};
  EXPECT_EQ(model.judge(logs), "");
  EXPECT_GT(model.lives(), turns() / 100) << "the test did little";
  EXPECT_EQ(contended + table->refused().contended, 0U);
  for (const FlowKey& key : keys.fixed) EXPECT_TRUE(table->remove(test::find(*table, key)));
  expect_whole(*table, memory, actors, keys.used);
}

INSTANTIATE_TEST_SUITE_P(Shapes, StressTest,
                         testing::Values(Shape{"HardlyMoreEntriesThanKeys", 20, 24, 3}, Shape{"Roomy", 64, 40, 2},
                                         Shape{"TwoKeys", 6, 2, 2}, Shape{"Crowded", 60, 24, 3, true}),
                         [](const auto& shape) { return std::string{shape.param.name}; });

// Workers that go through their rounds side by side.
class Rounds {
 public:
  explicit Rounds(std::size_t workers) : workers_{workers} {}

  // Returns when every worker has called it as often as this one.
  void meet(std::size_t& times) {
    ++times;
    arrived_.fetch_add(1);
    while (arrived_.load() < times * workers_) std::this_thread::yield();
  }
  template <class Work>
  void run(Work work) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < workers_; ++i) threads.emplace_back(work, i);
    for (std::thread& thread : threads) thread.join();
  }

 private:
  std::size_t workers_;
  std::atomic<std::size_t> arrived_{0};
};

void turn_without_expiry(ConnectionTable& table, WorkerId worker) {
  table.sweep(
      worker, 4, 0, [](const ConnectionEntry&) { return false; }, [](const ConnectionEntry&) {});
  table.quiescent(worker);
}

// All workers insert the same key at the same moment, over and over.
TEST(RacingInserts, AgreeOnOneWinner) {
  constexpr std::size_t kWorkers = 3;
  test::TableMemory memory{60};
  ConnectionTable table{memory.view(), kWorkers, ConnectionTable::Start::cold};
  std::array<ConnectionTable::Inserted, kWorkers> outcome;
  std::size_t breaches = 0;
  const std::size_t rounds_max = turns() / 10;
  Rounds rounds{kWorkers};
  rounds.run([&](std::size_t index) {
    const WorkerId worker{static_cast<std::uint8_t>(index)};
    std::size_t times = 0;
    for (std::size_t round = 0; round < rounds_max; ++round) {
      rounds.meet(times);
      outcome[index] = test::insert(table, nth_key(round % 7), worker);
      rounds.meet(times);
      if (index == 0) {
        std::size_t winners = 0;
        for (const auto& one : outcome) winners += one.is_new ? 1U : 0U;
        const bool same = outcome[0].id == outcome[1].id && outcome[1].id == outcome[2].id;
        if (winners != 1 || !same || table.size() != 1 || !table.remove(outcome[0].id)) ++breaches;
      }
      rounds.meet(times);
      turn_without_expiry(table, worker);
    }
  });
  EXPECT_EQ(breaches, 0U);
}

// Two workers insert keys that push others out of bucket 5 into bucket 7. In every other round the third looks those
// up, which must never miss; in the rounds between it removes them, which must leave no slot behind.
TEST(MovingEntries, AreNeverOverlookedAndLeaveNothingBehind) {
  test::TableMemory memory{100};
  ConnectionTable table{memory.view(), 3, ConnectionTable::Start::cold};
  const test::BucketFinder finder{memory.buckets()};
  for (const FlowKey& key : finder.keys({9, 11}, 16)) ASSERT_TRUE(test::insert(table, key).is_new);
  for (const FlowKey& key : finder.keys({3, 9}, 8)) ASSERT_TRUE(test::insert(table, key).is_new);
  const auto movable = finder.keys({5, 7}, 8);
  const auto pushing = finder.keys({3, 5}, 16);  // bucket 3 is full of keys that cannot move
  const auto buckets_5_and_7 = [&] {
    const auto index = memory.index();
    return std::array{index.subspan(5 * 64, 64), index.subspan(std::size_t{7} * 64, 64)};
  }();
  std::size_t missed = 0, left_behind = 0, not_inserted = 0;
  const auto push = [&](std::size_t from, std::size_t to, WorkerId worker) {
    for (std::size_t i = from; i < to; ++i) test::insert(table, pushing[i], worker);
  };
  const auto remove_all = [&](const std::vector<FlowKey>& keys) {
    for (const FlowKey& key : keys) {
      if (const ConnectionId id = test::find(table, key); id != kNoConnection) table.remove(id);
    }
  };
  const auto look_up_all = [&] {
    std::array<ConnectionId, 8> found;
    for (int i = 0; i < 8; ++i) {
      test::look_up(table, movable, found);
      missed += static_cast<std::size_t>(std::count(found.begin(), found.end(), kNoConnection));
    }
  };
  const std::size_t rounds_max = turns() / 10;
  Rounds rounds{3};
  rounds.run([&](std::size_t index) {
    const WorkerId worker{static_cast<std::uint8_t>(index)};
    std::size_t times = 0;
    for (std::size_t round = 0; round < rounds_max; ++round) {
      if (index == 0) {
        for (const FlowKey& key : movable) not_inserted += test::insert(table, key, worker).is_new ? 0U : 1U;
      }
      rounds.meet(times);
      if (index < 2) {
        push(8 * index, 8 * index + 8, worker);
      } else if (round % 2 == 0) {
        look_up_all();
      } else {
        remove_all(movable);
      }
      rounds.meet(times);
      if (index == 0) {
        remove_all(pushing);
        remove_all(movable);
        for (const auto bucket : buckets_5_and_7) {
          left_behind += static_cast<std::size_t>(
              std::count_if(bucket.begin(), bucket.end(), [](std::byte byte) { return byte != std::byte{0}; }));
        }
      }
      turn_without_expiry(table, worker);
      rounds.meet(times);
      turn_without_expiry(table, worker);
      rounds.meet(times);
    }
  });
  EXPECT_EQ(missed, 0U);
  EXPECT_EQ(left_behind, 0U);
  EXPECT_EQ(not_inserted, 0U);
}

}  // namespace
}  // namespace fulcrum
