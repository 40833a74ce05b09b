#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>

#include "control/document/config_text.h"
#include "control/document/json.h"
#include "tests/support/stored_configuration.h"

namespace fulcrum::store {
namespace {

using document::Refusal;

TEST_F(ConfigurationTest, BeginsWithTheFile) {
  ASSERT_EQ(news.kind, FileLink::News::Kind::taken) << (news.problems.empty() ? "" : news.problems[0].words());
  EXPECT_EQ(configuration->history().newest().number, 1U);
  EXPECT_EQ(configuration->history().newest().author.face, "file");
  EXPECT_EQ(configuration->model()->farms.at(0).servers.size(), 2U);
}

TEST_F(ConfigurationTest, CommitsWhatACandidateSays) {
  ASSERT_TRUE(configuration->open("anna", "anna", now));
  ASSERT_TRUE(set("anna", "farms.shop.servers.web1.weight", "5"));
  const auto check = configuration->check("anna");
  EXPECT_TRUE(check->problems.empty() && check->model != nullptr);
  EXPECT_EQ(check->changes.at(0).words(), "farms.shop.servers.web1 weight 10 to 5");
  EXPECT_FALSE(check->confirmation_advised);
  EXPECT_EQ(weight(), "10");
  const auto done = commit("anna");
  ASSERT_TRUE(done) << refused(done);
  EXPECT_EQ(done->revision.number, 2U);
  EXPECT_EQ(done->revision.author.who, "anna");
  EXPECT_EQ(done->revision.author.why, "because");
  EXPECT_EQ(done->revision.words.at(0), "farms.shop.servers.web1 weight 10 to 5");
  EXPECT_EQ(configuration->model()->farms[0].servers[0].weight, 5U);
  EXPECT_EQ(applied, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(refused(configuration->find("anna")), "anna: there is no candidate of this name\n");
  start();
  EXPECT_EQ(weight(), "5");
  EXPECT_EQ(news.kind, FileLink::News::Kind::unchanged);
  EXPECT_EQ(configuration->history().revisions().size(), 2U);
}

TEST_F(ConfigurationTest, RefusesWhatHasProblems) {
  ASSERT_TRUE(configuration->open("anna", "anna", now));
  ASSERT_TRUE(set("anna", "farms.shop.servers.web1.weight", "99"));
  ASSERT_TRUE(set("anna", "farms.shop.servers.web3.weight", "9"));
  EXPECT_EQ(refused(commit("anna")),
            "farms.shop.servers.web3.addresses: is missing: list of 1 to 2, each: IP address\n"
            "farms.shop.servers.web1.weight: is forbidden\n");
  EXPECT_EQ(configuration->check("anna")->problems.size(), 2U);
  EXPECT_EQ(configuration->history().newest().number, 1U);
  EXPECT_TRUE(configuration->find("anna"));
  ASSERT_TRUE(configuration->discard("anna"));
  ASSERT_TRUE(configuration->open("anna", "anna", now));
  EXPECT_EQ(refused(commit("anna")), "commit: nothing to commit: nothing differs\n");
}

TEST_F(ConfigurationTest, AdvisesToConfirmWhatMayLockOneOut) {
  ASSERT_TRUE(configuration->open("anna", "anna", now));
  ASSERT_TRUE(set("anna", "ports.front.addresses", "198.51.100.2/24"));
  EXPECT_TRUE(configuration->check("anna")->confirmation_advised);
}

TEST_F(ConfigurationTest, NeverMergesByItself) {
  ASSERT_TRUE(configuration->open("anna", "anna", now));
  ASSERT_TRUE(configuration->open("bob", "bob", now));
  EXPECT_EQ(refused(configuration->open("bob", "bob", now)).find("bob: is open already"), 0U);
  ASSERT_TRUE(set("anna", "farms.shop.servers.web1.weight", "5"));
  ASSERT_TRUE(set("bob", "farms.shop.servers.web2.weight", "7"));
  ASSERT_TRUE(commit("anna"));
  EXPECT_EQ(refused(commit("bob")),
            "farms.shop.servers.web1.weight: committed since revision 1: farms.shop.servers.web1 weight 10 to 5; "
            "rebase to carry yours over\n");
  const auto check = configuration->check("bob");
  EXPECT_EQ(check->since.size(), 1U);
  EXPECT_TRUE(check->conflicts.empty() && check->model == nullptr);
  const auto done = commit("bob", {.rebase = true});
  ASSERT_TRUE(done) << refused(done);
  EXPECT_EQ(weight(1) + weight(2), "57");
  EXPECT_EQ(done->changes.size(), 1U);
}

TEST_F(ConfigurationTest, ShowsConflicts) {
  ASSERT_TRUE(configuration->open("anna", "anna", now));
  ASSERT_TRUE(configuration->open("bob", "bob", now));
  ASSERT_TRUE(set("anna", "farms.shop.servers.web1.weight", "5"));
  ASSERT_TRUE(set("bob", "farms.shop.servers.web1.weight", "7"));
  ASSERT_TRUE(commit("anna"));
  const std::string words =
      "farms.shop.servers.web1.weight: yours: farms.shop.servers.web1 weight 10 to 7; committed since: "
      "farms.shop.servers.web1 weight 10 to 5\n";
  EXPECT_EQ(refused(commit("bob")), words);
  EXPECT_EQ(refused(commit("bob", {.rebase = true})), words);
  EXPECT_EQ(configuration->check("bob")->conflicts.size(), 1U);
  EXPECT_EQ(weight(), "5");
}

// Of a pair that conflicts one wins; what conflicts with nothing is carried over whoever does.
TEST_F(ConfigurationTest, RebasesWithAWinner) {
  for (const auto wins : {Configuration::Wins::mine, Configuration::Wins::theirs}) {
    start();
    ASSERT_TRUE(configuration->open("bob", "bob", now));
    ASSERT_TRUE(set("bob", "farms.shop.servers.web1.weight", wins == Configuration::Wins::mine ? "7" : "8"));
    ASSERT_TRUE(set("bob", "farms.shop.servers.web2.weight", wins == Configuration::Wins::mine ? "70" : "80"));
    ASSERT_TRUE(change("farms.shop.servers.web1.weight", wins == Configuration::Wins::mine ? "5" : "6"));
    EXPECT_FALSE(configuration->rebase("bob", now));
    const auto rebased = configuration->rebase("bob", now, wins);
    ASSERT_TRUE(rebased) << refused(rebased);
    ASSERT_TRUE(commit("bob"));
    EXPECT_EQ(weight(1) + " " + weight(2), wins == Configuration::Wins::mine ? "7 70" : "6 80");
  }
}

TEST_F(ConfigurationTest, GoesBackUnlessConfirmed) {
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "5", {.confirm_within = minutes{10}}));
  EXPECT_EQ(configuration->confirmation_left(now), minutes{10});
  EXPECT_EQ(configuration->confirmation_left(now + minutes{9}), minutes{1});
  EXPECT_EQ(configuration->confirmation_left(now + minutes{99}), minutes{0});
  EXPECT_EQ(configuration->confirmation_left(now - minutes{99}), minutes{10});  // the clock was set back
  EXPECT_EQ(refused(change("farms.shop.servers.web2.weight", "5")).find("revision 2: of someone waits to be confirmed"),
            0U);
  start();
  EXPECT_EQ(configuration->confirmation_left(now), minutes{9});
  ASSERT_TRUE(configuration->go_back(now));
  EXPECT_EQ(weight(), "10");
  EXPECT_EQ(configuration->history().newest().number, 3U);
  EXPECT_EQ(configuration->history().newest().author.face, "timer");
  EXPECT_FALSE(configuration->confirmation_left(now));
  EXPECT_FALSE(configuration->go_back(now));
}

TEST_F(ConfigurationTest, StaysWhenConfirmed) {
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "5", {.confirm_within = minutes{10}}));
  ASSERT_TRUE(configuration->confirm());
  EXPECT_FALSE(configuration->confirmation_left(now));
  EXPECT_EQ(refused(configuration->confirm()), "confirm: nothing waits to be confirmed\n");
  start();
  EXPECT_FALSE(configuration->confirmation_left(now));
  EXPECT_EQ(weight(), "5");
  EXPECT_EQ(refused(change("farms.shop.servers.web1.weight", "6", {.confirm_within = seconds{1}})),
            "confirm: the time to confirm is 10 seconds to 24 hours\n");
}

