#include "control/health/checker.h"

#include <cstring>
#include <vector>

#include "tests/support/fake_server.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using std::chrono_literals::operator""ms;

class CheckerTest : public testing::Test {
 protected:
  [[nodiscard]] CheckTarget target(std::uint8_t rise = 2, std::uint8_t fall = 3) const {
    return {.address = *Address::parse("127.0.0.1"),
            .port = server.port(),
            .interval = 1ms,
            .timeout = 1000ms,
            .rise = rise,
            .fall = fall};
  }
  // Turns the loop until it holds. Fails the test when nothing happens any more.
  template <class Condition>
  void until(Condition holds) {
    while (!holds()) ASSERT_GT(loop.run_one(), 0U);
  }

  FakeServer server;
  boost::asio::io_context loop;
  int probes = 0;
  bool machine_fails = false;
  std::chrono::nanoseconds stood{0};
  std::vector<Health> changes;
  HealthChecker checker{
      loop,
      [this](Family family) -> Result<OwnedFd> {
        ++probes;
        if (machine_fails) return fail(Error::Code::io, "socket", "too many open files");
        return OwnedFd{
            socket(family == Family::ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
      },
      [this](const CheckTarget&, const TargetHealth& now) { changes.push_back(now.judgement.health); },
      [] { return 1.0; }, [this](std::chrono::steady_clock::time_point) { return stood; }};
};

TEST_F(CheckerTest, TheFirstAnswerDecides) {
  server.answer();
  checker.watch({{target(200, 200), Health::unknown}});
  EXPECT_EQ(checker.find(target(200, 200))->reason, "not checked yet");
  until([&] { return !changes.empty(); });
  EXPECT_EQ(changes, std::vector{Health::up});
  EXPECT_EQ(probes, 1);
  EXPECT_EQ(checker.find(target(200, 200))->reason, "connected");
}

TEST_F(CheckerTest, KnowsTheNewestResultsAndWhenTheNextIsDue) {
  checker.watch({{target(), Health::unknown}});
  EXPECT_FALSE(checker.find(target())->newest);
  EXPECT_TRUE(checker.find(target())->next);
  until([&] { return checker.find(target())->in_a_row == -2; });
  EXPECT_EQ(checker.find(target())->newest->kind, Observation::Kind::refused);
  EXPECT_EQ(checker.find(target())->judgement.streak, 0);
  server.answer();
  until([&] { return checker.find(target())->in_a_row == 1; });
  EXPECT_EQ(checker.find(target())->judgement, (RiseFall{.health = Health::down, .streak = 1}));
  EXPECT_GT(checker.find(target())->newest->took.count(), 0);
  EXPECT_TRUE(checker.find(target())->newest->counts);
  EXPECT_TRUE(checker.find(target())->next);
  machine_fails = true;
  until([&] { return !checker.find(target())->newest->counts; });
  EXPECT_GT(checker.find(target())->in_a_row, 0) << "what says nothing about the server was counted";
  checker.pause();
  EXPECT_FALSE(checker.find(target())->next);
  EXPECT_TRUE(checker.is_paused());
}

TEST_F(CheckerTest, KnowsHowLongTheServerTakesToAnswer) {
  checker.watch({{target(), Health::unknown}});
  EXPECT_EQ(checker.find(target())->response.count(), 0);
  server.answer();
  until([&] { return !changes.empty(); });
  EXPECT_GT(checker.find(target())->response.count(), 0);
  EXPECT_LT(checker.find(target())->response, 1000ms);
}

TEST_F(CheckerTest, FollowsAServerDownAndUpAgain) {
  server.answer();
  checker.watch({{target(), Health::unknown}});
  until([&] { return changes.size() == 1; });
  server.refuse();
  until([&] { return changes.size() == 2; });
  EXPECT_EQ(changes[1], Health::down);
  EXPECT_EQ(checker.find(target())->reason, "connection refused");
  server.answer();
  until([&] { return changes.size() == 3; });
  EXPECT_EQ(changes[2], Health::up);
}

TEST_F(CheckerTest, AKnownStateNeedsTheFullStreakToChange) {
  checker.watch({{target(2, 3), Health::up}});
  until([&] { return !changes.empty(); });
  EXPECT_EQ(changes, std::vector{Health::down});
  EXPECT_EQ(probes, 3);
}

// What was taken over is so since an unknown time; and it is said only until a check has agreed.
TEST_F(CheckerTest, TheFirstCheckConfirmsWhatWasTakenOver) {
  server.answer();
  checker.watch({{target(), Health::up}});
  const TargetHealth* health = checker.find(target());
  EXPECT_EQ(health->reason, "as before, and not checked again yet");
  EXPECT_TRUE(health->began_earlier);
  until([&] { return health->is_confirmed; });
  EXPECT_EQ(health->reason, "connected");
  EXPECT_TRUE(health->began_earlier) << "since when is still not known";
  EXPECT_TRUE(changes.empty());
  server.refuse();
  until([&] { return !changes.empty(); });
  EXPECT_EQ(health->reason, "connection refused");
  EXPECT_FALSE(health->began_earlier);
}

TEST_F(CheckerTest, AFirstCheckThatDisagreesIsACheckToo) {
  checker.watch({{target(2, 200), Health::up}});
  const TargetHealth* health = checker.find(target(2, 200));
  until([&] { return health->judgement.streak == 2; });
  EXPECT_EQ(health->reason, "as before");
  EXPECT_EQ(health->last, "connection refused");
}

TEST_F(CheckerTest, AReloadKeepsWhatDidNotChange) {
  server.answer();
  checker.watch({{target(), Health::unknown}});
  until([&] { return changes.size() == 1; });
  CheckTarget other = target();
  other.port = static_cast<std::uint16_t>(other.port + 1);
  checker.watch({{target(), Health::unknown}, {other, Health::unknown}});
  EXPECT_EQ(checker.find(target())->judgement.health, Health::up);
  // Only the rules changed: the state goes over, the reason too.
  checker.watch({{target(7, 8), Health::unknown}});
  ASSERT_NE(checker.find(target(7, 8)), nullptr);
  EXPECT_EQ(checker.find(target(7, 8))->judgement.health, Health::up);
  EXPECT_EQ(checker.find(target(7, 8))->reason, "connected");
  EXPECT_EQ(checker.find(target()), nullptr);
  EXPECT_EQ(checker.size(), 1U);
}

TEST_F(CheckerTest, TroubleOfOurOwnIsNoVerdict) {
  machine_fails = true;
  checker.watch({{target(1, 1), Health::up}});
  until([&] { return probes == 10; });
  EXPECT_TRUE(changes.empty());
  EXPECT_EQ(checker.find(target(1, 1))->judgement.health, Health::up);
}

TEST_F(CheckerTest, JudgesNothingWhilePaused) {
  checker.watch({{target(1, 1), Health::up}});
  checker.pause();
  loop.poll();
  loop.restart();
  EXPECT_EQ(probes, 0);
  EXPECT_TRUE(changes.empty());
  checker.resume();
  until([&] { return !changes.empty(); });
  EXPECT_EQ(changes, std::vector{Health::down});
}

TEST_F(CheckerTest, APauseForgetsAProbeUnderWay) {
  checker.watch({{target(1, 1), Health::up}});
  until([&] { return probes == 1; });
  checker.pause();
  loop.poll();
  EXPECT_TRUE(changes.empty());
}

// A backlog that is full answers no SYN.
class SilentServer {
 public:
  SilentServer() {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
    EXPECT_EQ(listen(socket_.get(), 0), 0);
    socklen_t length = sizeof any;
    getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&any), &length);
    for (int i = 0; i < 4; ++i) {
      fill_.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      connect(fill_.back().get(), reinterpret_cast<const sockaddr*>(&any), sizeof any);
    }
    port_ = ntohs(any.sin_port);
  }
  [[nodiscard]] CheckTarget target() const {
    return {
        .address = *Address::parse("127.0.0.1"), .port = port_, .interval = 1ms, .timeout = 5ms, .rise = 1, .fall = 1};
  }

