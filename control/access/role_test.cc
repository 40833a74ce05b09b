#include "control/access/role.h"

#include "tests/support/gtest.h"

namespace fulcrum::access {
namespace {

Identity who(Role role, std::vector<std::string> scope = {}) {
  Identity identity;
  identity.name = "anna";
  identity.role = role;
  identity.scope = std::move(scope);
  return identity;
}

TEST(Role, TheTable) {
  struct Row {
    Role role;
    const char* grants;  // one character per permission: + yes, s within the scope, - no
  };
  //                                           look operate farms administer accounts audit self physical
  for (const Row& row :
       {Row{Role::viewer, "+-----+-"}, Row{Role::operators, "++----+-"}, Row{Role::farm_admin, "+ss---+-"},
        Row{Role::administrator, "+++++++-"}, Row{Role::auditor, "+----++-"}}) {
    for (std::size_t i = 0; i < kPermissions; ++i) {
      const auto permission = static_cast<Permission>(i);
      const bool listed = row.grants[i] != '-';
      EXPECT_EQ(allows(who(row.role, {"shop"}), permission), listed) << word(row.role) << " " << word(permission);
      EXPECT_EQ(allows_on_farm(who(row.role, {"shop"}), permission, "shop"), listed);
      EXPECT_EQ(allows_on_farm(who(row.role, {"shop"}), permission, "mail"), row.grants[i] == '+');
      EXPECT_TRUE(allows(console("root"), permission));
      EXPECT_TRUE(allows_on_farm(console("root"), permission, "mail"));
    }
  }
}

TEST(Role, WordsGoBothWays) {
  for (std::size_t i = 0; i < kRoles; ++i) EXPECT_EQ(parse_role(word(static_cast<Role>(i))), static_cast<Role>(i));
  EXPECT_FALSE(parse_role("root"));
  EXPECT_FALSE(parse_role(""));
}

TEST(Role, NobodyGivesAwayMoreThanTheyHave) {
  EXPECT_TRUE(covers(who(Role::administrator), Role::auditor, {}));
  EXPECT_TRUE(covers(who(Role::administrator), Role::farm_admin, {"shop"}));
  EXPECT_TRUE(covers(who(Role::viewer), Role::viewer, {}));
  EXPECT_FALSE(covers(who(Role::viewer), Role::operators, {}));
  EXPECT_FALSE(covers(who(Role::auditor), Role::operators, {}));
  EXPECT_FALSE(covers(who(Role::operators), Role::farm_admin, {"shop"}));
  EXPECT_TRUE(covers(who(Role::farm_admin, {"a", "b"}), Role::farm_admin, {"b"}));
  EXPECT_FALSE(covers(who(Role::farm_admin, {"a", "b"}), Role::farm_admin, {"b", "c"}));
  EXPECT_FALSE(covers(who(Role::farm_admin, {"a"}), Role::operators, {}));
  EXPECT_TRUE(covers(console("root"), Role::administrator, {}));
}

}  // namespace
}  // namespace fulcrum::access