// Else the new one would stay although nobody has confirmed it.
TEST_F(ConfigurationTest, AConfirmationIsOfOneRevisionAndNotOfItsNumber) {
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "5", {.confirm_within = minutes{10}}));
  ASSERT_TRUE(configuration->confirm());
  configuration.reset();
  directory.write("state/revisions/00000002.json", "{");
  start();
  now += minutes{1};
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "5", {.confirm_within = minutes{10}}));
  EXPECT_EQ(configuration->history().newest().number, 2U);
  EXPECT_TRUE(configuration->confirmation_left(now));
  start();
  EXPECT_TRUE(configuration->confirmation_left(now));
  ASSERT_TRUE(configuration->confirm());
  start();
  EXPECT_FALSE(configuration->confirmation_left(now));
}

TEST_F(ConfigurationTest, RevertsOneChange) {
  ASSERT_TRUE(configuration->open("anna", "anna", now));
  ASSERT_TRUE(set("anna", "farms.shop.servers.web1.weight", "5"));
  ASSERT_TRUE(set("anna", "farms.shop.servers.web2.weight", "6"));
  ASSERT_TRUE(commit("anna"));
  for (const std::uint64_t none : {0U, 3U}) {
    EXPECT_EQ(refused(configuration->revert(2, {"anna", "cli", ""}, now, {}, none)),
              fmt::format("revision 2: has changes 1 to 2, and no {}\n", none));
  }
  const auto reverted = configuration->revert(2, {"anna", "cli", ""}, now, {}, 2);
  ASSERT_TRUE(reverted) << refused(reverted);
  EXPECT_EQ(weight(1) + " " + weight(2), "5 10");
  EXPECT_EQ(reverted->revision.author.why, "revert of revision 2, change 2");
}

