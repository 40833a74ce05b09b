#include "control/access/role.h"

#include <algorithm>

namespace fulcrum::access {
namespace {

constexpr Grant no = Grant::no;
constexpr Grant yes = Grant::yes;
constexpr Grant scoped = Grant::scoped;

// The table. Rows are roles, columns are permissions, both in the order of their enumerations.
constexpr std::array<std::array<Grant, kPermissions>, kRoles> kTable{{
    // look operate farms  administer accounts audit self physical
    {{yes, no, no, no, no, no, yes, no}},          // viewer
    {{yes, yes, no, no, no, no, yes, no}},         // operator
    {{yes, scoped, scoped, no, no, no, yes, no}},  // farm-admin
    {{yes, yes, yes, yes, yes, yes, yes, no}},     // administrator
    {{yes, no, no, no, no, yes, yes, no}},         // auditor
}};

struct RoleWords {
  std::string_view word, help;
};
constexpr std::array<RoleWords, kRoles> kRoleWords{{
    {"viewer", "sees live state and configuration, changes nothing"},
    {"operator", "also changes weights and takes servers out and in"},
    {"farm-admin", "changes everything about the farms in its scope"},
    {"administrator", "does everything, accounts included"},
    {"auditor", "sees everything and the audit log, changes nothing"},
}};

constexpr std::array<std::string_view, kPermissions> kPermissionWords{"look",     "operate", "farms", "administer",
                                                                      "accounts", "audit",   "self",  "physical"};

bool in_scope(const std::vector<std::string>& scope, std::string_view farm) {
  return std::find(scope.begin(), scope.end(), farm) != scope.end();
}

}  // namespace

Grant grant(Role role, Permission permission) {
  return kTable[static_cast<std::size_t>(role)][static_cast<std::size_t>(permission)];
}

std::string_view word(Role role) { return kRoleWords[static_cast<std::size_t>(role)].word; }
std::string_view help(Role role) { return kRoleWords[static_cast<std::size_t>(role)].help; }
std::string_view word(Permission permission) { return kPermissionWords[static_cast<std::size_t>(permission)]; }
std::string_view word(Face face) { return face == Face::console ? "console" : "api"; }

std::optional<Role> parse_role(std::string_view word) {
  for (std::size_t i = 0; i < kRoles; ++i) {
    if (kRoleWords[i].word == word) return static_cast<Role>(i);
  }
  return std::nullopt;
}

std::string role_words() {
  std::string words;
  for (const RoleWords& role : kRoleWords) words.append(words.empty() ? "" : ", ").append(role.word);
  return words;
}

std::string Identity::words() const { return token.empty() ? name : name + " (token " + token + ")"; }

Identity console(std::string name) {
  Identity who;
  who.name = std::move(name);
  who.role = Role::administrator;
  who.face = Face::console;
  who.source = "local";
  return who;
}

bool allows(const Identity& who, Permission permission) {
  return who.face == Face::console || grant(who.role, permission) != Grant::no;
}

bool allows_on_farm(const Identity& who, Permission permission, std::string_view farm) {
  if (who.face == Face::console) return true;
  const Grant granted = grant(who.role, permission);
  return granted == Grant::yes || (granted == Grant::scoped && in_scope(who.scope, farm));
}

bool covers(const Identity& who, Role role, const std::vector<std::string>& scope) {
  if (who.face == Face::console) return true;
  for (std::size_t i = 0; i < kPermissions; ++i) {
    const auto permission = static_cast<Permission>(i);
    const Grant theirs = grant(role, permission);
    const Grant own = grant(who.role, permission);
    if (theirs == Grant::no || own == Grant::yes) continue;
    if (own == Grant::no || theirs == Grant::yes) return false;
    if (!std::all_of(scope.begin(), scope.end(), [&](const auto& farm) { return in_scope(who.scope, farm); })) {
      return false;
    }
  }
  return true;
}

}  // namespace fulcrum::access
