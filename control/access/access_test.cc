#include "control/access/access.h"

#include <stdlib.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>

#include "tests/support/gtest.h"

namespace fulcrum::access {
namespace {

using std::chrono::seconds;
constexpr const char* kPassword = "correct horse battery";

// Access with a loop that the test turns by hand.
class AccessTest : public testing::Test {
 protected:
  AccessTest() {
    std::string pattern = testing::TempDir() + "fulcrum-access-XXXXXX";
    directory = mkdtemp(pattern.data());
    Access::Clock clock{[this] { return steady; }, [this] { return wall; }};
    access.emplace(
        *AccountBook::open(directory + "/access.json"), worker, [this](auto job) { post(std::move(job)); }, clock);
  }
  ~AccessTest() override { std::filesystem::remove_all(directory); }

  void post(std::function<void()> job) {
    const std::lock_guard lock{mutex};
    jobs.push_back(std::move(job));
    wake.notify_one();
  }
  void turn() {
    std::unique_lock lock{mutex};
    wake.wait(lock, [this] { return !jobs.empty(); });
    auto job = std::move(jobs.front());
    jobs.pop_front();
    lock.unlock();
    job();
  }
  LoginAnswer login(const std::string& name, const std::string& password, const std::string& source = "192.0.2.7") {
    std::optional<LoginAnswer> answer;
    access->login(name, password, source, [&](LoginAnswer got) { answer = std::move(got); });
    while (!answer) turn();
    return *answer;
  }
  Result<void> put(const Identity& who, const AccountWish& wish) {
    std::optional<Result<void>> answer;
    access->put_account(who, wish, [&](Result<void> got) { answer = std::move(got); });
    while (!answer) turn();
    return *answer;
  }
  Result<void> make(const std::string& name, Role role, std::vector<std::string> scope = {}) {
    AccountWish wish{.name = name, .role = role, .scope = std::move(scope), .password = kPassword};
    if (role != Role::farm_admin) wish.scope.reset();
    return put(console("root"), wish);
  }
  Result<void> change_own(const Identity& who, const std::string& from, const std::string& to) {
    std::optional<Result<void>> answer;
    access->change_own_password(who, from, to, [&](Result<void> got) { answer = std::move(got); });
    while (!answer) turn();
    return *answer;
  }
  Identity in(const std::string& name) { return *access->by_session(login(name, kPassword).secret, "192.0.2.7"); }

