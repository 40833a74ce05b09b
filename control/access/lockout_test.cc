#include "control/access/lockout.h"

#include "tests/support/gtest.h"

namespace fulcrum::access {
namespace {

using std::chrono::seconds;

class LockoutTest : public testing::Test {
 protected:
  seconds attempt(const std::string& account, const std::string& source) {
    return lockout.try_now(account, source, now);
  }
  Lockout::Time now{std::chrono::hours{1000}};
  Lockout lockout;
};

TEST_F(LockoutTest, FiveTriesThenLongerAndLonger) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(attempt("anna", "a"), seconds{0}) << i;
  EXPECT_EQ(attempt("anna", "a"), seconds{60});
  now += seconds{59};
  EXPECT_EQ(attempt("anna", "a"), seconds{1});
  now += seconds{1};
  EXPECT_EQ(attempt("anna", "a"), seconds{0});
  EXPECT_EQ(attempt("anna", "a"), seconds{120});
  for (int i = 0; i < 40; ++i) {
    now += attempt("anna", "a");
    EXPECT_EQ(attempt("anna", "a"), seconds{0});
  }
  EXPECT_EQ(attempt("anna", "a"), seconds{3600});
}

TEST_F(LockoutTest, WaitingIsNotCountedAsATry) {
  for (int i = 0; i < 5; ++i) attempt("anna", "a");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(attempt("anna", "a"), seconds{60});
}

TEST_F(LockoutTest, ElsewhereTheAccountIsOpen) {
  for (int i = 0; i < 50; ++i) attempt("anna", "attacker");
  EXPECT_EQ(attempt("anna", "office"), seconds{0});
}

TEST_F(LockoutTest, OneSourceCannotGoThroughAllAccounts) {
  int tried = 0;
  for (int i = 0; i < 1000; ++i) tried += attempt("user" + std::to_string(i), "a") == seconds{0} ? 1 : 0;
  EXPECT_EQ(tried, 20);
}

TEST_F(LockoutTest, ManySourcesSlowAnAccountByAMinuteAtMost) {
  for (int i = 0; i < 1000; ++i) {
    attempt("anna", "bot" + std::to_string(i));
    now += seconds{1};
  }
  EXPECT_LE(attempt("anna", "office"), seconds{60});
}

TEST_F(LockoutTest, TriesElsewhereDoNotHoldUpWhoIsKnown) {
  const auto known = [this] { return lockout.try_now("anna", "office", now, true); };
  for (int i = 0; i < 1000; ++i) attempt("anna", "bot" + std::to_string(i));
  EXPECT_GT(attempt("anna", "cafe"), seconds{0});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(known(), seconds{0}) << i;
  EXPECT_EQ(known(), seconds{60}) << "its own tries hold it up";
}

TEST_F(LockoutTest, SuccessClearsThePairOnly) {
  for (int i = 0; i < 4; ++i) attempt("anna", "a");
  lockout.succeeded("anna", "a");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(attempt("anna", "a"), seconds{0});
  // Somebody who has one account cannot guess others for ever by logging in in between.
  int guessed = 0;
  for (int i = 0; i < 200; ++i) {
    if (attempt("boss" + std::to_string(i), "b") == seconds{0}) ++guessed;
    if (attempt("mole", "b") == seconds{0}) lockout.succeeded("mole", "b");
  }
  EXPECT_LE(guessed, 21);
}

TEST_F(LockoutTest, ForgivesAndForgets) {
  for (int i = 0; i < 5; ++i) attempt("anna", "a");
  lockout.forgive("anna");
  EXPECT_EQ(attempt("anna", "a"), seconds{0});
  for (int i = 0; i < 5; ++i) attempt("anna", "a");
  now += std::chrono::hours{25};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(attempt("anna", "a"), seconds{0});
}

TEST_F(LockoutTest, IsBounded) {
  for (int i = 0; i < 20000; ++i) {
    now += seconds{1};
    attempt("user" + std::to_string(i), "s" + std::to_string(i));
  }
  EXPECT_LE(lockout.entries(), Lockout::Rules{}.entries_max);
}

TEST(LockoutSource, OneMachineIsOneSource) {
  EXPECT_EQ(lockout_source("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(lockout_source("2001:db8::1"), lockout_source("2001:db8::ffff:1"));
  EXPECT_NE(lockout_source("2001:db8::1"), lockout_source("2001:db8:0:1::1"));
  EXPECT_EQ(lockout_source("local"), "local");
}

}  // namespace
}  // namespace fulcrum::access