TEST_F(ConfigurationTest, RollsBackAndReverts) {
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "5"));
  ASSERT_TRUE(change("farms.shop.servers.web2.weight", "6"));
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "7"));
  EXPECT_EQ(refused(configuration->revert(2, {"anna", "cli", ""}, now)),
            "farms.shop.servers.web1.weight: yours: farms.shop.servers.web1 weight 5 to 10; committed since: "
            "farms.shop.servers.web1 weight 5 to 7\n");
  const auto reverted = configuration->revert(3, {"anna", "cli", ""}, now);
  ASSERT_TRUE(reverted) << refused(reverted);
  EXPECT_EQ(weight(1) + " " + weight(2), "7 10");
  EXPECT_EQ(reverted->revision.author.why, "revert of revision 3");
  const auto back = configuration->rollback(2, {"anna", "cli", "enough"}, now);
  ASSERT_TRUE(back) << refused(back);
  EXPECT_EQ(weight(1) + " " + weight(2), "5 10");
  EXPECT_EQ(refused(configuration->rollback(2, {"anna", "cli", ""}, now)),
            "commit: nothing to commit: nothing differs\n");
  EXPECT_EQ(refused(configuration->rollback(99, {"anna", "cli", ""}, now)), "revision 99: is not kept\n");
  EXPECT_EQ(refused(configuration->revert(1, {"anna", "cli", ""}, now)),
            "revision 1: is the first: there is nothing to undo\n");
}

TEST_F(ConfigurationTest, WritesTheFileAndKeepsItsComments) {
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "5"));
  ASSERT_TRUE(link->write(*configuration));
  EXPECT_EQ(text().find("# revision 2 "), 0U) << text();
  EXPECT_EQ(text().find("# of the test\nversion = 1;\n"), text().find('\n') + 1) << text();
  EXPECT_NE(text().find("weight = 5; },  # the old one\n"), std::string::npos) << text();
  start();
  EXPECT_EQ(news.kind, FileLink::News::Kind::unchanged);
  ASSERT_TRUE(configuration->rollback(1, {"anna", "cli", ""}, now));
  ASSERT_TRUE(link->write(*configuration));
  EXPECT_NE(text().find("weight = 10; },  # the old one\n"), std::string::npos) << text();
}

TEST_F(ConfigurationTest, TakesWhatWasEditedByHand) {
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "5"));
  ASSERT_TRUE(link->write(*configuration));
  std::string edited = text();
  edited.replace(edited.find("weight = 5"), 10, "weight = 3");
  directory.write("fulcrum.cfg", edited);
  news = link->read(*configuration, now, "edited by hand");
  ASSERT_EQ(news.kind, FileLink::News::Kind::taken);
  EXPECT_EQ(weight(), "3");
  EXPECT_EQ(news.committed->changes.at(0).words(), "farms.shop.servers.web1 weight 5 to 3");
  // The same again says nothing, nor does a comment.
  EXPECT_EQ(link->read(*configuration, now, "").kind, FileLink::News::Kind::unchanged);
  directory.write("fulcrum.cfg", "# more\n" + edited);
  EXPECT_EQ(link->read(*configuration, now, "").kind, FileLink::News::Kind::unchanged);
  ASSERT_TRUE(link->write(*configuration));
  EXPECT_EQ(text().find("# more\n# of the test\n"), text().find('\n') + 1) << text();
  EXPECT_EQ(configuration->history().newest().number, 3U);
}

