#include "control/surface/api/schema.h"

#include "control/surface/api/console_line.h"
#include "control/surface/api/router.h"
#include "tests/support/gtest.h"

namespace fulcrum::api {
namespace {

using nlohmann::json;

std::string first_fault(const Json& schema, const json& value) {
  const auto faults = check(schema, value);
  return faults.empty() ? std::string{} : faults.front().path + ": " + faults.front().text;
}

TEST(Schema, SaysWhereAndWhat) {
  const Json schema =
      object_schema({{"name", text_schema(1, 4)}, {"n", number_schema(1, 9)}},
                    {{"list", list_schema(text_schema(1, 2), 2)}, {"one", {{"type", "string"}, {"enum", {"a", "b"}}}}});
  const json good{{"name", "x"}, {"n", 9}, {"list", {"a", "bb"}}, {"one", "b"}};
  EXPECT_EQ(first_fault(schema, good), "");
  const auto with = [&](const char* key, const json& value) {
    json changed = good;
    changed[key] = value;
    return first_fault(schema, changed);
  };
  EXPECT_EQ(with("name", ""), "name: has 0 bytes: 1 to 4");
  EXPECT_EQ(with("name", "xxxxx"), "name: has 5 bytes: 1 to 4");
  EXPECT_EQ(with("name", "\x1b]0"), "name: holds a control character: leave it out");
  EXPECT_EQ(with("name", "\xff"), "name: is no UTF-8");
  EXPECT_EQ(with("name", "\xc2\x9b"), "name: holds a control character: leave it out");
  EXPECT_EQ(with("name", "\xc3\xa4"), "");
  EXPECT_EQ(first_fault(object_schema({{"p", password_schema(9)}}), {{"p", "\t"}}), "");
  EXPECT_EQ(with("name", 7), "name: is of type number, not string");
  EXPECT_EQ(with("n", 0), "n: is out of range: 1 to 9");
  EXPECT_EQ(with("n", 1e3), "n: is of type number, not integer");
  EXPECT_EQ(with("n", UINT64_MAX), "n: is out of range: 1 to 9");
  EXPECT_EQ(with("list", {"a", "bbb"}), "list[1]: has 3 bytes: 1 to 2");
  EXPECT_EQ(with("list", {"a", "b", "c"}), "list: has 3 elements, at most 2");
  EXPECT_EQ(with("one", "c"), "one: is none of a, b");
  EXPECT_EQ(with("more", 1), "more: is not known here");
  EXPECT_EQ(first_fault(schema, {{"name", "x"}}), "n: is missing");
  EXPECT_EQ(first_fault(schema, json::array()), ": is of type array, not object");
}

TEST(Schema, BodiesHaveABoundedDepth) {
  EXPECT_TRUE(parse_body(std::string(32, '[') + std::string(32, ']')));
  EXPECT_FALSE(parse_body(std::string(33, '[') + std::string(33, ']')));
  EXPECT_FALSE(parse_body(std::string(1'000'000, '[')));
  EXPECT_TRUE(parse_body("\"" + std::string(100, '[') + "\""));
  EXPECT_TRUE(parse_body(R"(["\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["])"));
  EXPECT_FALSE(parse_body(""));
  EXPECT_FALSE(parse_body("{\"a\":1}x"));
}

TEST(Schema, AKeyStandsOnceInItsObject) {
  const auto wrong = [](const char* text) {
    const auto body = parse_body(text);
    return body ? std::string{} : body.error().words();
  };
  EXPECT_EQ(wrong(R"({"a": 1, "b": {"a": 1}, "c": [{"a": 1}, {"a": 1}]})"), "");
  EXPECT_EQ(wrong(R"({"weight": 1, "weight": 2})"), "weight: stands twice in its object");
  EXPECT_EQ(wrong(R"({"a": {"b": 1, "\u0062": 2}})"), "a.b: stands twice in its object");
  EXPECT_EQ(wrong(R"({"a": [0, [], {}, {"b": [{}], "b": 1}], "a": 2})"), "a[3].b: stands twice in its object");
  EXPECT_EQ(wrong(R"([{"a": 1, "a": 1}])"), "[0].a: stands twice in its object");
  EXPECT_EQ(wrong(R"({"a": 1, "a": 2)"), "the body is no JSON");
  EXPECT_EQ(wrong("5"), "");
  EXPECT_EQ(wrong("[5]"), "");
}

TEST(Router, FlagsAreWordsOrDigits) {
  const Route route{.pattern = "/x", .query = {{"dry_run", {{"type", "boolean"}}, "?"}}};
  for (const char* good : {"true", "1", "false", "0"}) {
    EXPECT_TRUE(check_query(route, {{"dry_run", good}}).empty()) << good;
    Call call;
    call.query = {{"dry_run", good}};
    EXPECT_EQ(call.flag("dry_run"), std::string_view{good} == "true" || std::string_view{good} == "1");
    EXPECT_TRUE(call.flag("other", true));
  }
  for (const char* bad : {"", "yes", "2", "01", "True"}) {
    EXPECT_FALSE(check_query(route, {{"dry_run", bad}}).empty()) << bad;
  }
}

TEST(Router, TakesPathsApartBeforeItDecodesThem) {
  Router router;
  router.add({.pattern = "/farms/{farm}", .id = "one"});
  router.add({.method = https::Method::put, .pattern = "/farms/{farm}", .id = "put"});
  router.add({.pattern = "/farms", .id = "all"});
  const Match one = router.find(https::Method::get, "/farms/a%2Fb");
  ASSERT_NE(one.route, nullptr);
  EXPECT_EQ(one.parameters.at("farm"), "a/b");
  EXPECT_EQ(one.allowed, "GET, PUT");
  EXPECT_EQ(router.find(https::Method::head, "/farms").route->id, "all");
  EXPECT_EQ(router.find(https::Method::post, "/farms").route, nullptr);
  for (const char* path : {"", "/", "/farms/", "/farms/a/b", "/farms/%00", "/farms/%", "/farms/%4", "/farms/%zz"}) {
    EXPECT_EQ(router.find(https::Method::get, path).route, nullptr) << path;
    EXPECT_TRUE(router.find(https::Method::get, path).allowed.empty()) << path;
  }
}

TEST(Router, Queries) {
  const auto query = parse_query("a=1&b=x%20y&&c");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->at("b"), "x y");
  EXPECT_EQ(query->at("c"), "");
  EXPECT_FALSE(parse_query("a=1&a=2"));
  EXPECT_FALSE(parse_query("a=%"));
}

TEST(ConsoleLine, IsARequest) {
  const auto read = read_console_line(
      R"({"api":{"method":"PATCH","path":"/x","body":{"a":1},"headers":{"if-match":"\"7\""},"who":"me\u001b"}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->request.method, https::Method::patch);
  EXPECT_EQ(read->request.body, R"({"a":1})");
  EXPECT_EQ(read->request.header("if-match"), "\"7\"");
  EXPECT_EQ(read->who, "me\\x1b");
  for (const char* line : {R"({"api":{}})", R"({"api":{"path":7}})", R"({"api":{"path":"/x","method":"BREW"}})",
                           R"({"api":{"path":"/x","who":7}})", R"({"api":{"path":"/x"},"x":1})", "{\"api\":"}) {
    EXPECT_FALSE(read_console_line(line)) << line;
  }
}

}  // namespace
}  // namespace fulcrum::api
