#include "control/publish/publisher.h"

#include <set>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

// A worker as the publisher sees one: it reads its mailbox when the test says so, adopts and acknowledges.
class ScriptedWorker {
 public:
  ScriptedWorker(Region& region, std::size_t index) : region_{region}, section_{region.worker(index)} {}

  // Takes up to `count` commands.
  void read(std::size_t count = SIZE_MAX) {
    Command command;
    for (; count > 0 && section_.commands.peek(command); --count) {
      if (command.kind == Command::Kind::adopt_snapshot) adopt(command.slot);
      if (command.kind == Command::Kind::set_server_state) states.push_back(command);
      section_.commands.pop();
    }
  }
  void adopt(std::uint32_t slot) {
    snapshot_ = &region_.snapshot(slot);
    section_.status.slot = slot;
    section_.status.generation = snapshot_->generation;
  }
  // What this worker would forward by; the mark that the test's compiler left.
  [[nodiscard]] std::uint64_t mark() const { return snapshot_ == nullptr ? 0 : snapshot_->model_hash; }
  // Fills its ring with commands nobody reads.
  void stuff() {
    while (section_.commands.push({})) {
    }
  }
  // As after a death of the dataplane: the snapshot is found by the status line, the ring is as it was.
  void die_and_come_back() {
    snapshot_ = nullptr;
    if (section_.status.generation != 0) adopt(section_.status.slot);
  }

  std::vector<Command> states;

 private:
  Region& region_;
  WorkerSection& section_;
  const Snapshot* snapshot_ = nullptr;
};

class PublisherTest : public testing::Test {
 protected:
  PublisherTest() { publisher.attach(region); }

  // Publishes a snapshot that carries `mark`.
  Publisher::Outcome publish(std::uint64_t mark) {
    auto done = publisher.publish([mark](std::uint64_t generation, const Snapshot*, Snapshot& into) -> Result<void> {
      into.generation = generation;
      into.model_hash = mark;
      return {};
    });
    EXPECT_TRUE(done);
    return done.value_or(Publisher::Outcome::waiting);
  }

  Region region{*Region::create_anonymous({.workers = 2})};
  Publisher publisher;
  ScriptedWorker first{region, 0}, second{region, 1};
};

using Outcome = Publisher::Outcome;

TEST_F(PublisherTest, ReachesEveryWorker) {
  EXPECT_EQ(publisher.newest(), nullptr);
  EXPECT_FALSE(publisher.acknowledged());
  ASSERT_EQ(publish(7), Outcome::published);
  EXPECT_FALSE(publisher.acknowledged());
  first.read();
  second.read();
  EXPECT_EQ(first.mark(), 7U);
  EXPECT_EQ(second.mark(), 7U);
  EXPECT_TRUE(publisher.acknowledged());
}

TEST_F(PublisherTest, NeverWritesToASlotInUse) {
  ASSERT_EQ(publish(1), Outcome::published);
  first.read();
  second.read();
  // The second worker lags: the slot it stands on, and those its commands name, stay as they are.
  std::uint64_t mark = 2;
  while (publish(mark) == Outcome::published) {
    first.read();
    ++mark;
    ASSERT_LT(mark, 10U) << "published into slots that are in use";
  }
  EXPECT_EQ(second.mark(), 1U);
  EXPECT_EQ(first.mark(), mark - 1);
  second.read(1);
  EXPECT_EQ(second.mark(), 2U) << "the command's slot was written again";
  second.read();
  EXPECT_EQ(second.mark(), mark - 1);
  EXPECT_EQ(publish(mark), Outcome::published);
}

TEST_F(PublisherTest, UsesEverySlotInTurnWhenWorkersKeepUp) {
  for (std::uint64_t mark = 1; mark < 50; ++mark) {
    ASSERT_EQ(publish(mark), Outcome::published);
    first.read();
    second.read();
    ASSERT_EQ(first.mark(), mark);
  }
}

TEST_F(PublisherTest, RetriesWhenARingIsFull) {
  second.stuff();
  ASSERT_EQ(publish(1), Outcome::published);
  publisher.set_server_state({.index = 3, .generation = 1}, ServerState::down);
  EXPECT_TRUE(publisher.has_waiting());
  EXPECT_EQ(publisher.workers()[1].waiting, 2U);
  EXPECT_EQ(publisher.workers()[0].waiting, 0U);
  second.read();
  EXPECT_EQ(second.mark(), 0U);
  publisher.turn();
  EXPECT_FALSE(publisher.has_waiting());
  second.read();
  EXPECT_EQ(second.mark(), 1U);
  ASSERT_EQ(second.states.size(), 1U);
}

