#include "control/app/config_manual.h"

#include "control/document/roff.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

TEST(ConfigManual, SaysWhatBecomesOfAnEditedFile) {
  const std::string page = config_manual("1.0");
  for (const char* part : {".SH EXAMPLES\n", "# revision", "FILE\\fB.edited", "\\fBfarms.<name>.name\\fR"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  EXPECT_NE(page.find(document::roff(example_configuration())), std::string::npos);
}

}  // namespace
}  // namespace fulcrum
