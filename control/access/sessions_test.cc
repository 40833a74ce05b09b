#include "control/access/sessions.h"

#include "tests/support/gtest.h"

namespace fulcrum::access {
namespace {

using std::chrono::seconds;

class SessionsTest : public testing::Test {
 protected:
  Sessions::Time now{std::chrono::hours{1000}};
  Sessions sessions{{.idle = seconds{100}, .absolute = seconds{1000}, .per_account_max = 3, .sessions_max = 5}};
};

TEST_F(SessionsTest, AreFoundByTheirSecretOnly) {
  const std::string secret = sessions.begin("anna", "192.0.2.7", now);
  ASSERT_NE(sessions.find(secret, now), nullptr);
  EXPECT_EQ(sessions.find(secret, now)->account, "anna");
  EXPECT_EQ(sessions.find(secret + "x", now), nullptr);
  EXPECT_EQ(sessions.find("", now), nullptr);
  EXPECT_EQ(sessions.find(sessions.find(secret, now)->id, now), nullptr);
}

TEST_F(SessionsTest, EndWhenIdle) {
  const std::string secret = sessions.begin("anna", "", now);
  now += seconds{99};
  EXPECT_NE(sessions.find(secret, now), nullptr);
  now += seconds{99};
  EXPECT_NE(sessions.find(secret, now, true), nullptr);
  now += seconds{1};  // the quiet look did not count
  EXPECT_EQ(sessions.find(secret, now), nullptr);
}

TEST_F(SessionsTest, EndWhenOldHoweverMuchUsed) {
  const std::string secret = sessions.begin("anna", "", now);
  for (int i = 0; i < 19; ++i) {
    now += seconds{50};
    ASSERT_NE(sessions.find(secret, now), nullptr);
  }
  now += seconds{50};
  EXPECT_EQ(sessions.find(secret, now), nullptr);
}

TEST_F(SessionsTest, AreBoundedPerAccountAndInAll) {
  const std::string first = sessions.begin("anna", "", now);
  now += seconds{1};
  const std::string second = sessions.begin("anna", "", now);
  now += seconds{1};
  sessions.find(first, now);
  const std::string third = sessions.begin("anna", "", now);
  const std::string fourth = sessions.begin("anna", "", now);
  EXPECT_EQ(sessions.find(second, now), nullptr);  // unused for longest
  EXPECT_NE(sessions.find(first, now), nullptr);
  for (int i = 0; i < 10; ++i) sessions.begin("user" + std::to_string(i), "", now += seconds{1});
  EXPECT_EQ(sessions.living(now).size(), 5U);
}

TEST_F(SessionsTest, EndWithTheirAccount) {
  const std::string first = sessions.begin("anna", "", now);
  const std::string second = sessions.begin("anna", "", now);
  const std::string other = sessions.begin("otto", "", now);
  sessions.end_all_of("anna", sessions.find(first, now)->id);
  EXPECT_NE(sessions.find(first, now), nullptr);
  EXPECT_EQ(sessions.find(second, now), nullptr);
  EXPECT_NE(sessions.find(other, now), nullptr);
  EXPECT_TRUE(sessions.end(sessions.find(other, now)->id));
  EXPECT_FALSE(sessions.end("nonsense"));
  EXPECT_EQ(sessions.find(other, now), nullptr);
}

}  // namespace
}  // namespace fulcrum::access
