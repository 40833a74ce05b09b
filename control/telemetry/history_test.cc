#include "control/telemetry/history.h"

#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "control/telemetry/recorder.h"
#include "tests/support/gtest.h"

namespace fulcrum::telemetry {
namespace {

constexpr std::int64_t kStart = 1'800'000'000;  // begins a span of every tier

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    std::string made = std::filesystem::temp_directory_path() / "fulcrum-history-XXXXXX";
    directory_ = mkdtemp(made.data());
    file_ = directory_ + "/rates.db";
    open();
  }
  ~HistoryTest() override {
    history_.reset();
    std::filesystem::remove_all(directory_);
  }
  void open() {
    history_.reset();
    auto opened = History::open(file_);
    ASSERT_TRUE(opened.has_value()) << opened.error().words();
    history_ = std::move(*opened);
  }
  // What was counted in the second that begins at kStart + `second`.
  void count(std::int64_t second, std::uint64_t connections, std::uint32_t seconds = 1) {
    Sample sample{.time = kStart + second + seconds, .seconds = seconds, .entries = {}};
    if (connections != 0) sample.entries.push_back({.series = &shop_, .counts = {connections, 0, 0, 10, 0}});
    const auto added = history_->add(sample);
    ASSERT_TRUE(added.has_value()) << added.error().words();
  }
  std::vector<HistoryPoint> ask(std::int64_t step, Function function = Function::average, std::int64_t from = 0,
                                std::int64_t to = 100'000'000) {
    const auto points = history_->query(
        {.series = shop_, .from = kStart + from, .to = kStart + to, .step_s = step, .function = function});
    EXPECT_TRUE(points.has_value()) << points.error().words();
    return points.value_or(std::vector<HistoryPoint>{});
  }

  const SeriesName shop_{Kind::farms, "shop"};
  const SeriesName web1_{Kind::servers, "shop/web1"};
  std::string directory_, file_;
  std::unique_ptr<History> history_;
};

TEST_F(HistoryTest, TellsSecondsFromMemoryAndFromDisk) {
  for (std::int64_t i = 0; i < 90; ++i) count(i, static_cast<std::uint64_t>(i + 1));
  for (int round = 0; round < 2; ++round, open()) {
    const auto points = ask(1);
    ASSERT_EQ(points.size(), 90U);
    EXPECT_EQ(points[0].time, kStart);
    EXPECT_EQ(points[0].rates[0], 1);
    EXPECT_EQ(points[89].rates[0], 90);
    EXPECT_EQ(points[89].rates[3], 10);
    EXPECT_EQ(ask(1, Function::average, 30, 32).size(), 2U);
  }
}

TEST_F(HistoryTest, MakesCoarserSpansExactly) {
  // 20 minutes: connection number i in second i, but nothing in the minute from 120 on.
  for (std::int64_t i = 0; i < 1200; ++i) count(i, i / 60 == 2 ? 0 : static_cast<std::uint64_t>(i));
  const auto minutes = ask(60);
  ASSERT_EQ(minutes.size(), 19U);  // the last one is not over
  EXPECT_EQ(minutes[1].rates[0], 89.5);
  EXPECT_EQ(minutes[2].rates[0], 0);
  EXPECT_EQ(ask(60, Function::maximum)[1].rates[0], 119);
  const auto quarters = ask(900);
  ASSERT_EQ(quarters.size(), 1U);
  const double sum = 899.0 * 900 / 2 - (120.0 + 179) * 60 / 2;
  EXPECT_EQ(quarters[0].rates[0], sum / 900);
  EXPECT_EQ(ask(900, Function::maximum)[0].rates[0], 899);
}

TEST_F(HistoryTest, GoesOnAfterARestartInTheMiddle) {
  for (std::int64_t i = 0; i < 1000; ++i) {
    if (i == 30 || i == 59 || i == 60 || i == 899 || i == 930) open();
    count(i, 2);
  }
  for (const auto& point : ask(60)) EXPECT_EQ(point.rates[0], 2) << point.time - kStart;
  EXPECT_EQ(ask(60).size(), 16U);
  ASSERT_EQ(ask(900).size(), 1U);
  EXPECT_EQ(ask(900)[0].rates[0], 2);
}

TEST_F(HistoryTest, GapsDoNotLowerRates) {
  for (std::int64_t i = 0; i < 20; ++i) count(i, 6);
  for (std::int64_t i = 50; i < 70; ++i) count(i, 6);
  EXPECT_EQ(ask(1, Function::average, 0, 60).size(), 30U);
  EXPECT_EQ(ask(60)[0].rates[0], 6);
}

