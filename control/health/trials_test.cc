#include "control/health/trials.h"

#include "tests/support/fake_server.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using std::chrono_literals::operator""ms;
using Kind = Observation::Kind;

class OwnPort : public FakeServer {
 public:
  [[nodiscard]] Trial place() const {
    return {.address = *Address::parse("127.0.0.1"), .port = port(), .timeout = 1000ms};
  }
};

class TrialsTest : public testing::Test {
 protected:
  std::vector<Observation> run(const std::vector<Trial>& places) {
    std::vector<Observation> seen;
    int calls = 0;
    EXPECT_TRUE(trials.start(places, [&](const std::vector<Observation>& observed) {
      seen = observed;
      ++calls;
    }));
    EXPECT_EQ(calls, 0) << "called back from within the call";
    loop.restart();
    loop.run();
    EXPECT_EQ(calls, 1);
    return seen;
  }

  boost::asio::io_context loop;
  bool machine_fails = false;
  Trials trials{loop, [this](Family) -> Result<OwnedFd> {
                  if (machine_fails)
                    return fail(Error::Code::not_found, "kernel twins", "the dataplane is not running");
                  return OwnedFd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
                }};
};

TEST_F(TrialsTest, EachPlaceIsAnsweredInItsTurn) {
  OwnPort answers, refuses;
  answers.answer();
  const auto seen = run({refuses.place(), answers.place()});
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].kind, Kind::refused);
  EXPECT_EQ(seen[0].reason, "connection refused");
  EXPECT_EQ(seen[1].kind, Kind::answered);
  EXPECT_EQ(seen[1].syns, 1);
  EXPECT_EQ(seen[1].source, *Address::parse("127.0.0.1"));
  EXPECT_NE(seen[1].source_port, 0);
  EXPECT_LT(seen[1].took, 1000ms);
}

TEST_F(TrialsTest, NoPlaceIsAnsweredToo) { EXPECT_TRUE(run({}).empty()); }

TEST_F(TrialsTest, WhatOurOwnMachineCannotDoSaysSo) {
  machine_fails = true;
  const auto seen = run({{.address = *Address::parse("127.0.0.1"), .port = 1}});
  EXPECT_EQ(seen.at(0).kind, Kind::inconclusive);
  EXPECT_EQ(seen.at(0).took.count(), 0);
  EXPECT_EQ(seen.at(0).syns, 0);
  EXPECT_FALSE(seen.at(0).source);
}

TEST_F(TrialsTest, NobodyMakesAFloodOfThem) {
  OwnPort answers;
  answers.answer();
  const auto ignore = [](const std::vector<Observation>&) {};
  EXPECT_EQ(trials.start(std::vector(Trials::most + 1, answers.place()), ignore).error().code, Error::Code::limit);
  ASSERT_TRUE(trials.start(std::vector(Trials::most, answers.place()), ignore));
  EXPECT_EQ(trials.start({answers.place()}, ignore).error().code, Error::Code::limit);
  loop.run();
  EXPECT_EQ(run({answers.place()}).at(0).kind, Kind::answered);
}

}  // namespace
}  // namespace fulcrum
