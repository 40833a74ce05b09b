#include "control/telemetry/history.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

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
