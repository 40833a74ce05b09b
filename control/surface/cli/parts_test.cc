// The small parts: words, options of the program, filters, redrawing.
#include "control/model/model.h"
#include "control/surface/cli/filters.h"
#include "control/surface/cli/line.h"
#include "control/surface/cli/options.h"
#include "control/surface/cli/redraw.h"
#include "control/surface/cli/tree_text.h"
#include "tests/support/gtest.h"

namespace fulcrum::cli {
namespace {

TEST(Words, KnowQuotesAndPlaces) {
  const auto line = split(R"(a "b c"'d|e' # rest | x)");
  ASSERT_TRUE(line.has_value());
  ASSERT_EQ(line->parts.size(), 1);
  ASSERT_EQ(line->command().size(), 2);
  EXPECT_EQ(line->command()[1].text, "b cd|e");
  EXPECT_EQ(line->command()[1].begin, 2);
  EXPECT_EQ(line->command()[1].end, 12);
}

TEST(Words, AreReadBackAsTheyAreTyped) {
  for (const char* word : {"plain", "with blank", "", "#x", "a|b", "a\"b\\c", "what?", "it's"}) {
    const auto line = split("x " + typed(word));
    ASSERT_EQ(line->command().size(), 2) << word;
    EXPECT_EQ(line->command()[1].text, word);
  }
}

tl::expected<Options, std::string> options(std::vector<std::string> words) {
  words.insert(words.begin(), "fulcrum");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return parse_options(static_cast<int>(pointers.size()), pointers.data());
}

TEST(Options, MakeALine) {
  EXPECT_EQ(options({"show", "connections", "--farm", "shop", "--limit=5"})->lines.front(),
            "show connections farm shop limit 5");
  EXPECT_EQ(options({"show", "farms", "|", "match", "a b"})->lines.front(), "show farms | match \"a b\"");
  EXPECT_EQ(options({"show farms | count"})->lines.front(), "show farms | count");
  EXPECT_TRUE(options({"show", "farms", "--json"})->as_json);
  EXPECT_EQ(options({"-c", "configure", "-c", "commit"})->lines.size(), 2);
  EXPECT_EQ(options({"--complete", "show", ""})->lines.front(), "show ");
  EXPECT_EQ(options({"--complete", "--json", "--runtime-dir", "/x", "sh"})->lines.front(), "sh");
  EXPECT_EQ(options({"--complete", "--json", "--runtime-dir", "/x", "sh"})->runtime_dir, "/x");
  EXPECT_EQ(options({"--complete", "show", "connections", "--farm", ""})->lines.front(), "show connections farm ");
  EXPECT_TRUE(options({})->lines.empty());
  EXPECT_FALSE(options({"--nonsense"}).has_value());
  EXPECT_FALSE(options({"-c"}).has_value());
  EXPECT_FALSE(options({"-c", "x", "show"}).has_value());
}

std::string filtered(std::vector<Filter> filters, std::string text) {
  return TextFilters::make(filters)->apply(std::move(text));
}

TEST(Filters, WorkOnLines) {
  const std::string text = "web1 up\nweb2 down\nmail up\n";
  EXPECT_EQ(filtered({{Filter::Kind::match, "^web", 0}}, text), "web1 up\nweb2 down\n");
  EXPECT_EQ(filtered({{Filter::Kind::match, "^web", 0}, {Filter::Kind::except, "down", 0}}, text), "web1 up\n");
  EXPECT_EQ(filtered({{Filter::Kind::match, "up", 0}, {Filter::Kind::count, "", 0}}, text), "2\n");
  EXPECT_EQ(filtered({{Filter::Kind::count, "", 0}}, "no end"), "1\n");
  EXPECT_EQ(TextFilters::make({{Filter::Kind::match, "(", 0}}).error().status, Status::invalid);
  EXPECT_FALSE(TextFilters::make({{Filter::Kind::match, "(x{1,99}){1,99}", 0}}).has_value());
}

TEST(Filters, ColourOnlyWholeCells) {
  EXPECT_EQ(coloured("shop  up  1\n"), "shop  \033[32mup\033[0m  1\n");
  EXPECT_EQ(coloured("it is up to you\n"), "it is up to you\n");
  EXPECT_EQ(coloured("setup  upper\n"), "setup  upper\n");
}

TEST(Redraw, WritesOnlyWhatHasChanged) {
  Redraw redraw{24};
  EXPECT_EQ(redraw.next("A 1\nB 2\n"), "A 1\nB 2\n");
  EXPECT_EQ(redraw.next("A 1\nB 3\n"), "\033[2A\nB 3\033[K\n");
  EXPECT_EQ(redraw.next("A 1\n"), "\033[2A\n\033[K\n");
  Redraw plain{0};
  plain.next("A\n");
  EXPECT_EQ(plain.next("B\n"), "\nB\n");
}

TEST(Trees, AndSetLinesNameElementsByTheirKeys) {
  const nlohmann::json value{{"name", "shop"},
                             {"addresses", {"192.0.2.1"}},
                             {"ports", {{{"protocol", "tcp"}, {"port", 80}}}},
                             {"servers", {{{"name", "web1"}, {"weight", 5}}}}};
  const auto& shape = *model::description().shape();
  EXPECT_EQ(tree_text(shape, *document::parse_path("farms.shop"), value),
            "addresses 192.0.2.1\nports tcp/80\nservers web1\n  weight 5\n");
  EXPECT_EQ(set_lines(shape, {}, {{"farms", {value}}}),
            "set farms shop addresses 192.0.2.1\nset farms shop ports tcp/80\nset farms shop servers web1 weight 5\n");
  EXPECT_EQ(tree_text(shape, *document::parse_path("farms.shop.addresses"), {"192.0.2.1"}), "addresses 192.0.2.1\n");
}

}  // namespace
}  // namespace fulcrum::cli
