#include "control/telemetry/event_trail.h"

#include "control/files/files.h"
#include "tests/support/gtest.h"
#include "tests/support/lab.h"

namespace fulcrum::telemetry {
namespace {

using std::chrono::milliseconds;

class EventTrailTest : public testing::Test {
 protected:
  static void add(EventTrail& trail, const std::string& text) {
    trail.add({.time = std::chrono::system_clock::time_point{milliseconds{1'800'000'000'123}},
               .is_warning = true,
               .kind = "server",
               .object = "web1 of farm shop",
               .text = text});
  }
  [[nodiscard]] std::string contents() const { return **files::read(file, 1U << 30U); }
  [[nodiscard]] long lines() const {
    const std::string text = contents();
    return std::count(text.begin(), text.end(), '\n');
  }

  test::TemporaryDirectory directory;
  const std::string file = directory.path() + "/events.jsonl";
};

TEST_F(EventTrailTest, GoesOnAfterARestart) {
  {
    EventTrail trail{file};
    add(trail, "down: no answer");
    add(trail, "up");
  }
  EventTrail trail{file};
  ASSERT_EQ(trail.events().size(), 2U);
  const TrailEvent& first = trail.events()[0];
  EXPECT_EQ(first.number, 1U);
  EXPECT_EQ(first.time.time_since_epoch(), milliseconds{1'800'000'000'123});
  EXPECT_TRUE(first.is_warning);
  EXPECT_EQ(first.kind, "server");
  EXPECT_EQ(first.object, "web1 of farm shop");
  EXPECT_EQ(first.text, "down: no answer");
  add(trail, "down again");
  EXPECT_EQ(trail.events().back().number, 3U);
  EXPECT_EQ(EventTrail{file}.events().size(), 3U);
}

TEST_F(EventTrailTest, PassesOverWhatIsNotWhole) {
  {
    EventTrail trail{file};
    add(trail, "one");
    add(trail, "two");
  }
  const std::string text = contents();
  directory.write("events.jsonl", "nonsense\n{}\n" + text.substr(0, text.size() - 20));
  {
    EventTrail trail{file};
    ASSERT_EQ(trail.events().size(), 1U);
    add(trail, "three");
  }
  EventTrail trail{file};
  ASSERT_EQ(trail.events().size(), 2U) << "the line behind one that was cut is whole";
  EXPECT_EQ(trail.events()[1].text, "three");
}

TEST_F(EventTrailTest, TheFileDoesNotGrowWithoutEnd) {
  EventTrail trail{file};
  for (std::size_t i = 0; i < 2 * EventTrail::capacity; ++i) add(trail, std::to_string(i));
  EXPECT_EQ(lines(), 2 * EventTrail::capacity);
  add(trail, "one more");
  EXPECT_EQ(lines(), EventTrail::capacity);
  EventTrail again{file};
  EXPECT_EQ(again.events().size(), EventTrail::capacity);
  EXPECT_EQ(again.events().back().text, "one more");
}

TEST_F(EventTrailTest, AFileThatCannotBeWrittenLosesNoEvent) {
  EventTrail trail{directory.path() + "/not/there"};
  add(trail, "one");
  EXPECT_EQ(trail.events().size(), 1U);
}

}  // namespace
}  // namespace fulcrum::telemetry
