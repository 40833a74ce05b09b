// Who may do what: one table of roles and permissions, and one question to it. Every face (local socket, REST API, web
// pages) asks allows() or allows_on_farm() before it does anything, and nothing else decides.
//
// A role has a permission, has it not, or has it within its scope: on the farms that the account or token names. The
// console (the local socket, where only root gets in) is beyond the table, so that no table and no account can lock it
// out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fulcrum::access {

enum class Role : std::uint8_t { viewer, operators, farm_admin, administrator, auditor };
inline constexpr std::size_t kRoles = 5;

enum class Permission : std::uint8_t {
  look,        // live state, counters, configuration without its secrets, revisions
  operate,     // settings that are day-to-day work on servers: weights, taking one out
  farms,       // what a farm is and does
  administer,  // the box itself: ports, routes, management
  accounts,    // accounts, and everybody's tokens and sessions
  audit,       // to read and to verify the audit log
  self,        // one's own session, password and tokens
  physical,    // what only somebody at the console may: first access, rescue
};
inline constexpr std::size_t kPermissions = 8;

enum class Grant : std::uint8_t { no, scoped, yes };

// What a role can do at best.
Grant grant(Role role, Permission permission);

std::string_view word(Role role);
std::string_view word(Permission permission);
std::string_view help(Role role);
std::optional<Role> parse_role(std::string_view word);
std::string role_words();  // all of them, for messages: "viewer, operator, ..."

enum class Face : std::uint8_t { console, api };
std::string_view word(Face face);

// Who asks. Made by Access (a session, a token) or by the local socket (the console).
struct Identity {
  std::string name;  // of the account, or of the console's user
  Role role = Role::viewer;
  std::vector<std::string> scope;  // farms; of farm_admin
  Face face = Face::api;
  std::string source;   // address, or "local"
  std::string session;  // public id of the session that spoke; empty: none
  std::string token;    // name of the token that spoke; empty: none

  [[nodiscard]] std::string words() const;  // "anna", "anna (token ci)"
};

// The console's user.
Identity console(std::string name);

// Whether the identity has the permission at all, on some farm at least.
bool allows(const Identity& who, Permission permission);
// Whether it has it on this farm.
bool allows_on_farm(const Identity& who, Permission permission, std::string_view farm);
// Whether everything the second may do the first may do too: nobody gives away more than they have.
bool covers(const Identity& who, Role role, const std::vector<std::string>& scope);

}  // namespace fulcrum::access