TEST_F(HistoryTest, SharesOutALateReading) {
  count(0, 7, 3);
  count(3, 1);
  const auto points = ask(1);
  ASSERT_EQ(points.size(), 4U);
  EXPECT_EQ(points[0].rates[0], 3);
  EXPECT_EQ(points[1].rates[0], 2);
  EXPECT_EQ(points[2].rates[0], 2);
}

TEST_F(HistoryTest, ALateReadingAcrossTheEndOfASpanClosesIt) {
  for (std::int64_t i = 0; i < 898; ++i) count(i, 4);
  count(898, 20, 5);
  for (std::int64_t i = 903; i < 970; ++i) count(i, 4);
  ASSERT_EQ(ask(60).size(), 16U);
  EXPECT_EQ(ask(60)[14].rates[0], 4);
  ASSERT_EQ(ask(900).size(), 1U);
  EXPECT_EQ(ask(900)[0].rates[0], 4);
}

TEST_F(HistoryTest, AClockThatGoesBackCountsNothingTwice) {
  for (std::int64_t i = 0; i < 100; ++i) count(i, 3);
  for (std::int64_t i = 97; i < 110; ++i) count(i, 3);
  for (std::int64_t i = 50; i < 70; ++i) count(i, 5);
  const auto points = ask(1);
  ASSERT_EQ(points.size(), 110U);
  for (std::int64_t i = 0; i < 110; ++i) {
    EXPECT_EQ(points[static_cast<std::size_t>(i)].time, kStart + i);
    EXPECT_EQ(points[static_cast<std::size_t>(i)].rates[0], i < 50 || i >= 70 ? 3 : 5) << i;
  }
}

TEST_F(HistoryTest, AClockFarAheadForAMomentForgetsNothing) {
  constexpr std::int64_t kYears = 20LL * 365 * 86'400 + 45'000;  // other slots of each ring
  const SeriesName mall{Kind::farms, "mall"};
  ASSERT_TRUE(history_->add({.time = kStart + 1, .seconds = 1, .entries = {{&mall, {9}}}}));
  for (std::int64_t i = 1; i < 200; ++i) count(i, 7);
  for (std::int64_t i = 0; i < 100; ++i) count(kYears + i, 1);
  open();  // started anew while it is ahead, and again behind it
  for (std::int64_t i = 100; i < 200; ++i) count(kYears + i, 1);
  for (std::int64_t i = 200; i < 250; ++i) count(i, 7);
  open();
  for (std::int64_t i = 250; i < 400; ++i) count(i, 7);
  open();
  const auto past = history_->query({.series = mall, .from = kStart, .to = kStart + 400, .step_s = 1});
  ASSERT_TRUE(past.has_value()) << past.error().words();
  EXPECT_EQ(past->at(0).rates[0], 9);
  EXPECT_EQ(ask(60, Function::maximum).size(), 6U) << "each minute that is over, also the one of the last start";
  EXPECT_EQ(ask(60)[3].rates[0], 7);
}

TEST_F(HistoryTest, KeepsAMonth) {
  constexpr std::int64_t kMonth = 30 * 96;  // in spans of 15 minutes
  const SeriesName gone{Kind::farms, "gone"};
  ASSERT_TRUE(history_->add({.time = kStart + 1, .seconds = 1, .entries = {{&gone, {9}}}}));
  std::uintmax_t size = 0;
  for (std::int64_t i = 0; i < kMonth * 3 / 2; ++i) {
    count(i * 900, static_cast<std::uint64_t>(i + 1));
    if (i != kMonth + 200) continue;
    open();
    size = std::filesystem::file_size(file_);
  }
  const auto points = ask(900);
  ASSERT_EQ(points.size(), static_cast<std::size_t>(kMonth));
  EXPECT_EQ(points.front().rates[0], kMonth / 2);
  EXPECT_EQ(points.back().rates[0], kMonth * 3 / 2 - 1);
  open();
  EXPECT_LE(std::filesystem::file_size(file_), size + size / 20);
  EXPECT_FALSE(history_->query({.series = gone, .from = 0, .to = 1}).has_value()) << "no row knows it any more";
}

// Another program's transaction stands for a disk that is full.
TEST_F(HistoryTest, SaysThatItCannotWriteUntilItCan) {
  const auto add = [&](std::int64_t second) {
    return history_->add({.time = kStart + second + 1, .seconds = 1, .entries = {{&shop_, {1}}}}).has_value();
  };
  for (std::int64_t i = 0; i < 60; ++i) EXPECT_TRUE(add(i));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  for (std::int64_t i = 60; i < 180; ++i) EXPECT_FALSE(add(i)) << i;
  sqlite3_close(other);
  for (std::int64_t i = 180; i < 200; ++i) EXPECT_TRUE(add(i)) << i;
  EXPECT_EQ(ask(1).size(), 80U) << "the minute that could be written, and the one under way";
}

