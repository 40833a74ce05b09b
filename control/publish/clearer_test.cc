#include "control/publish/clearer.h"

#include <optional>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

class ClearerTest : public testing::Test {
 protected:
  ClearerTest() { clearer.attach(region); }
  void clear(std::vector<EntryFilter> filters, Table table = Table::connections) {
    clearer.clear(table, std::move(filters),
                  [this](const Result<std::uint64_t>& cleared) { results.push_back(cleared); });
  }
  // The worker's next command, done at once.
  std::optional<Command> work(std::size_t worker, std::uint64_t cleared) {
    Command command;
    WorkerSection& section = region.worker(worker);
    if (!section.commands.peek(command)) return std::nullopt;
    section.commands.pop();
    section.tables.cleared = cleared;
    section.tables.clear_request = command.generation;
    return command;
  }
  static EntryFilter of_farm(std::uint16_t farm) {
    EntryFilter filter;
    filter.farm = FarmId{farm};
    return filter;
  }

  Region region{*Region::create_anonymous({.workers = 2, .connections = 64})};
  Clearer clearer;
  std::vector<Result<std::uint64_t>> results;
  nanoseconds now = seconds{5};
};

TEST_F(ClearerTest, AsksEveryWorkerAndAddsUp) {
  clear({of_farm(3)}, Table::persistence);
  clearer.turn(now);
  const auto first = work(0, 10);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->kind, Command::Kind::clear);
  EXPECT_EQ(first->table, Table::persistence);
  EXPECT_EQ(first->filter, of_farm(3));
  clearer.turn(now);
  EXPECT_TRUE(results.empty()) << "one is still at it";
  ASSERT_TRUE(work(1, 32));
  clearer.turn(now);
  clearer.turn(now);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0], 42U);
  EXPECT_FALSE(clearer.is_busy());
}

TEST_F(ClearerTest, OneAfterTheOtherUnderNumbersOfTheirOwn) {
  clear({of_farm(1), of_farm(2)});
  clear({});
  std::vector<std::uint64_t> numbers;
  for (int turn = 0; turn < 8; ++turn) {
    clearer.turn(now);
    for (const std::size_t worker : {std::size_t{0}, std::size_t{1}}) {
      if (const auto command = work(worker, 1); command && worker == 0) numbers.push_back(command->generation);
      EXPECT_FALSE(work(worker, 1)) << "only one is under way";
    }
  }
  ASSERT_EQ(numbers.size(), 2U);
  EXPECT_GT(numbers[1], numbers[0]);
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0], 4U);
  EXPECT_EQ(results[1], 0U) << "nothing has that name";
}

TEST_F(ClearerTest, AFullRingDelaysAndLosesNothing) {
  while (region.worker(1).commands.push({})) {
  }
  clear({of_farm(1)});
  clearer.turn(now);
  ASSERT_TRUE(work(0, 1));
  Command other;
  while (region.worker(1).commands.peek(other)) region.worker(1).commands.pop();
  clearer.turn(now);
  ASSERT_TRUE(work(1, 2));
  for (int turn = 0; turn < 2; ++turn) clearer.turn(now);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0], 3U);
}

TEST_F(ClearerTest, AsksAgainWhenTheDataplaneIsBack) {
  clear({of_farm(1)});
  clearer.turn(now);
  const auto lost = work(0, 5);
  region.worker(1).commands.pop();  // taken up, and then the process died
  clearer.attach(region);
  now += seconds{1};
  clearer.turn(now);
  const auto again = work(0, 2);
  ASSERT_TRUE(again);
  EXPECT_NE(again->generation, lost->generation);
  ASSERT_TRUE(work(1, 3));
  for (int turn = 0; turn < 2; ++turn) clearer.turn(now);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0], 5U);
}

TEST_F(ClearerTest, GivesUpOnAWorkerThatHangsAndOnADataplaneThatIsGone) {
  clear({of_farm(1)});
  clear({of_farm(2)});
  clearer.turn(now);
  ASSERT_TRUE(work(0, 1));
  clearer.turn(now + Clearer::patience + seconds{1});
  ASSERT_EQ(results.size(), 1U);
  EXPECT_FALSE(results[0]);
  clearer.detach();
  ASSERT_EQ(results.size(), 2U);
  EXPECT_FALSE(results[1]);
  EXPECT_FALSE(clearer.is_busy());
}

}  // namespace
}  // namespace fulcrum
