// What is derived from a description: text, differences, schemas, the manual.
#include "control/document/compare.h"
#include "control/document/config_text.h"
#include "control/document/json.h"
#include "control/document/schema.h"
#include "tests/support/environment.h"
#include "tests/support/sample_document.h"

namespace fulcrum::document {
namespace {

using nlohmann::json;

Document edit(const Document& document, const std::vector<std::pair<std::string, std::string>>& settings) {
  Document edited = document;
  for (const auto& [where, word] : settings) {
    const std::vector<std::string> words{word};
    auto next = edited.set_words(path(where), words);
    EXPECT_TRUE(next) << refused(next);
    if (next) edited = std::move(*next);
  }
  return edited;
}

std::string words_of(const std::vector<Change>& changes) {
  std::string lines;
  for (const Change& change : changes) lines += change.words() + "\n";
  return lines;
}

TEST(ConfigText, IsCanonicalAndReadBack) {
  const std::string text = config_text(sample());
  EXPECT_EQ(text,
            "version = 2;\n"
            "nests = (\n"
            "  { name = \"low\"; eggs = [ \"10.0.0.1\" ]; },\n"
            "  {\n"
            "    name = \"mid\";\n"
            "    eggs = [ \"10.0.0.2\", \"fd00::2\" ];\n"
            "    height = 10;\n"
            "    rings = (\n"
            "      { year = 1999; note = \"dry\"; }\n"
            "    );\n"
            "  },\n"
            "  { name = \"top.most\"; eggs = [ \"10.0.0.3\" ]; warm = true; }\n"
            ");\n"
            "soil = { secret = \"worms\"; };\n");
  EXPECT_TRUE(read(text) == sample());
  EXPECT_EQ(config_text(read(text)), text);
}

TEST(ConfigText, KeepsComments) {
  const std::string text =
      "# The tree\n# in the yard.\nversion = 2;  # old\n"
      "title = \"elm\";  # since May\n"
      "# Who lives there:\n"
      "nests = (\n"
      "  # the neighbours\n"
      "  { name = \"low\"; eggs = [ \"10.0.0.1\" ]; },  # noisy\n"
      "  {\n"
      "    name = \"mid\";\n"
      "    # one of each\n"
      "    eggs = [ \"10.0.0.2\" ];  # v6 to come\n"
      "  }\n"
      ");\n"
      "# That is all.\n";
  EXPECT_EQ(config_text(read(text)), text);
  const std::string other_marks =
      "/* The tree\n * in the yard. */\n\nversion = 2; // old\ntitle=\"elm\"; // since May\n\n"
      "   ## Who lives there:\nnests = ( # the neighbours\n { name = \"low\"; eggs = [ \"10.0.0.1\" ]; }, // noisy\n"
      "{ name = \"mid\";\n# one of each\n eggs = [ \"10.0.0.2\" ];// v6 to come\n } );\n// That is all.\n";
  const std::string again = config_text(read(other_marks));
  for (const char* kept : {"# The tree\n# in the yard.\n", "# old", "# since May", "# the neighbours", "# noisy",
                           "# one of each", "# v6 to come", "# That is all.\n"}) {
    EXPECT_NE(again.find(kept), std::string::npos) << kept << again;
  }
  // They go where their setting goes, and with it.
  const auto renamed = read(text).rename(path("nests.low"), "under");
  EXPECT_NE(config_text(*renamed).find("# the neighbours\n  { name = \"under\""), std::string::npos);
  EXPECT_EQ(config_text(*renamed->erase(path("nests.under"))).find("neighbours"), std::string::npos);
  EXPECT_NE(config_text(edit(read(text), {{"title", "ash"}})).find("title = \"ash\";  # since May"), std::string::npos);
}

TEST(Compare, SaysInWordsWhatDiffers) {
  Document to = edit(sample(), {{"nests.mid.height", "5"}, {"nests.low.height", "4"}, {"soil.secret", "ants"}});
  to = *to.erase(path("nests[top.most].warm"));
  to = *to.set(path("nests.new"), json::parse(R"({"eggs": ["10.0.0.9"], "height": 8})"));
  EXPECT_EQ(words_of(compare(sample(), to)),
            "nests.low height 3 m (default) to 4 m\n"
            "nests.mid height 10 m to 5 m\n"
            "nests[top.most] warm true to false (default)\n"
            "nests.new added: eggs 10.0.0.9; height 8 m\n"
            "soil secret changed\n");
  EXPECT_TRUE(compare(sample(), sample()).empty());
}

TEST(Compare, KnowsNamesOrderAndWhatWent) {
  EXPECT_EQ(words_of(compare(sample(), *sample().rename(path("nests.mid"), "middle"))),
            "nests.mid renamed to middle\n");
  EXPECT_EQ(words_of(compare(sample(), *sample().erase(path("nests.low")))), "nests.low removed\n");
  const std::vector<std::string> keys{"mid"};
  EXPECT_EQ(words_of(compare(sample(), *sample().order(path("nests"), keys))),
            "nests order low mid top.most to mid low top.most\n");
}

// Documents a few random steps from the sample.
Document wander(std::uint32_t& state) {
  const auto random = [&](std::uint32_t below) { return (state = state * 1664525U + 1013904223U) / 65536U % below; };
  Document tree = sample();
  for (int i = 0; i < 6; ++i) {
    const auto root = tree.find(path("nests"));
    const auto count = root->node == nullptr ? 0U : static_cast<std::uint32_t>(root->node->children.size());
    Answer<Document> next = tree;
    const Path nest = count == 0 ? path("nests.x") : path("nests[" + std::to_string(random(count)) + "]");
    const std::string name = std::string(1, static_cast<char>('a' + random(4)));
    const auto canonical = tree.find(nest, true)->path;
    switch (random(6)) {
      case 0:
        next = tree.set(path("nests." + name), json{{"eggs", {"10.0.0." + std::to_string(random(9))}}});
        break;
      case 1:
        next = tree.erase(nest);
        break;
      case 2:
        next = tree.rename(nest, name);
        break;
      case 3: {
        const std::vector<std::string> keys{canonical.back().word};
        next = tree.order(path("nests"), keys);
        break;
      }
      case 4:
        next = edit(tree, {{text_of(canonical) + ".height", std::to_string(1 + random(5))}});
        break;
      default:
        next = edit(tree, {{"title", name}});
    }
    if (next) tree = std::move(*next);
  }
  return tree;
}

TEST(Compare, ChangesLeadThereAndBack) {
  std::uint32_t state = 7;
  const std::uint64_t cases = test::number_from_environment("FULCRUM_COMPARE_CASES", 2000);
  for (std::uint64_t i = 0; i < cases; ++i) {
    const Document from = wander(state);
    const Document to = wander(state);
    const auto changes = compare(from, to);
    const auto there = with_changes(from, changes);
    ASSERT_TRUE(there) << refused(there) << "\n" << words_of(changes);
    ASSERT_TRUE(*there == to) << words_of(changes) << config_text(from) << config_text(to) << config_text(*there);
    const auto back = with_changes(to, inverse(changes));
    ASSERT_TRUE(back) << refused(back) << "\n" << words_of(changes) << words_of(inverse(changes)) << config_text(from);
    ASSERT_TRUE(*back == from) << words_of(changes) << config_text(from) << config_text(to);
    json list = json::array();
    for (const Change& change : changes) list.push_back(json::parse(change.json(true).dump()));
    const auto read_back = changes_from_json(from, list);
    ASSERT_TRUE(read_back) << refused(read_back) << list.dump(2);
    ASSERT_TRUE(*with_changes(from, *read_back) == to);
  }
}

TEST(Compare, FindsConflicts) {
  const auto meet = [](const Document& mine, const Document& theirs) {
    return conflicts(compare(sample(), mine), compare(sample(), theirs)).size();
  };
  const Document higher = edit(sample(), {{"nests.mid.height", "5"}});
  EXPECT_EQ(meet(higher, edit(sample(), {{"nests.low.height", "5"}})), 0U);
  EXPECT_EQ(meet(higher, higher), 0U);
  EXPECT_EQ(meet(higher, edit(sample(), {{"nests.mid.height", "6"}})), 1U);
  EXPECT_EQ(meet(higher, edit(sample(), {{"nests.mid.warm", "true"}})), 1U);  // the same object
  EXPECT_EQ(meet(higher, *sample().erase(path("nests.mid"))), 1U);
  EXPECT_EQ(meet(*sample().erase(path("nests.mid")), higher), 1U);
  EXPECT_EQ(meet(higher, *sample().rename(path("nests.mid"), "other")), 1U);
  EXPECT_EQ(meet(edit(sample(), {{"nests.new.height", "5"}}), *sample().rename(path("nests.mid"), "new")), 1U);
  EXPECT_EQ(meet(edit(sample(), {{"title", "elm"}}), edit(sample(), {{"leaf", "needle"}})), 0U);
  EXPECT_EQ(meet(edit(sample(), {{"title", "elm"}}), edit(sample(), {{"title", "ash"}})), 1U);
  EXPECT_EQ(meet(edit(sample(), {{"nests.mid.rings.1999.note", "wet"}}), higher), 0U);
}

TEST(Schema, ListsEverySetting) {
  std::string lines;
  for (const Setting& setting : settings_of(*describe_tree().shape())) {
    lines += setting.path + " " + word(setting.permission) + "\n";
  }
  EXPECT_EQ(lines,
            "title administer\nleaf administer\nmarks administer\nnests farms\nnests.<name> farms\n"
            "nests.<name>.name farms\nnests.<name>.eggs farms\nnests.<name>.height operate\nnests.<name>.warm farms\n"
            "nests.<name>.rings farms\nnests.<name>.rings[<year>] farms\nnests.<name>.rings[<year>].year farms\n"
            "nests.<name>.rings[<year>].note farms\nsoil administer\nsoil.drain_ms administer\n"
            "soil.secret administer\n");
}

TEST(Schema, IsOpenApi) {
  const auto all = schemas(*describe_tree().shape(), "Tree");
  EXPECT_EQ(all["Tree"]["properties"]["nests"]["items"]["$ref"], "#/components/schemas/Nest");
  EXPECT_EQ(all["Tree"]["properties"]["soil"]["allOf"][0]["$ref"], "#/components/schemas/Soil");
  EXPECT_EQ(all["Nest"]["required"].dump(), R"(["name","eggs"])");
  const auto& height = all["Nest"]["properties"]["height"];
  EXPECT_EQ(height["minimum"], 1);
  EXPECT_EQ(height["maximum"], 100);
  EXPECT_EQ(height["default"], 3);
  EXPECT_EQ(height["x-unit"], "m");
  EXPECT_EQ(height["x-permission"], "operate");
  EXPECT_EQ(all["Tree"]["properties"]["leaf"]["enum"].dump(), R"(["needle","broad"])");
  EXPECT_EQ(all["Tree"]["properties"]["marks"]["default"].dump(), "[5,6]");
  EXPECT_EQ(all["NestRing"]["properties"]["year"]["minimum"], 1900);
  EXPECT_EQ(all["Soil"]["properties"]["secret"]["format"], "password");
  EXPECT_FALSE(all["Soil"]["properties"]["secret"].contains("default"));
}

TEST(Manual, ExplainsEverySetting) {
  const std::string page = manual_page(*describe_tree().shape(), "tree.cfg", "1.0");
  for (const Setting& setting : settings_of(*describe_tree().shape())) {
    if (setting.is_element) continue;
    EXPECT_NE(page.find("\\fB" + setting.path + "\\fR"), std::string::npos) << setting.path;
    EXPECT_NE(page.find(setting.field->help), std::string::npos) << setting.field->help;
  }
  EXPECT_NE(page.find("Files since version 1 are read as well."), std::string::npos);
}

}  // namespace
}  // namespace fulcrum::document
