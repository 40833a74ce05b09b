#include "dataplane/pipeline/answer_budget.h"

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

std::uint32_t taken(AnswerBudget& budget, Tick now) {
  std::uint32_t count = 0;
  while (budget.take(now)) ++count;
  return count;
}

TEST(AnswerBudget, RefillsWithTimeUpToABurst) {
  AnswerBudget budget;
  EXPECT_EQ(taken(budget, 100), AnswerBudget::at_once);
  EXPECT_EQ(taken(budget, 100), 0U);
  EXPECT_EQ(taken(budget, 101), AnswerBudget::per_second / kTicksPerSecond);
  EXPECT_EQ(taken(budget, 103), 2 * AnswerBudget::per_second / kTicksPerSecond);
  EXPECT_EQ(taken(budget, 103 + 3600 * kTicksPerSecond), AnswerBudget::at_once) << "an hour later";
}

}  // namespace
}  // namespace fulcrum
