#include "control/publish/questioner.h"

#include <memory>
#include <string>
#include <vector>

#include "control/publish/publisher.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using std::chrono::seconds;

class QuestionerTest : public ::testing::Test {
 protected:
  QuestionerTest() { questioner_.attach(region_); }
  void ask(std::uint32_t slot) {
    questioner_.ask(
        [slot](ExplainQuestion& question) -> Result<void> {
          question.slot = slot;
          return {};
        },
        [this](const ExplainQuestion& question, const Result<const ExplainAnswer*>& answer) {
          answers_.push_back(answer ? std::to_string(question.slot) : answer.error().text);
        });
  }
  // As housekeeping does.
  bool answer() {
    ExplainBox& box = region_.explain();
    const std::uint64_t asked = box.asked.load();
    if (asked == box.answered.load()) return false;
    box.answered.store(asked);
    return true;
  }

  Region region_{*Region::create_anonymous({.workers = 1})};
  Questioner questioner_;
  std::vector<std::string> answers_;
};

TEST_F(QuestionerTest, AsksOneAfterTheOther) {
  ask(1);
  ask(2);
  questioner_.turn(seconds{0});
  EXPECT_EQ(region_.explain().question.slot, 1U);
  questioner_.turn(seconds{1});
  EXPECT_TRUE(answers_.empty());
  EXPECT_TRUE(answer());
  for (int i = 0; i < 2; ++i) questioner_.turn(seconds{1});
  EXPECT_EQ(region_.explain().question.slot, 2U);
  EXPECT_TRUE(answer());
  questioner_.turn(seconds{1});
  EXPECT_EQ(answers_, (std::vector<std::string>{"1", "2"}));
  EXPECT_FALSE(questioner_.is_busy());
}

TEST_F(QuestionerTest, LetsTheQuestionOfAPredecessorGoFirst) {
  region_.explain().question.slot = 3;
  region_.explain().asked.store(7);
  ask(1);
  questioner_.turn(seconds{0});
  EXPECT_EQ(region_.explain().question.slot, 3U);
  EXPECT_TRUE(answer());
  questioner_.turn(seconds{0});
  EXPECT_EQ(region_.explain().question.slot, 1U);
  EXPECT_TRUE(answers_.empty());
  EXPECT_TRUE(answer());
  questioner_.turn(seconds{0});
  EXPECT_EQ(answers_, (std::vector<std::string>{"1"}));
}

TEST_F(QuestionerTest, GivesUpOnADataplaneThatIsSilentOrGone) {
  ask(1);
  questioner_.turn(seconds{0});
  questioner_.turn(Questioner::patience);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_NE(answers_[0].find("does not answer"), std::string::npos);
  ask(2);
  questioner_.detach();
  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_NE(answers_[1].find("has gone"), std::string::npos);
  ask(3);
  ASSERT_EQ(answers_.size(), 3U);
  EXPECT_NE(answers_[2].find("not running"), std::string::npos);
}

TEST_F(QuestionerTest, HoldsTheSlotOfAnOpenQuestion) {
  Publisher publisher;
  publisher.attach(region_);
  const auto compile = [](std::uint64_t generation, const Snapshot*, Snapshot& into) -> Result<void> {
    into = *std::make_unique<Snapshot>();  // too large for a stack
    into.generation = generation;
    return {};
  };
  const auto draft = publisher.draft(compile);
  ASSERT_TRUE(draft && *draft);
  EXPECT_EQ((*draft)->generation, 1U | kDraftMark);
  EXPECT_EQ(publisher.newest(), nullptr);  // nobody's configuration
  ask((*draft)->slot);
  questioner_.turn(seconds{0});
  ASSERT_TRUE(publisher.publish(compile).has_value());
  EXPECT_EQ(region_.snapshot((*draft)->slot).generation, 1U | kDraftMark);
  EXPECT_EQ(publisher.newest()->generation, 1U);
  EXPECT_TRUE(answer());
  // A successor does not take the draft for the newest either.
  Publisher next;
  next.attach(region_);
  EXPECT_EQ(next.newest()->generation, 1U);
}

}  // namespace
}  // namespace fulcrum
