#include "control/document/document.h"

#include "control/document/json.h"
#include "tests/support/sample_document.h"

namespace fulcrum::document {
namespace {

using nlohmann::json;

std::string get(const Document& document, std::string_view where, JsonStyle style = {}) {
  const auto place = document.find(path(where));
  return place ? to_json(document, *place, style).dump() : refused(place);
}

Answer<Document> set(const Document& document, std::string_view where, std::vector<std::string> words) {
  return document.set_words(path(where), words);
}

TEST(Path, IsReadAndWritten) {
  for (const char* text : {"", "a", "a.b", "a.b[0].c", "a[x.y].c", "a[tcp/80]", "farms.2.servers[2]"}) {
    const auto parsed = parse_path(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(text_of(*parsed), text);
  }
  EXPECT_EQ(text_of(path("a[x].b")), "a.x.b");  // no brackets that are not needed
  for (const char* text : {".", "a.", "a..b", "[0]", "a[", "a[]", "a[0]b", "a.b c", "a]"}) {
    EXPECT_FALSE(parse_path(text)) << text;
  }
}

TEST(Document, IsFoundByPath) {
  const Document tree = sample();
  EXPECT_EQ(get(tree, "nests.mid.height"), "10");
  EXPECT_EQ(get(tree, "nests[1].height"), "10");
  EXPECT_EQ(get(tree, "nests[top.most].eggs[0]"), "\"10.0.0.3\"");
  EXPECT_EQ(get(tree, "nests.mid.rings[0].note"), "\"dry\"");
  EXPECT_EQ(get(tree, "nests.mid.rings.1999.note"), "\"dry\"");
  EXPECT_EQ(get(tree, "title"), "null");
  EXPECT_EQ(get(tree, "title", {.defaults = true}), "\"oak\"");
  EXPECT_EQ(get(tree, "marks", {.defaults = true}), "[5,6]");
  EXPECT_EQ(get(tree, "soil"), "{\"secret\":\"(hidden)\"}");
  EXPECT_EQ(get(tree, "soil", {.secrets = true}), R"({"secret":"worms"})");
  EXPECT_EQ(text_of(tree.find(path("nests[2].eggs"))->path), "nests[top.most].eggs");
}

TEST(Document, SaysWhyAPathLeadsNowhere) {
  const Document tree = sample();
  EXPECT_EQ(get(tree, "nest"), "nest: is not known; did you mean nests?");
  EXPECT_EQ(get(tree, "nests.midd.height"), "nests.midd: does not exist; did you mean mid?");
  EXPECT_EQ(get(tree, "nests[7]"), "nests[7]: does not exist; known here: low, mid, top.most");
  EXPECT_EQ(get(tree, "nests.low.rings.1999"), "nests.low.rings.1999: does not exist: rings is empty");
  EXPECT_EQ(get(tree, "title.x"), "title: holds a value: nothing is called \"x\" in it");
  EXPECT_EQ(get(tree, "marks[9]"), "marks[9]: does not exist: the list has 2 elements");
}

TEST(Document, KnowsWhoMayChangeWhat) {
  const Document tree = sample();
  EXPECT_EQ(tree.find(path("title"))->permission, settings::Permission::administer);
  EXPECT_EQ(tree.find(path("nests.low.warm"))->permission, settings::Permission::farms);
  EXPECT_EQ(tree.find(path("nests.low.height"))->permission, settings::Permission::operate);
  EXPECT_TRUE(tree.find(path("soil.secret"))->sensitive);
}

TEST(Document, IsChangedAndStaysAsItWas) {
  const Document tree = sample();
  const auto higher = set(tree, "nests.mid.height", {"12"});
  ASSERT_TRUE(higher);
  EXPECT_EQ(get(*higher, "nests.mid.height"), "12");
  EXPECT_EQ(get(tree, "nests.mid.height"), "10");
  EXPECT_FALSE(*higher == tree);
  EXPECT_TRUE(*set(*higher, "nests.mid.height", {"10"}) == tree);
  // What is not on the way is shared, not copied.
  EXPECT_EQ(higher->find(path("nests.low"))->node, tree.find(path("nests.low"))->node);
}

TEST(Document, MakesElementsOnTheWay) {
  const auto made = set(sample(), "nests.new.rings.2001.note", {"wet"});
  ASSERT_TRUE(made) << refused(made);
  EXPECT_EQ(get(*made, "nests.new"), R"({"name":"new","rings":[{"year":2001,"note":"wet"}]})");
  EXPECT_EQ(refused(set(sample(), "nests.new.rings.1.note", {"x"})),
            "nests.new.rings.1: 1 is out of range: 1900 to 2100");
  EXPECT_EQ(refused(set(sample(), "nests[3].height", {"1"})),
            "nests[3]: does not exist; known here: low, mid, top.most");
}

TEST(Document, ChecksEachValue) {
  const Document tree = sample();
  EXPECT_EQ(refused(set(tree, "nests.low.height", {"101"})), "nests.low.height: 101 is out of range: 1 to 100 m");
  EXPECT_EQ(refused(set(tree, "nests.low.height", {"tall"})), "nests.low.height: \"tall\" is not an integer");
  EXPECT_EQ(refused(set(tree, "leaf", {"neddle"})), "leaf: \"neddle\" is not known; did you mean needle?");
  EXPECT_EQ(refused(set(tree, "nests.low.warm", {"yes"})), "nests.low.warm: \"yes\" is neither true nor false");
  EXPECT_EQ(refused(set(tree, "nests.low.eggs", {"10.0.0.1", "x", "y"})).find("nests.low.eggs: \"x\""), 0U);
  EXPECT_EQ(refused(set(tree, "nests.low.eggs", {})), "nests.low.eggs: takes a list of 1 to 3, each: IP address");
  EXPECT_EQ(refused(set(tree, "nests.low", {"1"})), "nests.low: is not one setting: name one in it");
  EXPECT_EQ(refused(set(tree, "soil.secret", {"much too long"})).find("too long"), std::string::npos);
  EXPECT_EQ(refused(set(tree, "nests.low.name", {"x"})),
            "nests.low.name: tells its group from the others: rename the group instead of setting this");
}

TEST(Document, ErasesAndRenames) {
  const Document tree = sample();
  EXPECT_EQ(get(*tree.erase(path("nests.mid")), "nests.mid"), "nests.mid: does not exist; known here: low, top.most");
  EXPECT_EQ(get(*tree.erase(path("nests.mid.height")), "nests.mid.height"), "null");
  EXPECT_EQ(refused(tree.erase(path("nests.low.height"))), "nests.low.height: is not set");
  EXPECT_TRUE(*tree.erase(path("nests")) ==
              *tree.erase(path("nests.low"))->erase(path("nests.mid"))->erase(path("nests[0]")));
  EXPECT_EQ(get(*tree.rename(path("nests.low"), "deep"), "nests.deep.eggs"), R"(["10.0.0.1"])");
  EXPECT_EQ(refused(tree.rename(path("nests.low"), "mid")), "nests.mid: exists already");
  EXPECT_EQ(refused(tree.rename(path("nests.low"), "")), "nests.low: must not be empty: 1 to 20 are allowed");
  EXPECT_EQ(refused(tree.rename(path("title"), "x")), "title: has no name of its own");
}

TEST(Document, AddsAndTakesOutSingleValues) {
  const Document tree = sample();
  EXPECT_EQ(get(*tree.add_word(path("nests.low.eggs"), "10.0.0.9"), "nests.low.eggs"), R"(["10.0.0.1","10.0.0.9"])");
  EXPECT_EQ(refused(tree.add_word(path("nests.low.eggs"), "10.0.0.1")), "nests.low.eggs: has \"10.0.0.1\" already");
  EXPECT_EQ(get(*tree.remove_word(path("nests.mid.eggs"), "10.0.0.2"), "nests.mid.eggs"), R"(["fd00::2"])");
  EXPECT_EQ(refused(tree.remove_word(path("nests.mid.eggs"), "10.9.9.9")), "nests.mid.eggs: has no \"10.9.9.9\"");
}

TEST(Document, OrdersElements) {
  const std::vector<std::string> order{"top.most"};
  const auto sorted = sample().order(path("nests"), order);
  ASSERT_TRUE(sorted);
  EXPECT_EQ(get(*sorted, "nests[0].name"), "\"top.most\"");
  EXPECT_EQ(get(*sorted, "nests[1].name"), "\"low\"");
}

TEST(Document, SaysWhatIsMissing) {
  const auto made = set(sample(), "nests.new.height", {"4"});
  settings::Sources sources = made->sources();
  const auto problems = made->gaps(sources);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].words(), "nests.new.eggs: is missing: list of 1 to 3, each: IP address");
  EXPECT_TRUE(sources.is_wrong("nests[3].eggs"));
  const Document tree = sample();
  EXPECT_EQ(made->gaps(sources, &tree).size(), 1U);
  EXPECT_EQ(made->gaps(sources, &*made).size(), 0U);
  const auto emptied = tree.remove_word(path("nests.low.eggs"), "10.0.0.1");
  settings::Sources others = emptied->sources();
  EXPECT_EQ(emptied->gaps(others, &tree).at(0).words(), "nests.low.eggs: is empty: at least 1 needed");
}

TEST(Document, SuggestsWhatMayFollow) {
  const auto words = [](std::string_view where) {
    std::string all;
    const auto suggestions = sample().suggest(path(where));
    for (const auto& one : *suggestions) all += one.step.word + (one.is_element ? "! " : " ");
    return all;
  };
  EXPECT_EQ(words(""), "title leaf marks nests soil ");
  EXPECT_EQ(words("nests"), "low! mid! top.most! ");
  EXPECT_EQ(words("nests.mid"), "name eggs height warm rings ");
  EXPECT_EQ(words("nests.new"), "name eggs height warm rings ");
  EXPECT_EQ(words("title"), "");
}

TEST(Document, FillsAStructAndIsMadeFromIt) {
  const Document document = sample();
  const auto tree = object_of<Tree>(document);
  EXPECT_EQ(tree.nests.size(), 3U);
  EXPECT_EQ(tree.nests[1].height, 10U);
  EXPECT_EQ(tree.nests[1].rings[0].note, "dry");
  EXPECT_EQ(tree.soil.secret, "worms");
  EXPECT_EQ(tree.title, "oak");
  EXPECT_TRUE(Document(document.shape(), node_of(*document.shape(), &tree)) == document);
}

TEST(Json, GoesThereAndBack) {
  const Document tree = sample();
  const json whole = json::parse(to_json(tree, {.secrets = true}).dump());
  const auto again = document_from_json(tree.shape(), whole);
  ASSERT_TRUE(again) << refused(again);
  EXPECT_TRUE(*again == tree);
  // What was hidden stays what it was, also in a replaced whole.
  const auto hidden = document_from_json(tree.shape(), json::parse(to_json(tree).dump()), &tree);
  ASSERT_TRUE(hidden);
  EXPECT_TRUE(*hidden == tree);
}

TEST(Json, SetsAtAnyDepth) {
  const Document tree = sample();
  const auto nest = tree.set(path("nests.mid"), json::parse(R"({"eggs": ["10.1.1.1"], "warm": true})"));
  ASSERT_TRUE(nest) << refused(nest);
  EXPECT_EQ(get(*nest, "nests.mid"), R"({"name":"mid","eggs":["10.1.1.1"],"warm":true})");
  EXPECT_EQ(refused(tree.set(path("nests.mid"), json::parse(R"({"name": "x", "eggs": ["10.1.1.1"]})"))),
            "nests.mid: the body says \"x\": leave that out, or rename first");
  EXPECT_EQ(get(*tree.set(path("soil"), json{{"secret", kHidden}, {"drain_ms", 7}}), "soil", {.secrets = true}),
            R"({"drain_ms":7,"secret":"worms"})");
  EXPECT_EQ(get(*tree.set(path("leaf"), "needle"), "leaf"), "\"needle\"");
  EXPECT_TRUE(tree.set(path(""), json::object())->root()->children[0] == nullptr);
}

TEST(Json, TellsAllThatIsWrong) {
  const auto done = sample().set(path(""), json::parse(R"({"title": 5, "leef": "x", "marks": [1, 99, "z"],
      "nests": [{"name": "a", "eggs": []}, {"name": "b", "eggs": "x"}, {"name": "b"}], "soil": {"secret": 7}})"));
  EXPECT_EQ(refused(done),
            "leef: is not known; did you mean leaf?\n"
            "marks[1]: 99 is out of range: 1 to 9\n"
            "marks[2]: must be: integer, 1 to 9; is the text \"z\"\n"
            "nests[0].eggs: 0 elements; must be a list of 1 to 3, each: IP address\n"
            "nests[1].eggs: must be an array, is the text \"x\"\n"
            "nests[2]: \"b\" is given twice in this list\n"
            "soil.secret: must be: text, at most 8 characters; is something else\n"
            "title: must be: text, 1 to 10 characters; is the number 5");
  EXPECT_EQ(refused(sample().set(path("marks"), json::parse("[18446744073709551615]"))),
            "marks[0]: the number is out of range: 1 to 9");
}

TEST(Json, TextHasLimits) {
  EXPECT_TRUE(parse_json("{\"a\": [1, {\"b\": null}]}"));
  EXPECT_EQ(refused(parse_json("{")), "is not JSON");
  EXPECT_EQ(refused(parse_json(std::string(100'000, '['))), "JSON nested deeper than 32 levels");
}

}  // namespace
}  // namespace fulcrum::document
