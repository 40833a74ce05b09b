#include "control/surface/cli/editor.h"

#include "control/surface/cli/line.h"
#include "tests/support/gtest.h"

namespace fulcrum::cli {
namespace {

using Event = Editor::Event;

// Types, and shows as a conversation does.
class Typed : public testing::Test {
 protected:
  Typed() {
    editor_.begin("> ", 40, out_);
    out_.clear();
  }
  Event type(std::string_view keys) {
    Event event = Event::none;
    for (const char key : keys) event = editor_.feed(key, out_);
    editor_.show(out_);
    return event;
  }
  std::string written() { return std::exchange(out_, {}); }
  Editor editor_;
  std::string out_;
};

TEST_F(Typed, ALetterAtTheEndIsOneByte) {
  for (const char letter : std::string_view{"show farms"}) {
    type({&letter, 1});
    EXPECT_EQ(written(), std::string(1, letter));
  }
  EXPECT_EQ(type("\r"), Event::line);
  EXPECT_EQ(written(), "\n");
  EXPECT_EQ(editor_.text(), "show farms");
}

// The same line, of a terminal that can do no more than a backspace.
TEST(Editor, OneThatOnlyPrintsGetsNoEscapes) {
  Editor editor{Editor::Keys::commands, true};
  std::string out;
  editor.begin("> ", 40, out);
  for (const char key : std::string_view{"sow farms now\x17\x7f\x01\x06h\x05\x02\x02\x0c"}) {
    editor.feed(key, out);
    editor.show(out);
  }
  EXPECT_EQ(editor.text(), "show farms");
  EXPECT_EQ(out.find('\033'), out.npos);
  std::string paper(80, ' ');
  std::size_t column = 0;
  for (const char byte : out) {
    if (byte == '\r') column = 0;
    if (byte == '\b') --column;
    if (byte >= ' ') paper.at(column++) = byte;
  }
  EXPECT_EQ(paper.substr(0, 14), "> show farms  ");
  EXPECT_EQ(column, std::string_view{"> show far"}.size());
}

TEST_F(Typed, KeysMoveAndDelete) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"abc\x01x", "xabc"},
      {"abc\x02\x02x", "axbc"},
      {"abc\x7f", "ab"},
      {"abc\x01\x04", "bc"},
      {"one two\x17three", "one three"},
      {"one two\x01\x06\x06\x06\x0b", "one"},
      {"one two\x15x", "x"},
      {"one two\x17\x01\x19 ", "two one "},
      {"abc\033[D\033[Dx", "axbc"},
      {"abc\033[Hx\033[Fy", "xabcy"},
      {"abc\033[1~\033[3~", "bc"},
      {"one two\033[1;5Dx", "one xtwo"},
      {"one two\033bx\033f!", "one xtwo!"},
      {"f\xc3\xbcr\x02\x02\x7f", "\xc3\xbcr"},
  };
  for (const auto& [keys, text] : cases) {
    editor_.begin("> ", 40, out_);
    EXPECT_EQ(type(keys), Event::none) << keys;
    EXPECT_EQ(editor_.text(), text) << keys;
  }
}

TEST_F(Typed, WhatIsNoTextIsLeftOut) {
  type(std::string_view{"a\0b\xff\xfe\xc3(\xe2\x82z\x80", 11});
  EXPECT_TRUE(is_clean(editor_.text()));
  EXPECT_EQ(editor_.text(), "ab(z");
}

TEST_F(Typed, APasteIsTextAndDrawnOnce) {
  EXPECT_EQ(type("\033[200~show\tfarms ?\033[201~"), Event::none);
  EXPECT_EQ(editor_.text(), "show farms ?");
  EXPECT_EQ(written(), "show farms ?");
  EXPECT_EQ(type("\t"), Event::complete);
  EXPECT_EQ(type("?"), Event::help);
  type("\x15\"");
  EXPECT_EQ(type("?"), Event::none);
}

TEST_F(Typed, ALineThatIsTooLongIsRefusedAsAWhole) {
  for (std::size_t i = 0; i <= kLineMax; ++i) editor_.feed('x', out_);
  EXPECT_EQ(type("\r"), Event::too_long);
}

TEST_F(Typed, EarlierLinesComeBack) {
  editor_.remember("one");
  editor_.remember("two");
  editor_.remember("two");
  editor_.begin("> ", 40, out_);
  type("draft\033[A");
  EXPECT_EQ(editor_.text(), "two");
  type("\x10");
  EXPECT_EQ(editor_.text(), "one");
  type("\033[A");
  EXPECT_EQ(editor_.text(), "one");
  type("\033[B\033[B");
  EXPECT_EQ(editor_.text(), "draft");
}

TEST_F(Typed, ALongLineScrollsOnOneRow) {
  type(std::string(100, 'x'));
  EXPECT_LT(written().size(), 50);
  type("y");
  EXPECT_EQ(written(), "y");
  type("\x01");
  EXPECT_EQ(written().find('\n'), std::string::npos);
}

TEST_F(Typed, AReturnWithALineFeedIsOneEnd) {
  EXPECT_EQ(type("a\r"), Event::line);
  editor_.begin("> ", 40, out_);
  EXPECT_EQ(type("\n"), Event::none);
  EXPECT_EQ(type("b\n"), Event::line);
  EXPECT_EQ(editor_.text(), "b");
}

}  // namespace
}  // namespace fulcrum::cli
