// The main function of every Catch2 binary, with a reporter `cases` of our own: TAP with one line per test case.
// Catch2's own TAP reporter writes one line per assertion, and a count of test cases is what we want to read.
//
// FULCRUM_CATCH2_TESTS chooses among the tests as GTEST_FILTER does for GoogleTest, for example "~[figures]": all but
// those that prove figures, of which a sanitizer sees nothing new.

#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <cstdlib>
#include <string>

namespace {

class CasesReporter : public Catch::StreamingReporterBase<CasesReporter> {
 public:
  using StreamingReporterBase::StreamingReporterBase;

  static std::string getDescription() { return "TAP, one line per test case"; }

  void assertionStarting(const Catch::AssertionInfo&) override {}

  bool assertionEnded(const Catch::AssertionStats& stats) override {
    const Catch::AssertionResult& result = stats.assertionResult;
    if (result.isOk()) return true;
    stream << "# " << result.getSourceInfo() << ": " << result.getExpressionInMacro();
    if (result.hasExpandedExpression()) stream << " with " << result.getExpandedExpression();
    for (const Catch::MessageInfo& note : stats.infoMessages) stream << "; " << note.message;
    stream << '\n';
    return true;
  }

  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    ++cases_;
    stream << (stats.totals.assertions.allOk() ? "ok " : "not ok ") << cases_ << " - " << stats.testInfo.name << '\n';
    StreamingReporterBase::testCaseEnded(stats);
  }

  void testRunEnded(const Catch::TestRunStats& stats) override {
    stream << "1.." << cases_ << std::endl;
    StreamingReporterBase::testRunEnded(stats);
  }

 private:
  int cases_ = 0;
};

CATCH_REGISTER_REPORTER("cases", CasesReporter)

}  // namespace

int main(int argc, char** argv) {
  Catch::Session session;
  if (const int status = session.applyCommandLine(argc, argv); status != 0) return status;
  if (const char* tests = std::getenv("FULCRUM_CATCH2_TESTS"); tests != nullptr) {
    session.configData().testsOrTags.emplace_back(tests);
  }
  return session.run();
}
