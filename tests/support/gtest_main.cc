// The main function of every GoogleTest binary. Besides GoogleTest's own report it prints CUnit's "Run Summary" table
// last, in CUnit's layout, so that a tool which reads the output of CUnit programs reads ours.

#include <cstdint>
#include <cstdio>

#include "tests/support/gtest.h"

namespace {

struct Row {
  int total = 0;
  int ran = 0;
  int failed = 0;
  int inactive = 0;
};

bool ran(const testing::TestInfo& test) { return test.should_run() && !test.result()->Skipped(); }

bool disabled(const testing::TestInfo& test) { return !test.should_run() && test.is_reportable(); }

// What CUnit calls inactive is here a test that is disabled or skips itself. A test that a filter left out is neither
// run nor inactive, as in CUnit when a single test is asked for.
Row count_tests(const testing::TestSuite& suite) {
  Row row{.total = suite.total_test_count()};
  for (int i = 0; i < suite.total_test_count(); ++i) {
    const testing::TestInfo& test = *suite.GetTestInfo(i);
    const bool skipped = test.should_run() && test.result()->Skipped();
    row.ran += ran(test) ? 1 : 0;
    row.failed += test.should_run() && test.result()->Failed() ? 1 : 0;
    row.inactive += skipped || disabled(test) ? 1 : 0;
  }
  return row;
}

class RunSummary : public testing::EmptyTestEventListener {
 public:
  void OnTestIterationStart(const testing::UnitTest&, int) override {
    fulcrum::test::asserts_ran = 0;
    fulcrum::test::asserts_failed = 0;
    failures_reported_ = 0;
  }

  void OnTestPartResult(const testing::TestPartResult& part) override { failures_reported_ += part.failed() ? 1U : 0U; }

  // GoogleTest calls the listeners' end events in reverse order, so its printer would come after us at the end of an
  // iteration; at the end of the program it has nothing more to say.
  void OnTestProgramEnd(const testing::UnitTest& program) override {
    Row suites{.total = program.total_test_suite_count()};
    Row tests;
    for (int i = 0; i < program.total_test_suite_count(); ++i) {
      const testing::TestSuite& suite = *program.GetTestSuite(i);
      const Row row = count_tests(suite);
      // As in CUnit a suite fails by its own set-up or tear-down, not by its tests.
      suites.ran += suite.should_run() ? 1 : 0;
      suites.failed += suite.ad_hoc_test_result().Failed() ? 1 : 0;
      suites.inactive += row.total > 0 && row.inactive == row.total ? 1 : 0;
      tests.total += row.total;
      tests.ran += row.ran;
      tests.failed += row.failed;
      tests.inactive += row.inactive;
    }
    print(suites, tests);
    std::printf("\nElapsed time = %8.3f seconds\n", static_cast<double>(program.elapsed_time()) / 1000.0);
    std::fflush(stdout);
  }

 private:
  void print(const Row& suites, const Row& tests) const {
    const std::uint64_t counted_failures = fulcrum::test::asserts_failed;
    // A failure that no counted assertion stands behind: FAIL(), ADD_FAILURE(), an unexpected exception.
    const std::uint64_t stated =
        failures_reported_ > counted_failures ? failures_reported_ - counted_failures : std::uint64_t{0};
    const auto asserts = static_cast<unsigned long long>(fulcrum::test::asserts_ran + stated);
    const auto failed = static_cast<unsigned long long>(counted_failures + stated);
    std::printf("\nRun Summary:    Type  Total    Ran Passed Failed Inactive\n");
    std::printf("%20s%7d%7d%7s%7d%9d\n", "suites", suites.total, suites.ran, "n/a", suites.failed, suites.inactive);
    std::printf("%20s%7d%7d%7d%7d%9d\n", "tests", tests.total, tests.ran, tests.ran - tests.failed, tests.failed,
                tests.inactive);
    std::printf("%20s%7llu%7llu%7llu%7llu%9s\n", "asserts", asserts, asserts, asserts - failed, failed, "n/a");
  }

  std::uint64_t failures_reported_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new RunSummary);  // GoogleTest takes ownership
  return RUN_ALL_TESTS();
}
