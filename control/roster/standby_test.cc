#include "control/roster/standby.h"

#include <fmt/format.h>

#include <string>

#include "tests/support/gtest.h"

namespace fulcrum::roster {
namespace {

// One server in a few letters, "favorite web1 drain down before=up"; the order of the words does not matter.
Member member_of(const std::string& words) {
  Member member;
  member.before = ServerState::up;
  const auto has = [&](const char* word) {
    return (" " + words + " ").find(fmt::format(" {} ", word)) != std::string::npos;
  };
  if (has("favorite")) member.role = model::ServerRole::favorite;
  if (has("standby")) member.role = model::ServerRole::standby;
  if (has("last")) member.role = model::ServerRole::last_resort;
  if (has("drain")) member.wanted = model::AdminState::drain;
  if (has("maintenance")) member.wanted = model::AdminState::maintenance;
  if (has("weightless")) member.weight = 0;
  if (has("full")) member.is_full = true;
  if (has("called-back")) member.is_called_back = true;
  if (has("down")) member.health = ServerState::down;
  if (has("untested")) member.health = ServerState::untested;
  if (has("new")) member.before = ServerState::unused;
  if (has("was-down")) member.before = ServerState::down;
  if (has("was-untested")) member.before = ServerState::untested;
  if (has("was-idle")) member.before = has("last") ? ServerState::idle : ServerState::reserve;
  if (has("was-drained")) member.before = ServerState::draining;
  if (has("was-maintenance")) member.before = ServerState::maintenance;
  return member;
}

struct Row {
  const char* name;
  std::vector<std::string> members;
  const char* duties;  // their words
  model::Standbys rule{};
};

std::vector<Row> coming_in() {
  return {
      {"all_well", {"active", "favorite", "standby was-idle", "last was-idle"}, "up up standby standby"},
      {"first_start", {"active new", "standby new", "last new"}, "up standby standby"},
      {"one_fails_one_comes_in",
       {"active down", "active", "standby was-idle", "standby was-idle"},
       "down up up standby"},
      {"two_fail_two_come_in",
       {"active down was-down", "active down", "standby", "standby was-idle"},
       "down down up up"},
      {"more_failures_than_standbys",
       {"active down", "active down", "standby was-idle", "last was-idle"},
       "down down up standby"},
      {"a_drained_server_pulls_one_in", {"active drain", "active", "standby was-idle"}, "draining up up"},
      {"a_drained_favorite_pulls_one_in", {"favorite drain", "standby was-idle"}, "draining up"},
      {"weight_0_pulls_one_in", {"favorite weightless", "standby was-idle"}, "draining up"},
      {"maintenance_pulls_one_in", {"active maintenance", "standby was-idle"}, "maintenance up"},
      {"maintenance_whatever_the_check_says", {"active maintenance down", "active"}, "maintenance up"},
      {"drained_and_dead_is_dead", {"active drain down", "active"}, "down up"},
      {"a_standby_that_failed_is_passed_over",
       {"active down", "standby down was-down", "standby was-idle"},
       "down down up"},
      {"a_drained_standby_is_passed_over",
       {"active down", "standby drain was-idle", "standby was-idle"},
       "down draining up"},
      {"the_next_standby_for_one_that_fails",
       {"active down was-down", "standby down", "standby was-idle"},
       "down down up"},
      {"a_standby_that_recovers_does_not_push_the_other_out",
       {"active down was-down", "standby was-down", "standby"},
       "down standby up"},
      {"a_full_server_pulls_one_in", {"active full", "active", "standby was-idle"}, "full up up"},
      {"a_full_standby_is_passed_over", {"active down", "standby full", "standby was-idle"}, "down full up"},
      {"a_full_standby_that_waits_goes_on_waiting", {"active", "standby full was-idle"}, "up full"},
      {"all_are_full", {"active full", "standby full", "last was-idle"}, "full full up"},
      {"full_and_down_is_down", {"active full down", "active"}, "down up"},
      {"full_and_drained_is_drained", {"active full drain", "active"}, "draining up"},
      {"back_from_full_serves_at_once", {"active", "standby"}, "up standby"},
  };
}

std::vector<Row> the_way_back() {
  return {
      {"a_favorite_takes_its_place_back", {"favorite was-down", "standby"}, "up standby"},
      {"an_active_that_comes_back_waits", {"active was-down", "active", "standby"}, "waiting up up"},
      {"and_goes_on_waiting", {"active was-idle", "active", "standby"}, "waiting up up"},
      {"until_its_standby_fails", {"active was-idle", "active", "standby down"}, "up up down"},
      {"or_is_drained", {"active was-idle", "active", "standby drain"}, "up up draining"},
      {"or_an_operator_calls_it_back", {"active was-idle called-back", "active", "standby"}, "up up standby"},
      {"one_of_two_is_called_back",
       {"active was-idle", "active was-idle called-back", "standby", "standby"},
       "waiting up up standby"},
      {"or_another_place_is_missing", {"active was-idle", "active down", "standby"}, "up down up"},
      {"no_standby_stood_in_so_nothing_waits", {"active was-down", "active", "standby down was-down"}, "up up down"},
      {"two_come_back_one_standby_serves", {"active was-down", "active was-down", "standby"}, "waiting up up"},
      {"two_come_back_two_standbys_serve",
       {"active was-down", "active was-down", "standby", "standby"},
       "waiting waiting up up"},
      {"back_from_drain_serves_at_once", {"active was-drained", "standby"}, "up standby"},
      {"back_from_maintenance_serves_at_once", {"active was-maintenance", "standby"}, "up standby"},
      {"a_new_server_serves_at_once", {"active new", "active down was-down", "standby"}, "up down up"},
      {"the_first_answer_of_a_check_is_no_return", {"active was-untested", "standby"}, "up standby"},
      {"before_the_first_answer_a_standby_that_answered_serves", {"active untested new", "standby new"}, "unknown up"},
  };
}

std::vector<Row> last_resort_and_rules() {
  return {
      {"last_resort_when_nobody_is_left",
       {"active down", "standby down was-idle", "last was-idle", "last was-idle"},
       "down down up up"},
      {"last_resort_leaves_when_a_standby_can",
       {"active down was-down", "standby was-down", "last"},
       "down up standby"},
      {"last_resort_counts_drained_as_nobody", {"active drain", "last was-idle"}, "draining up"},
      {"full_last_resort_leaves_too", {"active was-down", "last full"}, "up standby"},
      {"dead_last_resort", {"active down", "last down was-idle"}, "down down"},
      // Rules of the farm.
      {"one_for_two_waits_for_the_second",
       {"active down", "active", "active", "standby was-idle"},
       "down up up standby",
       {.failures = 2}},
      {"one_for_two_comes_at_the_second",
       {"active down was-down", "active down", "active", "standby was-idle"},
       "down down up up",
       {.failures = 2}},
      {"one_for_two_comes_when_nobody_is_left", {"active down", "standby was-idle"}, "down up", {.failures = 2}},
      {"one_for_two_keeps_one_of_two_waiting",
       {"active was-down", "active was-down", "active", "standby"},
       "waiting up up up",
       {.failures = 2}},
      {"two_for_one",
       {"active down", "active", "standby was-idle", "standby was-idle"},
       "down up up up",
       {.come_in = 2}},
      {"two_for_one_and_back", {"active was-down", "active", "standby", "standby"}, "waiting up up up", {.come_in = 2}},
      {"nothing_but_standbys", {"standby new", "standby new"}, "up standby"},
      {"nobody", {}, ""},
  };
}

std::vector<Row> rows() {
  std::vector<Row> all;
  for (const auto& some : {coming_in(), the_way_back(), last_resort_and_rules()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::string name_of(const testing::TestParamInfo<Row>& row) { return row.param.name; }

class StandbyTest : public testing::TestWithParam<Row> {};

TEST_P(StandbyTest, Case) {
  std::vector<Member> members;
  for (const std::string& words : GetParam().members) members.push_back(member_of(words));
  std::string words;
  for (const Duty& duty : duties(members, GetParam().rule))
    words += fmt::format("{}{}", words.empty() ? "" : " ", word(duty));
  EXPECT_EQ(words, GetParam().duties);
}

// What was decided stays decided while nothing else changes.
TEST_P(StandbyTest, IsStable) {
  std::vector<Member> members;
  for (const std::string& words : GetParam().members) members.push_back(member_of(words));
  const auto first = duties(members, GetParam().rule);
  for (std::size_t i = 0; i < members.size(); ++i) members[i].before = first[i].state;
  EXPECT_EQ(duties(members, GetParam().rule), first);
}

// Clients that are bound to a last resort move when somebody better serves; a standby keeps its own.
TEST(Standby, OnlyALastResortLetsItsBoundClientsGo) {
  const auto serving = duties(std::vector{member_of("active down"), member_of("last")}, {});
  EXPECT_TRUE(takes_bound(serving[1].state));
  const auto idle = duties(std::vector{member_of("active"), member_of("last"), member_of("standby")}, {});
  EXPECT_FALSE(takes_bound(idle[1].state));
  EXPECT_TRUE(takes_bound(idle[2].state));
  model::Farm farm;
  EXPECT_EQ(sentence(idle[2], farm), "ready, and not needed");
  farm.persistence.type = model::PersistenceType::client_address;
  EXPECT_EQ(sentence(idle[1], farm), "ready, and not needed");
  EXPECT_EQ(sentence(idle[2], farm), "ready, and not needed; clients that were bound to it while it served still come");
}

INSTANTIATE_TEST_SUITE_P(Cases, StandbyTest, testing::ValuesIn(rows()), name_of);

}  // namespace
}  // namespace fulcrum::roster
