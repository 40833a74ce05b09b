// GoogleTest, with one addition: every EXPECT_ and ASSERT_ that is executed is counted.
//
// CUnit's run summary has a row "asserts", and GoogleTest keeps no such number: an assertion that holds leaves no
// trace. All its assertions go through a handful of internal macros, so this header puts a counter in front of those
// and changes nothing else. gtest_main.cc prints the counts. Include this header instead of <gtest/gtest.h>: a file
// which does not still works, its assertions are merely missing from the count.
//
// FAIL(), ADD_FAILURE() and SUCCEED() state a result and check nothing; of these the failures are counted by
// gtest_main.cc when they are reported.

#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>

namespace fulcrum::test {

// Atomic because tests of concurrent code check from several threads; relaxed because nothing is ordered by it.
inline std::atomic<std::uint64_t> asserts_ran{0};
inline std::atomic<std::uint64_t> asserts_failed{0};

// Counts one assertion whose outcome is known and hands the outcome on.
inline testing::AssertionResult counted(testing::AssertionResult outcome) {
  asserts_ran.fetch_add(1, std::memory_order_relaxed);
  if (!outcome) asserts_failed.fetch_add(1, std::memory_order_relaxed);
  return outcome;
}

// Counts one assertion about a whole statement (that it dies), whose outcome is not a value: it has failed when the
// running test has more failures after it than before it. Lives as long as the assertion.
class CountedStatement {
 public:
  CountedStatement() { asserts_ran.fetch_add(1, std::memory_order_relaxed); }
  ~CountedStatement() {
    if (failures() > before_) asserts_failed.fetch_add(1, std::memory_order_relaxed);
  }
  CountedStatement(const CountedStatement&) = delete;
  CountedStatement& operator=(const CountedStatement&) = delete;

 private:
  static int failures() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    return test == nullptr ? 0 : test->result()->total_part_count();
  }
  int before_ = failures();
};

}  // namespace fulcrum::test

#undef GTEST_ASSERT_
#define GTEST_ASSERT_(expression, on_failure)                                             \
  GTEST_AMBIGUOUS_ELSE_BLOCKER_                                                           \
  if (const ::testing::AssertionResult gtest_ar = ::fulcrum::test::counted((expression))) \
    ;                                                                                     \
  else                                                                                    \
    on_failure(gtest_ar.failure_message())

#undef GTEST_TEST_BOOLEAN_
#define GTEST_TEST_BOOLEAN_(expression, text, actual, expected, fail)                                                \
  GTEST_AMBIGUOUS_ELSE_BLOCKER_                                                                                      \
  if (const ::testing::AssertionResult gtest_ar_ = ::fulcrum::test::counted(::testing::AssertionResult(expression))) \
    ;                                                                                                                \
  else                                                                                                               \
    fail(::testing::internal::GetBoolAssertionFailureMessage(gtest_ar_, text, #actual, #expected).c_str())

// EXPECT_DEATH and ASSERT_DEATH expand to these two.
#undef EXPECT_EXIT
#define EXPECT_EXIT(statement, predicate, matcher)                    \
  GTEST_AMBIGUOUS_ELSE_BLOCKER_                                       \
  if (const ::fulcrum::test::CountedStatement fulcrum_counted; false) \
    ;                                                                 \
  else                                                                \
    GTEST_DEATH_TEST_(statement, predicate, matcher, GTEST_NONFATAL_FAILURE_)

#undef ASSERT_EXIT
#define ASSERT_EXIT(statement, predicate, matcher)                    \
  GTEST_AMBIGUOUS_ELSE_BLOCKER_                                       \
  if (const ::fulcrum::test::CountedStatement fulcrum_counted; false) \
    ;                                                                 \
  else                                                                \
    GTEST_DEATH_TEST_(statement, predicate, matcher, GTEST_FATAL_FAILURE_)
