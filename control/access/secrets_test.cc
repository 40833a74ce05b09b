#include "control/access/secrets.h"

#include <set>

#include "tests/support/gtest.h"

namespace fulcrum::access {
namespace {

TEST(Secrets, PasswordsAreYescryptAndSalted) {
  const auto hash = hash_password("correct horse battery");
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->substr(0, 3), "$y$");
  EXPECT_NE(*hash, *hash_password("correct horse battery"));
  EXPECT_TRUE(verify_password("correct horse battery", *hash));
  EXPECT_FALSE(verify_password("correct horse batterx", *hash));
  EXPECT_FALSE(verify_password("", *hash));
  EXPECT_FALSE(verify_password(std::string{"correct horse battery\0x", 23}, *hash));
}

TEST(Secrets, AnEmptyOrBrokenHashMatchesNothing) {
  EXPECT_FALSE(verify_password("", ""));
  EXPECT_FALSE(verify_password("no password of anybody, only time", ""));
  EXPECT_FALSE(verify_password("*0", "*0"));
  EXPECT_FALSE(verify_password("*0", "nonsense"));
  EXPECT_FALSE(verify_password("*1", "*0"));
}

TEST(Secrets, PasswordRules) {
  EXPECT_TRUE(check_password("anna", "correct horse"));
  EXPECT_TRUE(check_password("anna", "p\xc3\xa4ssw\xc3\xb6rter"));
  EXPECT_FALSE(check_password("anna", "short"));
  EXPECT_FALSE(check_password("anna", ""));
  EXPECT_FALSE(check_password("anna", "aaaaaaaaaaaaaaaa"));
  EXPECT_FALSE(check_password("administrator", "administrator"));
  EXPECT_FALSE(check_password("anna", std::string(kPasswordMax + 1, 'x') + "y"));
  EXPECT_FALSE(check_password("anna", std::string{"correct\0horse", 13}));
}

TEST(Secrets, RandomOnesAreLongAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string secret = random_secret();
    ASSERT_EQ(secret.size(), 43U);
    ASSERT_EQ(secret.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    ASSERT_TRUE(seen.insert(secret).second);
  }
}

TEST(Secrets, Sha256) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-4 example
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "abcd"));
}

}  // namespace
}  // namespace fulcrum::access
