#include "control/surface/api/router.h"

#include <string>

#include "tests/support/gtest.h"

namespace fulcrum::api {
namespace {

TEST(Percent, WhatIsBrokenOrHoldsAZeroByteIsNothing) {
  EXPECT_EQ(percent_decode("a%2Fb"), "a/b");
  EXPECT_EQ(percent_decode(percent_encode("K\xC3\xB6ln %/?")), "K\xC3\xB6ln %/?");
  for (const std::string& broken :
       {std::string{"%"}, std::string{"%4"}, std::string{"%zz"}, std::string{"%00"}, std::string{"a\0b", 3}}) {
    EXPECT_FALSE(percent_decode(broken)) << broken;
  }
}

TEST(Query, OneThatIsNotKnownIsToldTheNearest) {
  Route route;
  const auto fault = [&](const char* name) { return check_query(route, {{name, "1"}}).at(0).text; };
  EXPECT_EQ(fault("dryrun"), "is no query parameter of this operation; it takes none");
  route.query = {{"dry_run", {{"type", "boolean"}}, ""}, {"why", {{"type", "string"}}, ""}};
  EXPECT_EQ(fault("dryrun"), "is no query parameter of this operation; did you mean dry_run?");
  EXPECT_EQ(fault("colour"), "is no query parameter of this operation; known here: dry_run, why");
  EXPECT_TRUE(check_query(route, {{"dry_run", "1"}}).empty());
}

}  // namespace
}  // namespace fulcrum::api
