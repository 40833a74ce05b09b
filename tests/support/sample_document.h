// The description that the tests of control/document share: one of each kind.
#pragma once

#include <string>
#include <vector>

#include "control/document/config_text.h"
#include "control/document/document.h"
#include "dataplane/base/settings.h"
#include "tests/support/gtest.h"

namespace fulcrum::document {

struct Tree {
  enum class Leaf : std::uint8_t { needle, broad };
  struct Ring {
    std::uint16_t year = 0;
    std::string note;
  };
  struct Nest {
    std::string name;
    std::vector<Address> eggs;
    std::uint16_t height = 3;
    bool warm = false;
    std::vector<Ring> rings;
  };
  struct Soil {
    std::chrono::milliseconds drain{250};
    std::string secret;
  };
  std::string title = "oak";
  Leaf leaf = Leaf::broad;
  std::vector<std::uint32_t> marks{5, 6};
  std::vector<Nest> nests;
  Soil soil;
};

inline settings::Description<Tree> make_tree_description() {
  using settings::field;
  const settings::Description<Tree::Ring> ring{{
      field("year", &Tree::Ring::year, "When.").required().key().range(1900, 2100),
      field("note", &Tree::Ring::note, "What."),
  }};
  const settings::Description<Tree::Nest> nest{{
      field("name", &Tree::Nest::name, "What it is called.").required().length(1, 20),
      field("eggs", &Tree::Nest::eggs, "Addresses.").required().count(1, 3),
      field("height", &Tree::Nest::height, "How high.")
          .unit("m")
          .range(1, 100)
          .permission(settings::Permission::operate),
      field("warm", &Tree::Nest::warm, "Whether."),
      field("rings", &Tree::Nest::rings, ring, "Rings."),
  }};
  const settings::Description<Tree::Soil> soil{{
      field("drain_ms", &Tree::Soil::drain, "How fast.").range(1, 1000),
      field("secret", &Tree::Soil::secret, "Nobody's business.").sensitive().length(0, 8),
  }};
  return settings::Description<Tree>{
      {
          field("title", &Tree::title, "Its name.").length(1, 10),
          field("leaf", &Tree::leaf, "Which.")
              .choice("needle", Tree::Leaf::needle, "all year")
              .choice("broad", Tree::Leaf::broad),
          field("marks", &Tree::marks, "Numbers.").range(1, 9).count(0, 4),
          field("nests", &Tree::nests, nest, "Who lives there.").permission(settings::Permission::farms).count(0, 5),
          field("soil", &Tree::soil, soil, "Where it stands."),
      }}
      .file("tree.cfg: a tree.", 2, {{.from = 1, .run = [](settings::Raw&) {}}});
}

inline const settings::Description<Tree>& describe_tree() {
  static const auto the_one = make_tree_description();
  return the_one;
}

inline Path path(std::string_view text) {
  const auto parsed = parse_path(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Path{};
}

// The document of a text without mistakes.
inline Document read(const std::string& text) {
  const auto& description = describe_tree();
  Tree tree;
  const auto reading = settings::read_text(text, "tree.cfg", description, tree);
  for (const auto& problem : reading.problems) ADD_FAILURE() << problem.words();
  return document_of(description.shape(), &tree, reading);
}

inline Document sample() {
  return read(R"(version = 2;
    nests = ( { name = "low"; eggs = [ "10.0.0.1" ]; },
              { name = "mid"; eggs = [ "10.0.0.2", "fd00::2" ]; height = 10;
                rings = ( { year = 1999; note = "dry"; } ); },
              { name = "top.most"; eggs = [ "10.0.0.3" ]; warm = true; } );
    soil = { secret = "worms"; };)");
}

// The words of a refusal, one line for each problem.
template <class T>
std::string refused(const Answer<T>& answer) {
  if (answer) return "done";
  std::string lines;
  for (const auto& problem : answer.error().problems) lines += (lines.empty() ? "" : "\n") + problem.words();
  return lines;
}

}  // namespace fulcrum::document
