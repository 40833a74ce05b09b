#include "control/surface/api/news.h"

#include "tests/support/gtest.h"

namespace fulcrum::api {
namespace {

using Rows = std::vector<News::Row>;

const Rows kTwo{{"a", "{\"n\":1}"}, {"b", "{\"n\":2}"}};

TEST(News, TellsWhoIsNewEverythingAndTheOthersWhatChanged) {
  News news;
  EXPECT_EQ(news.since(0), "");
  news.take(kTwo, "{\"up\":true}", true);
  EXPECT_EQ(news.since(0), "{\"rows\":[{\"n\":1},{\"n\":2}],\"removed\":[],\"up\":true}");
  EXPECT_EQ(news.since(1), "");
  news.take(kTwo, "{\"up\":true}", true);
  EXPECT_EQ(news.version(), 1U) << "nothing is new";
  news.take({{"a", "{\"n\":1}"}, {"b", "{\"n\":3}"}}, "{\"up\":true}", true);
  EXPECT_EQ(news.since(1), "{\"rows\":[{\"n\":3}],\"removed\":[]}");
  news.take({{"a", "{\"n\":1}"}}, "{\"up\":false}", true);
  EXPECT_EQ(news.since(2), "{\"rows\":[],\"removed\":[\"b\"],\"up\":false}");
  EXPECT_EQ(news.since(1), "{\"rows\":[],\"removed\":[\"b\"],\"up\":false}") << "who was busy misses states";
  EXPECT_EQ(news.since(0), "{\"rows\":[{\"n\":1}],\"removed\":[],\"up\":false}");
}

TEST(News, MakesATextOnceForAll) {
  News news;
  news.take(kTwo, "{}", true);
  const std::string& first = news.since(0);
  EXPECT_EQ(&first, &news.since(0));
}

TEST(News, KnowsWhatCameBackAndForgetsWhatNobodyAsksFor) {
  News news;
  news.take(kTwo, "{}", true);
  news.take({kTwo[0]}, "{}", true);
  news.take(kTwo, "{}", true);
  EXPECT_EQ(news.since(1), "{\"rows\":[{\"n\":2}],\"removed\":[]}");
  news.take({kTwo[0]}, "{}", true);
  news.forget(3);
  EXPECT_EQ(news.since(3), "{\"rows\":[],\"removed\":[\"b\"]}");
  news.take({kTwo[0]}, "{\"n\":1}", true);
  news.forget(4);
  EXPECT_EQ(news.since(3), "{\"rows\":[],\"removed\":[],\"n\":1}");
}

TEST(News, DoesNotTellOfOldEventsThatTheyAreGone) {
  News news;
  news.take(kTwo, "{}", false);
  news.take({kTwo[1]}, "{}", false);
  EXPECT_EQ(news.since(1), "");
}

}  // namespace
}  // namespace fulcrum::api
