#include "control/surface/cli/yaml.h"

#include <nlohmann/json.hpp>

#include "tests/support/gtest.h"

namespace fulcrum::cli {
namespace {

using Json = nlohmann::ordered_json;

TEST(Yaml, IsWhatTheJsonSays) {
  EXPECT_EQ(yaml_text(Json::parse(R"({"farms": [{"name": "shop", "limit": null, "services": [{"port": 80}, {}]},
                                                {"name": "mail", "up": true, "words": ["a", "b c"]}],
                                      "none": [], "nested": [[1, 2], []], "load": 0.5})")),
            "farms:\n"
            "  - name: shop\n"
            "    limit: null\n"
            "    services:\n"
            "      - port: 80\n"
            "      - {}\n"
            "  - name: mail\n"
            "    up: true\n"
            "    words:\n"
            "      - a\n"
            "      - \"b c\"\n"
            "none: []\n"
            "nested:\n"
            "  - - 1\n"
            "    - 2\n"
            "  - []\n"
            "load: 0.5\n");
}

TEST(Yaml, NoTextIsTakenForSomethingElse) {
  for (const char* text :
       {"",           "yes", "No",      "null",      "-",    "- a",     "7",  "1e3", "a: b", "a #b", "*a",
        "2026-11-23", "~",   "fd00::1", "10.1.1.11", "a\nb", "\x1b[2J", "\"", "%",   "@",    "{"}) {
    const std::string line = yaml_text(Json(text));
    EXPECT_EQ(line, Json(text).dump() + "\n");
  }
  EXPECT_EQ(yaml_text(Json("web-1/x_y")), "web-1/x_y\n");
  EXPECT_EQ(yaml_text(Json{{"on", 1}, {"7", 2}}), "\"on\": 1\n\"7\": 2\n");
}

}  // namespace
}  // namespace fulcrum::cli
