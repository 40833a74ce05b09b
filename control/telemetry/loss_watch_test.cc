#include "control/telemetry/loss_watch.h"

#include "tests/support/gtest.h"

namespace fulcrum::telemetry {
namespace {

using News = LossWatch::News;

// A port that receives and loses so much each second.
class LossWatchTest : public testing::Test {
 protected:
  News second(std::uint64_t received, std::uint64_t lost, Loss why = Loss::ring_full) {
    received_ += received;
    lost_[static_cast<std::size_t>(why)] += lost;
    return watch.read(received_, lost_, boot, ++time);
  }
  News quiet_seconds(std::int64_t count) {
    News news = News::none;
    for (std::int64_t i = 0; i < count && news == News::none; ++i) news = second(1000, 0);
    return news;
  }

  LossWatch watch;
  std::uint64_t boot = 1;
  std::int64_t time = 1000;

 private:
  std::uint64_t received_ = 5'000'000;
  LossCounts lost_{7000, 0, 0};
};

TEST_F(LossWatchTest, WhatWasLostBeforeTheFirstReadingIsNoNews) {
  EXPECT_EQ(second(0, 100'000), News::none);
  EXPECT_EQ(second(1000, 0), News::none);
  EXPECT_FALSE(watch.episode());
}

TEST_F(LossWatchTest, HeavyIsAsManyAndAsLargeAPart) {
  second(0, 0);
  EXPECT_EQ(second(9901, 99), News::none);     // 1 %, but few
  EXPECT_EQ(second(10'000, 100), News::none);  // many, but less than 1 %
  EXPECT_FALSE(watch.episode());
  EXPECT_EQ(second(9900, 100), News::began);
  EXPECT_EQ(watch.episode()->began, time - 1);
  EXPECT_EQ(watch.episode()->words(), "100 of 10000 packets (1.0 %)");
}

TEST_F(LossWatchTest, BuffersCountAndDamagedFramesDoNot) {
  second(0, 0);
  EXPECT_EQ(second(1000, 1000, Loss::receive_error), News::none);
  EXPECT_EQ(second(1000, 1000, Loss::no_buffer), News::began);
}

TEST_F(LossWatchTest, AnEpisodeEndsAfterAQuietTimeAndIsRememberedForAnother) {
  second(0, 0);
  EXPECT_EQ(second(1000, 1000), News::began);
  EXPECT_EQ(second(1000, 1000), News::none);
  EXPECT_EQ(quiet_seconds(LossWatch::quiet_s - 1), News::none);
  EXPECT_EQ(second(1000, 1000), News::none) << "the same one goes on";
  const std::int64_t ended = time;
  EXPECT_EQ(watch.episode()->words(), "3000 of 65000 packets (4.6 %)");
  EXPECT_EQ(quiet_seconds(LossWatch::quiet_s - 1), News::none);
  EXPECT_FALSE(watch.episode()->is_over);
  EXPECT_EQ(second(1000, 0), News::ended);
  EXPECT_TRUE(watch.episode()->is_over);
  EXPECT_EQ(watch.episode()->last_heavy, ended);
  EXPECT_EQ(watch.episode()->words(), "3000 of 65000 packets (4.6 %)") << "quiet seconds are none of it";
  EXPECT_EQ(quiet_seconds(LossWatch::remembered_s - LossWatch::quiet_s - 1), News::none);
  EXPECT_TRUE(watch.episode());
  EXPECT_EQ(second(1000, 0), News::none);
  EXPECT_FALSE(watch.episode());
}

TEST_F(LossWatchTest, AnotherOneBeginsAnew) {
  second(0, 0);
  second(1000, 1000);
  EXPECT_EQ(quiet_seconds(100), News::ended);
  EXPECT_EQ(second(3000, 1000), News::began);
  EXPECT_EQ(watch.episode()->began, time - 1);
  EXPECT_EQ(watch.episode()->words(), "1000 of 4000 packets (25.0 %)");
}

TEST_F(LossWatchTest, ARateIsOfTheSecondsBetweenTheReadings) {
  second(0, 0);
  time += 9;
  EXPECT_EQ(second(1000, 999), News::none);
  time += 9;
  EXPECT_EQ(second(1000, 1000), News::began);
}

TEST_F(LossWatchTest, AnotherDataplaneIsABeginning) {
  second(0, 0);
  boot = 2;
  EXPECT_EQ(second(1000, 1000), News::none);
  LossWatch began_anew;
  EXPECT_EQ(began_anew.read(5000, {5000, 0, 0}, 1, 1), News::none);
  EXPECT_EQ(began_anew.read(10, {0, 0, 0}, 1, 2), News::none) << "counters that fell";
  EXPECT_EQ(began_anew.read(10, {2000, 0, 0}, 1, 2), News::none) << "twice in one second";
}

}  // namespace
}  // namespace fulcrum::telemetry
