#include "control/surface/cli/manual.h"

#include "control/surface/cli/commands.h"
#include "tests/support/gtest.h"

namespace fulcrum::cli {
namespace {

std::string as_roff(const std::string& text) {
  std::string out;
  for (const char letter : text) out += letter == '-' ? std::string{"\\-"} : std::string(1, letter);
  return out;
}

void expect_command(const std::string& page, const Command& command, const std::string& above) {
  const std::string words = above + command.word;
  const bool is_there = page.find(".TP\n\\fB" + as_roff(words) + "\\fR") != std::string::npos;
  EXPECT_TRUE(is_there || command.run == nullptr) << words;
  EXPECT_FALSE(command.help.empty()) << words;
  for (const Option& option : command.options) {
    EXPECT_NE(page.find(".br\n\\fB" + as_roff(option.word) + "\\fR"), std::string::npos) << words << " " << option.word;
  }
  for (const Command& one : command.below) expect_command(page, one, words + " ");
}

TEST(Manual, HasEveryCommand) {
  const std::string page = manual_page("1.0");
  for (const auto* commands : {&operational_commands(), &configuration_commands()}) {
    for (const Command& command : *commands) expect_command(page, command, "");
  }
  for (const Hint& filter : filter_hints()) {
    EXPECT_NE(page.find("\\fB" + as_roff(filter.word) + "\\fR"), std::string::npos) << filter.word;
  }
}

}  // namespace
}  // namespace fulcrum::cli
