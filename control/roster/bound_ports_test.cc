#include "control/roster/bound_ports.h"

#include <string>
#include <vector>

#include "tests/support/gtest.h"

namespace fulcrum::roster {
namespace {

constexpr auto up = ServerState::up;
constexpr auto down = ServerState::down;
constexpr auto untested = ServerState::untested;

struct BoundCase {
  const char* name;
  std::vector<ServerState> own;     // by the check of each port
  std::vector<Standing> standings;  // what counts for each
};

const std::vector<BoundCase>& bound_cases() {
  static const std::vector<BoundCase> table{
      {"alone", {up}, {{up}}},
      {"alone_and_down", {down}, {{down}}},
      {"all_well", {up, up, up}, {{up}, {up}, {up}}},
      {"one_fails_all_leave", {up, down, up}, {{down, 1}, {down}, {down, 1}}},
      {"the_first_to_fail_is_named", {up, down, down}, {{down, 1}, {down}, {down}}},
      {"one_is_not_known_yet", {up, untested}, {{untested, 1}, {untested}}},
      {"a_failure_says_more", {untested, down, up}, {{down, 1}, {down}, {down, 1}}},
      {"nothing_is_known", {untested, untested}, {{untested}, {untested}}},
  };
  return table;
}

TEST(BoundPorts, TheWorstCountsForAll) {
  for (const BoundCase& row : bound_cases()) {
    SCOPED_TRACE(row.name);
    BoundPorts bound;
    for (std::uint16_t port = 0; port < row.own.size(); ++port) bound.add(row.own[port], port);
    for (std::size_t port = 0; port < row.own.size(); ++port) {
      EXPECT_EQ(bound.standing(row.own[port]), row.standings[port]) << "port " << port;
    }
  }
}

}  // namespace
}  // namespace fulcrum::roster
