#include "control/access/account_book.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/access/secrets.h"
#include "tests/support/gtest.h"

namespace fulcrum::access {
namespace {

namespace fs = std::filesystem;

class AccountBookTest : public testing::Test {
 protected:
  AccountBookTest() {
    std::string pattern = testing::TempDir() + "fulcrum-book-XXXXXX";
    directory = mkdtemp(pattern.data());
  }
  ~AccountBookTest() override { fs::remove_all(directory); }
  [[nodiscard]] std::string file() const { return directory + "/access.json"; }
  AccountBook open() const { return *AccountBook::open(file()); }
  static Account account(const std::string& name, Role role, std::vector<std::string> scope = {}) {
    Account made;
    made.name = name;
    made.password_hash = "$y$hash";
    made.role = role;
    made.scope = std::move(scope);
    return made;
  }
  static Token token(const std::string& name, const std::string& owner, const std::string& secret) {
    Token made;
    made.name = name;
    made.account = owner;
    made.hash = sha256(secret);
    made.expires = WallTime{std::chrono::seconds{1000}};
    return made;
  }
  std::string directory;
  WallTime now{std::chrono::seconds{500}};
};

TEST_F(AccountBookTest, BeginsEmptyAndKeepsWhatItWasTold) {
  AccountBook book = open();
  EXPECT_TRUE(book.accounts().empty());
  ASSERT_TRUE(book.put_account(account("root", Role::administrator)));
  ASSERT_TRUE(book.put_account(account("shopper", Role::farm_admin, {"shop", "mail"})));
  ASSERT_TRUE(book.add_token(token("ci", "shopper", "secret")));
  const AccountBook again = open();
  ASSERT_NE(again.find_account("shopper"), nullptr);
  EXPECT_EQ(again.find_account("shopper")->scope, (std::vector<std::string>{"shop", "mail"}));
  EXPECT_EQ(again.find_account("shopper")->role, Role::farm_admin);
  ASSERT_NE(again.find_token_by_secret("secret", now), nullptr);
  EXPECT_EQ(again.find_token_by_secret("secret", now)->name, "ci");
}

TEST_F(AccountBookTest, TheFileIsForRootOnlyAndHoldsNoSecret) {
  AccountBook book = open();
  ASSERT_TRUE(book.put_account(account("root", Role::administrator)));
  ASSERT_TRUE(book.add_token(token("ci", "root", "the-secret-itself")));
  struct stat about {};
  ASSERT_EQ(stat(file().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  std::stringstream text;
  text << std::ifstream{file()}.rdbuf();
  EXPECT_EQ(text.str().find("the-secret-itself"), std::string::npos);
}

TEST_F(AccountBookTest, TokensEnd) {
  AccountBook book = open();
  ASSERT_TRUE(book.put_account(account("root", Role::administrator)));
  ASSERT_TRUE(book.add_token(token("ci", "root", "secret")));
  EXPECT_NE(book.find_token_by_secret("secret", WallTime{std::chrono::seconds{999}}), nullptr);
  EXPECT_EQ(book.find_token_by_secret("secret", WallTime{std::chrono::seconds{1000}}), nullptr);
  EXPECT_EQ(book.find_token_by_secret("", now), nullptr);
  EXPECT_EQ(book.add_token(token("ci", "root", "other")).error().code, Error::Code::conflict);
  ASSERT_TRUE(book.remove_token("ci"));
  EXPECT_EQ(book.find_token_by_secret("secret", now), nullptr);
  EXPECT_EQ(book.remove_token("ci").error().code, Error::Code::not_found);
}

TEST_F(AccountBookTest, TokensGoWithTheirAccount) {
  AccountBook book = open();
  ASSERT_TRUE(book.put_account(account("root", Role::administrator)));
  ASSERT_TRUE(book.put_account(account("anna", Role::viewer)));
  ASSERT_TRUE(book.add_token(token("ci", "anna", "secret")));
  ASSERT_TRUE(book.remove_account("anna"));
  EXPECT_EQ(book.find_token_by_secret("secret", now), nullptr);
  EXPECT_TRUE(open().tokens().empty());
  EXPECT_EQ(book.add_token(token("x", "anna", "y")).error().code, Error::Code::not_found);
}

TEST_F(AccountBookTest, ThereIsAlwaysAnAdministrator) {
  AccountBook book = open();
  ASSERT_TRUE(book.put_account(account("root", Role::administrator)));
  EXPECT_EQ(book.remove_account("root").error().code, Error::Code::conflict);
  EXPECT_EQ(book.put_account(account("root", Role::viewer)).error().code, Error::Code::conflict);
  ASSERT_TRUE(book.put_account(account("anna", Role::administrator)));
  EXPECT_TRUE(book.remove_account("root"));
}

TEST_F(AccountBookTest, RefusesBadNamesAndScopes) {
  AccountBook book = open();
  for (const char* name : {"", "-x", "a b", "a\nb", "../x", "\xc3\xa4", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_FALSE(book.put_account(account(name, Role::viewer))) << name;
  }
  EXPECT_FALSE(book.put_account(account("a", Role::farm_admin)));
  EXPECT_FALSE(book.put_account(account("a", Role::viewer, {"shop"})));
  EXPECT_FALSE(book.put_account(account("a", Role::farm_admin, {""})));
  EXPECT_TRUE(book.accounts().empty());
}

TEST_F(AccountBookTest, AFileThatIsNotOursLetsNobodyIn) {
  for (const char* text : {"", "{", "[]", "{\"version\":2,\"accounts\":[],\"tokens\":[]}",
                           "{\"version\":1,\"accounts\":[{\"name\":\"root\"}],\"tokens\":[]}",
                           "{\"version\":\"1\",\"accounts\":[],\"tokens\":[]}"}) {
    std::ofstream{file()} << text;
    EXPECT_FALSE(AccountBook::open(file())) << text;
  }
}

TEST_F(AccountBookTest, RemembersTheLastPlacesOfLogins) {
  AccountBook book = open();
  ASSERT_TRUE(book.put_account(account("root", Role::administrator)));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(book.note_source("root", "192.0.2." + std::to_string(i)));
  ASSERT_TRUE(book.note_source("root", "192.0.2.9"));
  const std::vector<std::string> sources = open().find_account("root")->sources;
  ASSERT_EQ(sources.size(), 8U);
  EXPECT_EQ(sources.front(), "192.0.2.2");
  EXPECT_EQ(sources.back(), "192.0.2.9");
  EXPECT_EQ(book.note_source("nobody", "192.0.2.9").error().code, Error::Code::not_found);
}

TEST_F(AccountBookTest, AChangeThatCannotBeWrittenIsNotMade) {
  AccountBook book = open();
  ASSERT_TRUE(book.put_account(account("root", Role::administrator)));
  fs::create_directory(file() + ".new");
  EXPECT_EQ(book.put_account(account("anna", Role::viewer)).error().code, Error::Code::io);
  EXPECT_EQ(book.find_account("anna"), nullptr);
  EXPECT_FALSE(book.add_token(token("ci", "root", "secret")));
  EXPECT_EQ(book.find_token_by_secret("secret", now), nullptr);
}

}  // namespace
}  // namespace fulcrum::access