TEST_F(ConfigurationTest, RefusesABadHandEditAndGoesOn) {
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "5"));
  ASSERT_TRUE(link->write(*configuration));
  std::string edited = text();
  edited.replace(edited.find("weight = 5"), 10, "weight = 500");
  directory.write("fulcrum.cfg", edited);
  news = link->read(*configuration, now, "");
  EXPECT_EQ(news.kind, FileLink::News::Kind::refused);
  EXPECT_NE(news.problems.at(0).words().find("farms.shop.servers.web1.weight: 500 is out of range"), std::string::npos);
  EXPECT_NE(news.problems.at(0).line, 0U);
  EXPECT_EQ(weight(), "5");
  start();
  EXPECT_EQ(news.kind, FileLink::News::Kind::refused);
  EXPECT_EQ(weight(), "5");
  // A commit writes the file; what somebody was working on is kept.
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "6"));
  const auto kept = link->write(*configuration);
  ASSERT_TRUE(kept && *kept);
  EXPECT_EQ(**files::read(**kept, 1U << 20U), edited);
  EXPECT_NE(text().find("weight = 6;"), std::string::npos);
}

TEST_F(ConfigurationTest, AnEditOfAnOldTextKeepsWhatOthersCommitted) {
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "5"));
  ASSERT_TRUE(link->write(*configuration));
  const std::string old = text();
  ASSERT_TRUE(change("farms.shop.servers.web2.weight", "7"));
  ASSERT_TRUE(link->write(*configuration));
  // In an editor since before web2 changed.
  std::string edited = old;
  edited.replace(edited.find("weight = 5"), 10, "weight = 3");
  directory.write("fulcrum.cfg", edited);
  news = link->read(*configuration, now, "edited by hand");
  ASSERT_EQ(news.kind, FileLink::News::Kind::taken);
  ASSERT_EQ(news.committed->changes.size(), 1U);
  EXPECT_EQ(weight(1), "3");
  EXPECT_EQ(weight(2), "7");
  ASSERT_TRUE(link->write(*configuration));
  EXPECT_NE(text().find("weight = 7;"), std::string::npos) << "the file says all that is in force again";
  // What somebody else has changed too is refused, with both.
  edited = old;
  edited.replace(edited.find("weight = 5"), 10, "weight = 4");
  directory.write("fulcrum.cfg", edited);
  news = link->read(*configuration, now, "edited by hand");
  ASSERT_EQ(news.kind, FileLink::News::Kind::refused);
  EXPECT_EQ(news.problems.at(0).words(),
            "farms.shop.servers.web1.weight: yours: farms.shop.servers.web1 weight 5 to 4; committed since: "
            "farms.shop.servers.web1 weight 5 to 3");
  // Without its first line a text says all there shall be.
  directory.write("fulcrum.cfg", edited.substr(edited.find('\n') + 1));
  ASSERT_EQ(link->read(*configuration, now, "edited by hand").kind, FileLink::News::Kind::taken);
  EXPECT_EQ(weight(1), "4");
  EXPECT_EQ(weight(2), "10");
}

TEST_F(ConfigurationTest, AFileThatWasLeftBehindSaysNothing) {
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "5"));  // killed before the file is written
  start();
  EXPECT_EQ(news.kind, FileLink::News::Kind::unchanged);
  EXPECT_EQ(weight(), "5");
  ASSERT_TRUE(link->write(*configuration));
  EXPECT_NE(text().find("weight = 5;"), std::string::npos);
}

TEST_F(ConfigurationTest, KeepsAThousandRevisions) {
  for (int i = 0; i < 1100; ++i) {
    now -= std::chrono::hours{1};  // the order is that of the numbers, whatever the clock says
    ASSERT_TRUE(change("farms.shop.servers.web1.weight", i % 2 == 0 ? "5" : "6"));
    if (i % 100 == 99) {
      ASSERT_TRUE(configuration->history().checkpoint());
    }
  }
  start();
  EXPECT_EQ(configuration->history().revisions().size(), kRevisionsMax);
  EXPECT_EQ(configuration->history().newest().number, 1101U);
  const auto oldest = configuration->history().document(configuration->history().revisions().front().number);
  ASSERT_TRUE(oldest) << refused(oldest);
  EXPECT_TRUE(*oldest == *configuration->history().document(1100));
  EXPECT_FALSE(configuration->history().document(100));
  const std::uint64_t first = configuration->history().revisions().front().number;
  ASSERT_TRUE(configuration->rollback(first, {"anna", "cli", ""}, now));
  EXPECT_TRUE(configuration->current() == *oldest);
}

