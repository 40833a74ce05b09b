// A recorder that is killed in the middle of its writes: the file is whole, whatever minute was written is written
// completely, and the next one goes on. FULCRUM_KILLS sets how often, FULCRUM_SEED repeats the moments.
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <random>
#include <set>

#include "control/telemetry/history.h"
#include "tests/support/environment.h"
#include "tests/support/gtest.h"

namespace fulcrum::telemetry {
namespace {

using test::number_from_environment;

constexpr std::int64_t kBegin = 1'800'000'000;
const SeriesName kShop{Kind::farms, "shop"};

// Seconds without a pause, until it is killed. Says when it has written a minute.
[[noreturn]] void record(const std::string& file, std::int64_t from, int told) {
  auto history = History::open(file);
  if (!history) _exit(1);
  for (std::int64_t second = from;; ++second) {
    const Sample sample{
        .time = kBegin + second + 1, .seconds = 1, .entries = {{.series = &kShop, .counts = {1, 2, 3, 4, 5}}}};
    if (!(*history)->add(sample)) _exit(1);
    const char word = 'm';
    if (second % 60 == 0 && write(told, &word, 1) != 1) _exit(1);
  }
}

std::string check(const std::string& file) {
  sqlite3* database = nullptr;
  sqlite3_open(file.c_str(), &database);
  std::string answer;
  sqlite3_exec(
      database, "PRAGMA integrity_check",
      [](void* into, int, char** values, char**) {
        *static_cast<std::string*>(into) += values[0];
        return 0;
      },
      &answer, nullptr);
  sqlite3_close(database);
  return answer;
}

TEST(RecorderKill, LeavesWholeMinutesAndAWholeFile) {
  const std::uint64_t seed = number_from_environment("FULCRUM_SEED", std::random_device{}());
  const std::uint64_t kills = number_from_environment("FULCRUM_KILLS", 6);
  std::printf("FULCRUM_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random{seed};
  std::string made = std::filesystem::temp_directory_path() / "fulcrum-history-XXXXXX";
  const std::string directory = mkdtemp(made.data());
  const std::string file = directory + "/rates.db";
  std::int64_t next = 0;
  for (std::uint64_t i = 0; i < kills; ++i) {
    std::array<int, 2> told{};
    ASSERT_EQ(pipe(told.data()), 0);
    const pid_t child = fork();
    if (child == 0) record(file, next, told[1]);
    // After some minutes, and then anywhere in the next one.
    for (std::uint64_t left = 2 + random() % 30; left > 0; --left) {
      char word = 0;
      ASSERT_EQ(read(told[0], &word, 1), 1);
    }
    usleep(static_cast<useconds_t>(random() % 3000));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(told[0]);
    close(told[1]);

    auto history = History::open(file);
    ASSERT_TRUE(history.has_value());
    EXPECT_EQ((*history)->notice(), "");
    const auto points = (*history)->query({.series = kShop, .from = kBegin, .to = kBegin + 100'000'000});
    ASSERT_TRUE(points.has_value());
    ASSERT_FALSE(points->empty());
    std::map<std::int64_t, int> per_minute;
    for (const HistoryPoint& point : *points) {
      EXPECT_EQ(point.rates[4], 5);
      ++per_minute[point.time / 60];
    }
    // The ring ends in the middle of a minute.
    per_minute.erase(per_minute.begin());
    for (const auto& [minute, seconds] : per_minute) ASSERT_EQ(seconds, 60) << minute * 60 - kBegin << " seed " << seed;
    next = points->back().time - kBegin + 1;
    history->reset();
    EXPECT_EQ(check(file), "ok");
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace fulcrum::telemetry