 private:
  OwnedFd socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::vector<OwnedFd> fill_;
  std::uint16_t port_ = 0;
};

TEST_F(CheckerTest, ASilentServerFailsAfterTheTimeout) {
  const SilentServer silent;
  checker.watch({{silent.target(), Health::unknown}});
  until([&] { return !changes.empty(); });
  EXPECT_EQ(changes, std::vector{Health::down});
  EXPECT_EQ(checker.find(silent.target())->reason, "no answer within 5 ms");
}

TEST_F(CheckerTest, SilenceCountsNothingWhileTheBoxStandsStill) {
  const SilentServer silent;
  stood = 3ms;  // of 5
  checker.watch({{silent.target(), Health::up}});
  until([&] { return probes == 5; });
  EXPECT_TRUE(changes.empty());
  EXPECT_EQ(checker.find(silent.target())->last, "no answer within 5 ms; not counted: the box stood still");
  stood = 2ms;
  until([&] { return !changes.empty(); });
  EXPECT_EQ(changes, std::vector{Health::down});
}

TEST_F(CheckerTest, ARefusalCountsAlsoWhileTheBoxStandsStill) {
  stood = 1000ms;
  checker.watch({{target(1, 1), Health::up}});
  until([&] { return !changes.empty(); });
  EXPECT_EQ(changes, std::vector{Health::down});
  EXPECT_EQ(probes, 1);
}

}  // namespace
}  // namespace fulcrum