TEST_F(ConfigurationTest, GoesOnAfterDamage) {
  for (const char* word : {"5", "6", "7", "8"}) ASSERT_TRUE(change("farms.shop.servers.web1.weight", word));
  configuration.reset();
  directory.write("state/revisions/00000005.json", "{}");
  start();
  EXPECT_NE(damage.at(0).find("00000005.json: is damaged"), std::string::npos);
  EXPECT_EQ(weight(), "7");
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "9"));
  EXPECT_EQ(configuration->history().newest().number, 5U);
  configuration.reset();
  directory.write("state/revisions/00000003.json", "{}");
  start();
  EXPECT_FALSE(damage.empty());
}

// One that stands between the last checkpoint and the newest revision takes only those behind it along.
TEST_F(ConfigurationTest, DamageInTheMiddleLeavesWhatCanBeReached) {
  ASSERT_TRUE(link->write(*configuration));
  for (const char* word : {"5", "6", "7", "8"}) ASSERT_TRUE(change("farms.shop.servers.web1.weight", word));
  configuration.reset();
  directory.write("state/revisions/00000004.json", "{}");
  start();
  EXPECT_EQ(weight(), "6");
  EXPECT_EQ(configuration->history().newest().number, 3U);
  EXPECT_EQ(configuration->history().revisions().size(), 3U);
  ASSERT_EQ(damage.size(), 2U);
  EXPECT_NE(damage[0].find("00000004.json: is damaged"), std::string::npos) << damage[0];
  EXPECT_NE(damage[1].find("00000005.json: does not fit"), std::string::npos) << damage[1];
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "9"));
  start();
  EXPECT_TRUE(damage.empty());
  EXPECT_EQ(weight(), "9");
  EXPECT_TRUE(configuration->history().document(1));
}

TEST_F(ConfigurationTest, ADamagedCheckpointTakesNothingAlong) {
  for (const char* word : {"5", "6", "7"}) {
    ASSERT_TRUE(change("farms.shop.servers.web1.weight", word));
    ASSERT_TRUE(link->write(*configuration));
  }
  configuration.reset();
  directory.write("state/checkpoint-00000004.cfg", "version = 1; # and no more");
  start();
  EXPECT_TRUE(damage.empty());
  EXPECT_EQ(weight(), "7");
  EXPECT_EQ(configuration->history().revisions().size(), 4U);
}

TEST_F(ConfigurationTest, KnowsWhichRevisionBroughtASetting) {
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "5"));  // 2
  ASSERT_TRUE(change("farms.shop.scheduler", "round_robin"));  // 3
  ASSERT_TRUE(configuration->open("anna", "anna", now));
  ASSERT_TRUE(configuration->edit(
      "anna", now, [](const Document& document) { return document.rename(path("farms.shop.servers.web2"), "mail"); }));
  ASSERT_TRUE(commit("anna"));                                 // 4
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "6"));  // 5
  for (int start_again = 0; start_again < 2; ++start_again) {
    const auto changed_by = [&](const char* where, std::uint64_t upto = UINT64_MAX) {
      return configuration->history().changed_by(path(where), upto).value_or(0);
    };
    EXPECT_EQ(changed_by("farms.shop.servers.web1.weight"), 5U);
    EXPECT_EQ(changed_by("farms.shop.servers.web1"), 5U);
    EXPECT_EQ(changed_by("farms.shop.servers.web1", 4), 2U);
    EXPECT_EQ(changed_by("farms.shop.scheduler"), 3U);
    EXPECT_EQ(changed_by("farms.shop.servers.mail"), 4U);
    EXPECT_EQ(changed_by("farms.shop.addresses"), 1U);
    start();
  }
}

TEST_F(ConfigurationTest, IsOneProcessesOwn) {
  const auto second = History::open(directory.path() + "/state", model::description().shape());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Error::Code::conflict);
}

TEST(RevisionJson, TimesGoThereAndBack) {
  for (const char* text : {"2026-07-24T11:57:03.250Z", "1970-01-01T00:00:00.000Z", "2038-02-28T23:59:59.999Z"}) {
    ASSERT_TRUE(parse_time(text)) << text;
    EXPECT_EQ(time_text(*parse_time(text)), text);
  }
  for (const char* text : {"", "2026-07-24", "2026-07-24T11:57:03Z", "2026-07-24T11:57:03.250"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

}  // namespace
}  // namespace fulcrum::store
