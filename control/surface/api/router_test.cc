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

}  // namespace
}  // namespace fulcrum::api
