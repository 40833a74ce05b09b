#include "control/compile/schedules.h"

#include <memory>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using Rows = std::vector<std::uint16_t>;

class SchedulesTest : public ::testing::Test {
 protected:
  // Rows 100, 101 ... with these weights; that one is down.
  static std::vector<ScheduledServer> servers(const std::vector<std::uint16_t>& weights, std::size_t down = 99) {
    std::vector<ScheduledServer> all;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      all.push_back({static_cast<std::uint16_t>(100 + i), weights[i], i != down, i + 1});
    }
    return all;
  }
  static Rows rows(const Snapshot& snapshot, const ServiceRow& service) {
    const auto* first = snapshot.schedule.data() + service.schedule_offset;
    return {first, first + service.schedule_length};
  }
  Rows rows_of(SchedulerKind kind, const std::vector<std::uint16_t>& weights, std::size_t down = 99) {
    ServiceRow service;
    service.scheduler = kind;
    EXPECT_TRUE(Schedules(nullptr, *into_).add(service, servers(weights, down)));
    return rows(*into_, service);
  }
  static ServiceRow service_of(SchedulerKind kind) {
    ServiceRow service;
    service.scheduler = kind;
    return service;
  }

  std::unique_ptr<Snapshot> into_ = std::make_unique<Snapshot>();
  std::unique_ptr<Snapshot> next_ = std::make_unique<Snapshot>();
};

TEST_F(SchedulesTest, TurnsOfTheUsableOnesByWeightOrNot) {
  EXPECT_EQ(rows_of(SchedulerKind::round_robin, {1, 2, 1}), (Rows{100, 101, 102}));
  EXPECT_EQ(rows_of(SchedulerKind::round_robin, {1, 2, 1}, 0), (Rows{101, 102}));
  EXPECT_EQ(rows_of(SchedulerKind::weighted_round_robin, {1, 2}, 99).size(), 3U);
  EXPECT_EQ(into_->by_load, 0U);
}

TEST_F(SchedulesTest, WhoLooksAtAllHasThemOnceAndWhoDrawsByWeight) {
  EXPECT_EQ(rows_of(SchedulerKind::weighted_least_connections, {1, 2, 5}), (Rows{100, 101, 102}));
  EXPECT_EQ(into_->by_load, 1U);
  EXPECT_EQ(rows_of(SchedulerKind::two_choices, {1, 2, 5}).size(), 8U);
  std::vector<std::uint16_t> many(17, 2);
  many[3] = 6;
  EXPECT_EQ(rows_of(SchedulerKind::weighted_least_connections, many).size(), 19U);
  EXPECT_EQ(rows_of(SchedulerKind::least_connections, many).size(), 17U);
  EXPECT_EQ(rows_of(SchedulerKind::weighted_least_connections, many, 0).size(), 16U) << "few enough to look at all";
}

TEST_F(SchedulesTest, ServicesWithTheSameServersShareATable) {
  Schedules schedules{nullptr, *into_};
  ServiceRow first = service_of(SchedulerKind::maglev);
  ServiceRow same = service_of(SchedulerKind::source_hash);
  ServiceRow other = service_of(SchedulerKind::maglev);
  ASSERT_TRUE(schedules.add(first, servers({1, 2, 3})));
  ASSERT_TRUE(schedules.add(same, servers({1, 2, 3}, 1)));
  ASSERT_TRUE(schedules.add(other, servers({1, 2, 4})));
  EXPECT_EQ(first.slots, same.slots) << "whoever is down";
  EXPECT_NE(first.slots, other.slots);
  EXPECT_EQ(into_->slot_table_count, 2U);
  EXPECT_EQ(rows(*into_, same), (Rows{100, 101, 102})) << "with those that are down";
  const SlotTable& table = into_->slot_tables[first.slots];
  for (std::uint32_t i = 0; i < table.length; ++i) ASSERT_LT(into_->schedule[table.offset + i], 3);
}

TEST_F(SchedulesTest, ATableOfTheSnapshotBeforeIsTakenOver) {
  ServiceRow service = service_of(SchedulerKind::maglev);
  ASSERT_TRUE(Schedules(nullptr, *into_).add(service, servers({1, 2, 3})));
  const SlotTable before = into_->slot_tables[service.slots];
  into_->schedule[before.offset + 7] = 0xAB;  // so that it can be told from one that was made
  ServiceRow turns = service_of(SchedulerKind::round_robin);
  Schedules next{into_.get(), *next_};
  ASSERT_TRUE(next.add(turns, servers({1, 1})));
  ASSERT_TRUE(next.add(service, servers({1, 2, 3}, 2)));
  const SlotTable after = next_->slot_tables[service.slots];
  EXPECT_EQ(after.offset, 2U);
  EXPECT_EQ(next_->schedule[after.offset + 7], 0xAB);
  ServiceRow changed = service_of(SchedulerKind::maglev);
  ASSERT_TRUE(next.add(changed, servers({1, 2, 4})));
  EXPECT_NE(next_->schedule[next_->slot_tables[changed.slots].offset + 7], 0xAB);
}

TEST_F(SchedulesTest, BehindThoseOfAClientStandTheUsableOnes) {
  ServiceRow service = service_of(SchedulerKind::maglev);
  ASSERT_TRUE(Schedules(nullptr, *into_).add(service, servers({1, 2, 3}, 1)));
  EXPECT_EQ(service.usable_length, 2);
  const auto* behind = into_->schedule.data() + service.schedule_offset + service.schedule_length;
  EXPECT_EQ((Rows{behind, behind + service.usable_length}), (Rows{100, 102}));
}

TEST_F(SchedulesTest, NobodyWithAWeight) {
  ServiceRow service = service_of(SchedulerKind::maglev);
  ASSERT_TRUE(Schedules(nullptr, *into_).add(service, servers({0, 0})));
  EXPECT_EQ(service.slots, kNoIndex);
}

TEST_F(SchedulesTest, RefusesWhatDoesNotFit) {
  Schedules schedules{nullptr, *into_};
  std::vector<std::uint16_t> weights(700, 1);
  bool room = true;
  int tables = 0;
  for (; room && tables < 100; ++tables) {
    weights[static_cast<std::size_t>(tables)] = 2;
    ServiceRow service = service_of(SchedulerKind::maglev);
    room = schedules.add(service, servers(weights));
  }
  EXPECT_EQ(tables, static_cast<int>(kScheduleMax / (65537 + 700)) + 1);
}

}  // namespace
}  // namespace fulcrum