  std::string directory;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> jobs;
  Worker worker{8};
  std::chrono::steady_clock::time_point steady{std::chrono::hours{1000}};
  WallTime wall{std::chrono::hours{400'000}};
  std::optional<Access> access;
};

TEST_F(AccessTest, WithoutAccountsNothingOpens) {
  for (const char* name : {"admin", "root", "", "administrator"}) {
    for (const char* password : {"", "admin", "password", "fulcrum"}) {
      EXPECT_NE(login(name, password, std::string{"s"} + name + password).outcome, LoginAnswer::Outcome::good);
    }
  }
}

TEST_F(AccessTest, FirstAccessComesFromTheConsole) {
  ASSERT_TRUE(make("anna", Role::administrator));
  const LoginAnswer answer = login("anna", kPassword);
  ASSERT_EQ(answer.outcome, LoginAnswer::Outcome::good);
  const auto who = access->by_session(answer.secret, "192.0.2.7");
  ASSERT_TRUE(who);
  EXPECT_EQ(who->name, "anna");
  EXPECT_EQ(who->role, Role::administrator);
  EXPECT_TRUE(access->csrf_matches(answer.secret, answer.csrf));
  EXPECT_FALSE(access->csrf_matches(answer.secret, ""));
  EXPECT_FALSE(access->csrf_matches("", ""));
  EXPECT_EQ(login("anna", "wrong horse battery").outcome, LoginAnswer::Outcome::wrong);
}

TEST_F(AccessTest, BruteForceIsStoppedAndTheConsoleHelps) {
  ASSERT_TRUE(make("anna", Role::administrator));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(login("anna", "guess").outcome, LoginAnswer::Outcome::wrong);
  const LoginAnswer locked = login("anna", kPassword);
  EXPECT_EQ(locked.outcome, LoginAnswer::Outcome::wait);
  EXPECT_EQ(locked.wait, seconds{60});
  EXPECT_EQ(login("anna", kPassword, "198.51.100.1").outcome, LoginAnswer::Outcome::good);
  access->forgive("anna");
  EXPECT_EQ(login("anna", kPassword).outcome, LoginAnswer::Outcome::good);
}

TEST_F(AccessTest, NamesThatCannotExistFillNoTable) {
  for (int i = 0; i < 5; ++i) login(std::string(100'000, 'x') + std::to_string(i), "guess");
  EXPECT_EQ(login("\n\n", "guess").outcome, LoginAnswer::Outcome::wait);
}

TEST_F(AccessTest, ChangesCountAtOnce) {
  ASSERT_TRUE(make("root", Role::administrator));
  ASSERT_TRUE(make("anna", Role::operators));
  const std::string secret = login("anna", kPassword).secret;
  ASSERT_TRUE(put(in("root"), {.name = "anna", .role = Role::viewer, .scope = {}, .password = {}}));
  EXPECT_FALSE(access->by_session(secret, ""));
  const std::string again = login("anna", kPassword).secret;
  EXPECT_EQ(access->by_session(again, "")->role, Role::viewer);
  ASSERT_TRUE(access->remove_account("anna"));
  EXPECT_FALSE(access->by_session(again, ""));
}

TEST_F(AccessTest, OwnPassword) {
  ASSERT_TRUE(make("anna", Role::viewer));
  const std::string other = login("anna", kPassword).secret;
  const std::string mine = login("anna", kPassword).secret;
  const Identity me = *access->by_session(mine, "192.0.2.7");
  EXPECT_EQ(change_own(me, "wrong horse battery", "another long one").error().code, Error::Code::invalid);
  EXPECT_EQ(change_own(me, kPassword, "short").error().code, Error::Code::invalid);
  ASSERT_TRUE(change_own(me, kPassword, "another long one"));
  EXPECT_TRUE(access->by_session(mine, ""));
  EXPECT_FALSE(access->by_session(other, ""));
  EXPECT_EQ(login("anna", kPassword).outcome, LoginAnswer::Outcome::wrong);
  EXPECT_EQ(login("anna", "another long one").outcome, LoginAnswer::Outcome::good);
}

TEST_F(AccessTest, TokensDoNoMoreThanTheirMaker) {
  ASSERT_TRUE(make("root", Role::administrator));
  ASSERT_TRUE(make("shopper", Role::farm_admin, {"shop", "mail"}));
  const Identity shopper = in("shopper");
  EXPECT_FALSE(
      access->add_token(shopper, {.name = "t", .role = Role::administrator, .scope = {}, .lifetime = seconds{60}}));
  EXPECT_FALSE(
      access->add_token(shopper, {.name = "t", .role = Role::farm_admin, .scope = {"x"}, .lifetime = seconds{60}}));
  EXPECT_FALSE(access->add_token(shopper, {.name = "t", .role = Role::viewer, .scope = {}, .lifetime = seconds{0}}));
  const auto secret =
      access->add_token(shopper, {.name = "t", .role = Role::farm_admin, .scope = {"shop"}, .lifetime = seconds{60}});
  ASSERT_TRUE(secret);
  const auto who = access->by_token(*secret, "192.0.2.9");
  ASSERT_TRUE(who);
  EXPECT_EQ(who->words(), "shopper (token t)");
  EXPECT_TRUE(allows_on_farm(*who, Permission::farms, "shop"));
  EXPECT_FALSE(allows_on_farm(*who, Permission::farms, "mail"));
  // For somebody else: by an administrator, and not beyond what that account may.
  const auto for_shopper = [&](const Identity& maker, Role role, const char* account) {
    return access->add_token(maker,
                             {.name = "ci", .account = account, .role = role, .scope = {}, .lifetime = seconds{60}});
  };
  EXPECT_EQ(for_shopper(shopper, Role::viewer, "root").error().path, "account");
  EXPECT_EQ(for_shopper(console("root"), Role::administrator, "shopper").error().path, "role");
  EXPECT_EQ(for_shopper(console("nobody"), Role::viewer, "").error().code, Error::Code::not_found);
  const auto made = for_shopper(console("nobody"), Role::viewer, "shopper");
  ASSERT_TRUE(made);
  EXPECT_EQ(access->by_token(*made, "192.0.2.9")->words(), "shopper (token ci)");
  // When its maker loses the farm, so does the token.
  ASSERT_TRUE(
      put(in("root"), {.name = "shopper", .role = {}, .scope = std::vector<std::string>{"mail"}, .password = {}}));
  EXPECT_FALSE(access->by_token(*secret, "192.0.2.9"));
  ASSERT_TRUE(
      put(in("root"), {.name = "shopper", .role = {}, .scope = std::vector<std::string>{"shop"}, .password = {}}));
  EXPECT_TRUE(access->by_token(*secret, "192.0.2.9"));
  wall += seconds{60};
  EXPECT_FALSE(access->by_token(*secret, "192.0.2.9"));
  EXPECT_EQ(access->by_words("shopper (token t)").error().text, "the token t of shopper has ended");
}

TEST_F(AccessTest, WhoIsOnRecordHasTheRightsOfNow) {
  ASSERT_TRUE(make("root", Role::administrator));
  ASSERT_TRUE(make("anna", Role::administrator));
  const auto why_not = [&](const char* words) {
    const auto who = access->by_words(words);
    return who ? std::string{word(who->role)} : who.error().text;
  };
  EXPECT_EQ(why_not("anna"), "administrator");
  ASSERT_TRUE(
      access->add_token(in("anna"), {.name = "ci", .role = Role::operators, .scope = {}, .lifetime = seconds{9}}));
  EXPECT_EQ(why_not("anna (token ci)"), "operator");
  EXPECT_EQ(access->by_words("anna (token ci)")->words(), "anna (token ci)");
  EXPECT_EQ(why_not("root (token ci)"), "the token ci of root was taken back");
  EXPECT_EQ(why_not("anna (token no)"), "the token no of anna was taken back");
  ASSERT_TRUE(put(in("root"), {.name = "anna", .role = Role::viewer, .scope = {}, .password = {}}));
  EXPECT_EQ(why_not("anna"), "viewer");
  EXPECT_EQ(why_not("anna (token ci)"), "the account anna may no longer do what its token ci may");
  ASSERT_TRUE(access->remove_token("ci"));
  EXPECT_EQ(why_not("anna (token ci)"), "the token ci of anna was taken back");
  ASSERT_TRUE(access->remove_account("anna"));
  EXPECT_EQ(why_not("anna"), "there is no account anna any more");
  EXPECT_EQ(why_not("anna (token ci)"), "there is no account anna any more");
  for (const char* words : {"", " (token ci)", "root (token ", "root (token)"}) {
    EXPECT_NE(why_not(words), "administrator") << words;
  }
}

TEST_F(AccessTest, AccountsCannotBeMadeLargerThanTheirMaker) {
  ASSERT_TRUE(make("root", Role::administrator));
  ASSERT_TRUE(make("anna", Role::operators));
  const Identity anna = in("anna");
  EXPECT_FALSE(put(anna, {.name = "anna", .role = Role::administrator, .scope = {}, .password = {}}));
  EXPECT_FALSE(put(anna, {.name = "new", .role = Role::administrator, .scope = {}, .password = kPassword}));
}

TEST_F(AccessTest, StrangersTakeNoPlaceFromWhoIsKnown) {
  ASSERT_TRUE(make("anna", Role::administrator));
  ASSERT_EQ(login("anna", kPassword, "192.0.2.7").outcome, LoginAnswer::Outcome::good);
  std::mutex gate;
  std::unique_lock shut{gate};
  ASSERT_TRUE(worker.run([&] { const std::lock_guard wait{gate}; }));
  std::vector<LoginAnswer> answers;
  const auto try_from = [&](const std::string& name, const std::string& source, const std::string& password) {
    access->login(name, password, source, [&](LoginAnswer got) { answers.push_back(got); });
  };
  for (int i = 0; i < 100; ++i) try_from("user" + std::to_string(i), "10.0.0." + std::to_string(i), "guess");
  const std::size_t refused = answers.size();
  EXPECT_EQ(refused, 35U);  // one is being looked at, 64 wait
  for (const LoginAnswer& answer : answers) EXPECT_EQ(answer.outcome, LoginAnswer::Outcome::busy);
  for (int i = 0; i < 10; ++i) try_from("anna", "10.0.0.200", kPassword);
  EXPECT_EQ(answers.back().outcome, LoginAnswer::Outcome::busy) << "was not counted as a try";
  answers.clear();
  try_from("anna", "192.0.2.7", kPassword);
  shut.unlock();
  while (answers.size() < 2) turn();
  EXPECT_EQ(answers[1].outcome, LoginAnswer::Outcome::good) << "second: after the one that was being looked at";
  while (answers.size() < 66) turn();
  EXPECT_EQ(login("anna", kPassword, "10.0.0.200").outcome, LoginAnswer::Outcome::good);
}

TEST_F(AccessTest, ManyGuessersDoNotHoldUpWhoIsKnown) {
  ASSERT_TRUE(make("anna", Role::administrator));
  ASSERT_EQ(login("anna", kPassword, "192.0.2.7").outcome, LoginAnswer::Outcome::good);
  // A new process knows as much.
  Lockout::Rules rules;
  rules.account.free_tries = 3;
  Access::Clock clock{[this] { return steady; }, [this] { return wall; }};
  access.emplace(
      *AccountBook::open(directory + "/access.json"), worker, [this](auto job) { post(std::move(job)); }, clock, rules);
  for (int i = 0; i < 6; ++i) login("anna", "guess", "10.0.0." + std::to_string(i));
  EXPECT_EQ(login("anna", kPassword, "10.0.1.1").outcome, LoginAnswer::Outcome::wait);
  EXPECT_EQ(login("anna", kPassword, "192.0.2.7").outcome, LoginAnswer::Outcome::good);
}

}  // namespace
}  // namespace fulcrum::access