TEST_F(HistoryTest, DoesNotGrowBeyondItsRings) {
  for (std::int64_t i = 0; i < 7200; ++i) count(i, 5);
  open();  // so that all is in the file itself
  const auto size = std::filesystem::file_size(file_);
  EXPECT_EQ(ask(1, Function::average, 0, 3600).size(), 0U);  // overwritten
  for (std::int64_t i = 7200; i < 14'400; ++i) count(i, 5);
  EXPECT_LE(ask(1).size(), 3660U);
  open();
  EXPECT_LE(std::filesystem::file_size(file_), size + size / 10);
}

TEST_F(HistoryTest, RefusesWhatItDoesNotHave) {
  count(0, 1);
  const auto unknown = history_->query({.series = {Kind::farms, "mall"}, .from = 0, .to = 1});
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, Error::Code::not_found);
  EXPECT_FALSE(history_->query({.series = shop_, .from = 0, .to = 1, .step_s = 7}).has_value());
}

TEST_F(HistoryTest, PutsADamagedFileAside) {
  history_.reset();
  for (const char* part : {"-wal", "-shm"}) std::filesystem::remove(file_ + part);
  std::ofstream{file_, std::ios::trunc} << std::string(10'000, 'x');
  open();
  EXPECT_NE(history_->notice().find("begun anew"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(file_ + ".old"));
  count(0, 1);
  EXPECT_EQ(ask(1).size(), 1U);
}

// Behind what is read at the start.
TEST_F(HistoryTest, DamageThatComesToLightLaterDoesNotEndTheRecord) {
  for (std::int64_t i = 0; i < 7200; ++i) count(i, 5);
  history_.reset();
  std::vector<std::string> told;
  std::size_t found = 0;
  {
    Recorder recorder{file_, [&](const std::string& line) { told.push_back(line); }};
    const auto ask_it = [&] {
      std::promise<std::size_t> points;
      recorder.query({.series = shop_, .from = kStart + 7200, .to = kStart + 9000},
                     [&](const auto& answer) { points.set_value(answer ? answer->size() : 0); });
      return points.get_future().get();
    };
    EXPECT_EQ(ask_it(), 0U);  // it is open
    constexpr std::streamoff kPage = 4096;
    std::fstream damage{file_, std::ios::in | std::ios::out | std::ios::binary};
    damage.seekp(kPage);
    damage << std::string(std::filesystem::file_size(file_) - kPage, 'x');
    damage.close();
    for (std::int64_t i = 7200; i < 7400; ++i) {
      recorder.add({.time = kStart + i + 1, .seconds = 1, .entries = {{&shop_, {1}}}});
      if (i % 50 == 49) found = ask_it();  // so that its queue is never full
    }
  }
  EXPECT_GT(found, 100U);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("begun anew, the old file is " + file_ + ".old"), std::string::npos) << told[0];
}

TEST_F(HistoryTest, APastGoesWithItsName) {
  const auto connections = [&](Kind kind, const char* name) -> double {
    const auto points = history_->query({.series = {kind, name}, .from = kStart, .to = kStart + 600, .step_s = 1});
    if (!points) return -1;
    double sum = 0;
    for (const HistoryPoint& point : *points) sum += point.rates[0];
    return sum;
  };
  const SeriesName store{Kind::farms, "store"}, shopper{Kind::servers, "shopper/web1"};
  ASSERT_TRUE(history_->add(
      {.time = kStart + 1, .seconds = 1, .entries = {{&shop_, {5}}, {&store, {70}}, {&web1_, {3}}, {&shopper, {9}}}}));
  ASSERT_TRUE(history_->rename(shop_, "store"));
  ASSERT_TRUE(history_->rename({Kind::servers, "store/web1"}, "store/eins"));
  count(1, 1);  // somebody new is called shop
  open();       // and all of it is on the disk
  EXPECT_EQ(connections(Kind::farms, "store"), 5);
  EXPECT_EQ(connections(Kind::servers, "store/eins"), 3);
  EXPECT_EQ(connections(Kind::servers, "shopper/web1"), 9) << "only begins like it";
  EXPECT_EQ(connections(Kind::farms, "shop"), 1);
  EXPECT_EQ(connections(Kind::servers, "shop/web1"), -1);
  EXPECT_EQ(connections(Kind::farms, "store (2)"), 70);
  EXPECT_TRUE(history_->rename({Kind::farms, "nobody"}, "somebody"));
}

}  // namespace
}  // namespace fulcrum::telemetry
