#include "control/access/login_queue.h"

#include <vector>

#include "tests/support/gtest.h"

namespace fulcrum::access {
namespace {

class LoginQueueTest : public testing::Test {
 protected:
  bool enter(const std::string& source, bool is_known) {
    if (!queue.has_room(source, is_known)) return false;
    queue.enter(source, is_known, [this, source] { begun.push_back(source); });
    return true;
  }
  LoginQueue queue;
  std::vector<std::string> begun;
};

TEST_F(LoginQueueTest, OneAtATimeAndWhoIsKnownFirst) {
  for (const char* source : {"bot1", "bot2", "bot3"}) EXPECT_TRUE(enter(source, false));
  EXPECT_TRUE(enter("office", true));
  EXPECT_EQ(begun, (std::vector<std::string>{"bot1"}));
  queue.leave();
  EXPECT_EQ(begun, (std::vector<std::string>{"bot1", "office"}));
  for (int i = 0; i < 3; ++i) queue.leave();
  EXPECT_EQ(begun, (std::vector<std::string>{"bot1", "office", "bot2", "bot3"}));
  EXPECT_TRUE(enter("bot4", false));
  EXPECT_EQ(begun.back(), "bot4");
}

TEST_F(LoginQueueTest, ASourceTakesTwoPlacesAndStrangersLeaveThoseOfOthers) {
  enter("first", false);
  EXPECT_TRUE(enter("bot", false));
  EXPECT_TRUE(enter("bot", false));
  EXPECT_FALSE(enter("bot", false));
  int taken = 2;
  for (int i = 0; i < 200; ++i) taken += enter("bot" + std::to_string(i), false) ? 1 : 0;
  EXPECT_EQ(taken, 64);
  EXPECT_TRUE(enter("office", true));
  for (int i = 0; i < 200; ++i) enter("office", true);
  EXPECT_FALSE(enter("office", true));
}

}  // namespace
}  // namespace fulcrum::access