TEST_F(PublisherTest, TellsTheLastStateOfAServerThatFlapsWhileTheRingIsFull) {
  ASSERT_EQ(publish(1), Outcome::published);
  second.read();
  second.stuff();
  for (const auto state : {ServerState::down, ServerState::up, ServerState::down}) {
    publisher.set_server_state({.index = 3, .generation = 1}, state);
  }
  second.read();
  publisher.turn();
  second.read();
  ASSERT_EQ(second.states.size(), 1U);
  EXPECT_EQ(second.states[0].state, ServerState::down);
  EXPECT_EQ(second.states[0].generation, publisher.newest()->generation);
}

TEST_F(PublisherTest, ANewSnapshotReplacesWaitingStates) {
  ASSERT_EQ(publish(1), Outcome::published);
  first.read();
  second.read();
  second.stuff();
  publisher.set_server_state({.index = 3, .generation = 1}, ServerState::down);
  ASSERT_EQ(publish(2), Outcome::published);
  EXPECT_EQ(publisher.workers()[1].waiting, 1U);
}

TEST_F(PublisherTest, AnErrorOfTheCompilerChangesNothing) {
  ASSERT_EQ(publish(1), Outcome::published);
  const std::uint64_t before = publisher.newest()->generation;
  auto done = publisher.publish([](std::uint64_t, const Snapshot*, Snapshot& into) -> Result<void> {
    into.model_hash = 99;
    return fail(Error::Code::limit, "farms", "too many");
  });
  EXPECT_FALSE(done);
  EXPECT_EQ(publisher.newest()->generation, before);
  first.read();
  EXPECT_EQ(first.mark(), 1U);
  EXPECT_EQ(first.mark(), publisher.newest()->model_hash);
}

TEST_F(PublisherTest, GivesThePreviousSnapshotToTheCompiler) {
  ASSERT_EQ(publish(5), Outcome::published);
  std::uint64_t seen = 0;
  const auto done = publisher.publish([&](std::uint64_t, const Snapshot* previous, Snapshot&) -> Result<void> {
    seen = previous->model_hash;
    return {};
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(seen, 5U);
}

TEST_F(PublisherTest, ASuccessorFindsTheNewestAndSparesWhatWorkersMayStillAdopt) {
  ASSERT_EQ(publish(1), Outcome::published);
  first.read();
  second.read();
  ASSERT_EQ(publish(2), Outcome::published);  // announced, not yet read; then control dies

  Publisher successor;
  successor.attach(region);
  ASSERT_NE(successor.newest(), nullptr);
  EXPECT_EQ(successor.newest()->model_hash, 2U);
  publisher = std::move(successor);
  ASSERT_EQ(publish(3), Outcome::published);
  first.read(1);
  EXPECT_EQ(first.mark(), 2U) << "the successor wrote to a slot that its predecessor had announced";
  first.read();
  second.read();
  EXPECT_EQ(first.mark(), 3U);
  EXPECT_EQ(second.mark(), 3U);
}

TEST_F(PublisherTest, ASnapshotLeftHalfWrittenIsNotTaken) {
  ASSERT_EQ(publish(1), Outcome::published);
  first.read();
  second.read();
  const auto half = static_cast<std::size_t>(&region.snapshot(1) == publisher.newest() ? 2 : 1);
  region.snapshot(half).generation = 0;
  region.snapshot(half).model_hash = 99;
  Publisher successor;
  successor.attach(region);
  EXPECT_EQ(successor.newest()->model_hash, 1U);
}

TEST_F(PublisherTest, ARestartedDataplaneGetsTheNewestAfterItsOld) {
  ASSERT_EQ(publish(1), Outcome::published);
  first.read();
  second.read();
  while (publish(2) == Outcome::published) {
  }
  first.die_and_come_back();
  second.die_and_come_back();
  EXPECT_EQ(first.mark(), 1U);
  publisher.attach(region);
  first.read();
  second.read();
  ASSERT_EQ(publish(3), Outcome::published);
  first.read();
  second.read();
  EXPECT_EQ(first.mark(), 3U);
  EXPECT_EQ(second.mark(), 3U);
}

// The worker stored the slot, died, and never stored the generation: the slot it names is the one it will come back to.
TEST_F(PublisherTest, SparesTheSlotOfAWorkerThatDiedWhileAdopting) {
  ASSERT_EQ(publish(1), Outcome::published);
  first.read();
  second.read();
  ASSERT_EQ(publish(2), Outcome::published);
  const auto adopted = static_cast<std::uint32_t>(publisher.newest() - &region.snapshot(0));
  second.read();
  region.worker(0).status.slot = adopted;
  for (std::uint64_t mark = 3; publish(mark) == Outcome::published; ++mark) second.read();
  first.die_and_come_back();
  EXPECT_EQ(first.mark(), 2U);
}

}  // namespace
}  // namespace fulcrum
