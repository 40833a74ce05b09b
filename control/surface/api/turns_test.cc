#include "control/surface/api/turns.h"

#include <vector>

#include "tests/support/gtest.h"

namespace fulcrum::api {
namespace {

using std::chrono::milliseconds;

class TurnsTest : public testing::Test {
 protected:
  // Asks; the turn that it gets is over with `over()`.
  bool ask(const std::string& who) {
    return turns.take(who, [this, who](std::function<void()> leave) {
      begun.push_back(who);
      over_ = std::move(leave);
    });
  }
  // The question under way took so long.
  void end(milliseconds took = milliseconds{0}) {
    now += took;
    std::exchange(over_, {})();
  }
  void wait() { std::exchange(after_pause_, {})(); }

  std::chrono::steady_clock::time_point now{};
  std::vector<std::string> begun;
  std::chrono::nanoseconds pause{0};
  Turns turns{[this] { return now; },
              [this](std::chrono::nanoseconds time, std::function<void()> then) {
                pause = time;
                after_pause_ = std::move(then);
              }};

 private:
  std::function<void()> over_, after_pause_;
};

TEST_F(TurnsTest, OneAtATimeAndThenAPause) {
  EXPECT_TRUE(ask("anna"));
  EXPECT_TRUE(ask("anna"));
  EXPECT_EQ(begun.size(), 1U);
  end(milliseconds{10});
  EXPECT_EQ(begun.size(), 1U) << "the loop has other things to do first";
  EXPECT_EQ(pause, milliseconds{30});
  wait();
  EXPECT_EQ(begun.size(), 2U);
  end(std::chrono::seconds{3});
  EXPECT_EQ(pause, Turns::pause_max);
  wait();
  EXPECT_TRUE(ask("anna"));
  EXPECT_EQ(begun.size(), 3U) << "nobody waits: at once";
}

TEST_F(TurnsTest, WhoAsksLittleDoesNotWaitForAllOfWhoAsksMuch) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(ask("mallory"));
  EXPECT_TRUE(ask("zoe"));
  EXPECT_TRUE(ask("anna"));
  for (int i = 0; i < 6; ++i) {
    end();
    wait();
  }
  EXPECT_EQ(begun, (std::vector<std::string>{"mallory", "zoe", "anna", "mallory", "mallory", "mallory", "mallory"}));
}

TEST_F(TurnsTest, NobodyHasMoreThanSoManyWaiting) {
  EXPECT_TRUE(ask("mallory"));  // this one is under way
  for (std::size_t i = 0; i < Turns::waiting_max; ++i) EXPECT_TRUE(ask("mallory"));
  EXPECT_FALSE(ask("mallory"));
  EXPECT_TRUE(ask("anna"));
}

}  // namespace
}  // namespace fulcrum::api
