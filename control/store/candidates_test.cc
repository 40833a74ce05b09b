// Candidates over a restart, and what is found of them then.
#include <filesystem>

#include "tests/support/stored_configuration.h"

namespace fulcrum::store {
namespace {

TEST_F(ConfigurationTest, CandidatesOutliveTheProgram) {
  ASSERT_TRUE(configuration->open("anna", "anna.b", now));
  ASSERT_TRUE(set("anna", "farms.shop.servers.web1.weight", "5"));
  ASSERT_TRUE(set("anna", "farms.shop.servers.web3.weight", "9"));  // not complete yet: it has no address
  ASSERT_TRUE(configuration->open("berta", "berta", now));
  ASSERT_TRUE(configuration->open("carl", "carl", now));
  ASSERT_TRUE(configuration->discard("carl"));
  start();
  ASSERT_EQ(configuration->candidates().size(), 2U);
  const auto check = configuration->check("anna");
  ASSERT_TRUE(check) << refused(check);
  ASSERT_EQ(check->changes.size(), 2U);
  EXPECT_EQ(check->changes[0].words(), "farms.shop.servers.web1 weight 10 to 5");
  EXPECT_EQ((*configuration->find("anna"))->who, "anna.b");
  EXPECT_EQ((*configuration->find("anna"))->opened, now);
  EXPECT_EQ((*configuration->find("anna"))->editors, std::set<std::string>{"anna.b"});
  ASSERT_TRUE(set("anna", "farms.shop.servers.web3.addresses", "10.1.1.13"));
  // Its base is still the revision that it was opened on.
  ASSERT_TRUE(change("farms.shop.servers.web2.weight", "7"));
  start();
  EXPECT_EQ(
      refused(commit("anna")),
      "farms.shop.servers.web2.weight: committed since revision 1: farms.shop.servers.web2 weight 10 to 7; rebase "
      "to carry yours over\n");
  ASSERT_TRUE(commit("anna", {.rebase = true}));
  EXPECT_EQ(weight(), "5");
  EXPECT_EQ(weight(2), "7");
  start();
  EXPECT_FALSE(configuration->find("anna")) << "it was committed";
  EXPECT_TRUE(configuration->find("berta"));
  EXPECT_TRUE(configuration->lost_candidates().empty());
}

TEST_F(ConfigurationTest, ACommitThatDidNotComeToItsEndLeavesNoCandidate) {
  ASSERT_TRUE(configuration->open("anna", "anna", now));
  ASSERT_TRUE(set("anna", "farms.shop.servers.web1.weight", "5"));
  const std::string kept = directory.path() + "/state/candidates/anna.json";
  const std::string before = **files::read(kept, 1U << 20U);
  ASSERT_TRUE(commit("anna"));
  directory.write("state/candidates/anna.json", before);
  start();
  EXPECT_TRUE(configuration->candidates().empty());
  EXPECT_FALSE(std::filesystem::exists(kept));
}

TEST_F(ConfigurationTest, ADamagedCandidateIsSetAside) {
  ASSERT_TRUE(configuration->open("anna", "anna", now));
  directory.write("state/candidates/berta.json", "{\"name\": 1}");
  directory.write(
      "state/candidates/carl.json",
      R"({"name": "carl", "who": "c", "base": 77, "opened": "", "changed": "", "editors": [], "steps": []})");
  start();
  EXPECT_EQ(configuration->candidates().size(), 1U);
  ASSERT_EQ(configuration->lost_candidates().size(), 2U);
  EXPECT_TRUE(std::filesystem::exists(directory.path() + "/state/candidates/berta.json.damaged"));
  start();
  EXPECT_TRUE(configuration->lost_candidates().empty()) << "told once";
}

TEST_F(ConfigurationTest, AnEditThatTheDiskRefusesChangesNothing) {
  ASSERT_TRUE(configuration->open("anna", "anna", now));
  const std::string kept = directory.path() + "/state/candidates";
  std::filesystem::remove_all(kept);
  directory.write("state/candidates", "in the way");
  const auto done = set("anna", "farms.shop.servers.web1.weight", "5");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Error::Code::io);
  EXPECT_TRUE(configuration->check("anna")->changes.empty());
  std::filesystem::remove(kept);
  EXPECT_TRUE(set("anna", "farms.shop.servers.web1.weight", "5"));
}

// A candidate that is to be committed at three, and the answer to that.
class ScheduleTest : public ConfigurationTest {
 protected:
  void SetUp() override {
    ConfigurationTest::SetUp();
    ASSERT_TRUE(configuration->open("anna", "anna", now));
    ASSERT_TRUE(set("anna", "farms.shop.servers.web1.weight", "5"));
  }
  document::Answer<const Candidate*> schedule(std::optional<seconds> confirm_within = {}) {
    return configuration->schedule("anna", {"anna", "cli", "less"}, now, three, confirm_within);
  }
  [[nodiscard]] std::string reason() const { return (*configuration->find("anna"))->schedule->refused; }

  Time three = *parse_time("2026-01-02T03:00:00.000Z");
};

TEST_F(ScheduleTest, CommitsWhenItIsTimeAlsoAfterARestart) {
  ASSERT_TRUE(schedule(minutes{10}));
  start();
  EXPECT_EQ(configuration->next_due(), three);
  EXPECT_TRUE(configuration->commit_due(three - seconds{1}).empty());
  EXPECT_EQ(weight(), "10");
  EXPECT_TRUE(configuration->commit_due(three).empty());
  EXPECT_EQ(weight(), "5");
  const Revision& newest = configuration->history().newest();
  EXPECT_EQ(newest.author.who, "anna");
  EXPECT_EQ(newest.author.why, "less; commit at 2026-01-02T03:00:00.000Z");
  EXPECT_EQ(newest.confirm_until, three + minutes{10});
  EXPECT_FALSE(configuration->find("anna"));
  EXPECT_EQ(configuration->next_due(), std::nullopt);
}

TEST_F(ScheduleTest, WhoMayNotAnyMoreDoesNotCommit) {
  ASSERT_TRUE(schedule());
  const auto says = [](std::optional<std::string> what) {
    return [what](const Candidate& candidate) {
      EXPECT_EQ(candidate.schedule->author.who, "anna");
      return what;
    };
  };
  EXPECT_TRUE(configuration->commit_due(three, says(std::nullopt)).empty());
  EXPECT_EQ(weight(), "10");
  EXPECT_EQ(configuration->next_due(), three) << "not judged: it stays due";
  ASSERT_EQ(configuration->commit_due(three, says("there is no account anna any more")).size(), 1U);
  EXPECT_EQ(weight(), "10");
  EXPECT_EQ(reason(), "there is no account anna any more");
  EXPECT_EQ(configuration->next_due(), std::nullopt);
  three += std::chrono::hours{1};
  ASSERT_TRUE(schedule());
  EXPECT_TRUE(configuration->commit_due(three, says("")).empty());
  EXPECT_EQ(weight(), "5");
}

TEST_F(ScheduleTest, IsLateByLessThanFiveMinutesOrNotAtAll) {
  ASSERT_TRUE(schedule());
  start();
  const auto refused = configuration->commit_due(three + kLateMax);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].schedule->refused, "the box did not run then, and it is too late now");
  EXPECT_EQ(weight(), "10");
  start();
  EXPECT_EQ(reason(), "the box did not run then, and it is too late now") << "kept, for the alarm";
  EXPECT_TRUE(configuration->commit_due(three + kLateMax).empty()) << "told once";
  now = three + kLateMax;
  three += std::chrono::hours{1};
  ASSERT_TRUE(schedule());
  start();
  EXPECT_TRUE(configuration->commit_due(three + kLateMax - seconds{1}).empty());
  EXPECT_EQ(weight(), "5");
}

TEST_F(ScheduleTest, NeverMergesWhatOthersCommittedMeanwhile) {
  ASSERT_TRUE(schedule());
  ASSERT_TRUE(change("farms.shop.servers.web2.weight", "7"));
  EXPECT_EQ(configuration->commit_due(three).size(), 1U);
  EXPECT_EQ(weight(), "10");
  EXPECT_NE(reason().find("farms.shop.servers.web2 weight 10 to 7; rebase"), std::string::npos) << reason();
  ASSERT_TRUE(configuration->rebase("anna", now));
  EXPECT_FALSE((*configuration->find("anna"))->schedule) << "somebody has looked after it";
  ASSERT_TRUE(commit("anna"));
  EXPECT_EQ(weight(), "5");
}

TEST_F(ScheduleTest, WaitsForNobodysConfirmation) {
  ASSERT_TRUE(schedule());
  now = three - minutes{2};
  ASSERT_TRUE(change("farms.shop.servers.web2.weight", "7", {.confirm_within = minutes{30}}));
  EXPECT_EQ(configuration->commit_due(three).size(), 1U);
  EXPECT_NE(reason().find("waits to be confirmed"), std::string::npos) << reason();
}

TEST_F(ScheduleTest, IsCheckedWhenItIsSaid) {
  ASSERT_TRUE(set("anna", "farms.shop.servers.web1.weight", "99"));
  EXPECT_NE(refused(schedule()).find("is forbidden"), std::string::npos);
  ASSERT_TRUE(set("anna", "farms.shop.servers.web1.weight", "10"));
  EXPECT_NE(refused(schedule()).find("nothing differs"), std::string::npos);
  ASSERT_TRUE(set("anna", "farms.shop.servers.web1.weight", "5"));
  EXPECT_NE(refused(schedule(seconds{1})).find("10 seconds"), std::string::npos);
  three = now;
  EXPECT_NE(refused(schedule()).find("is no time to come"), std::string::npos);
  three = now + kScheduleMax + seconds{1};
  EXPECT_NE(refused(schedule()).find("within 48 hours"), std::string::npos);
  three = now + kScheduleMax;
  ASSERT_TRUE(change("farms.shop.servers.web2.weight", "7"));
  EXPECT_NE(refused(schedule()).find("rebase to carry yours over"), std::string::npos);
  ASSERT_TRUE(change("farms.shop.servers.web1.weight", "6"));
  EXPECT_NE(refused(schedule()).find("committed since"), std::string::npos);
  EXPECT_EQ(configuration->next_due(), std::nullopt);
}

TEST_F(ScheduleTest, IsEditedByNobodyAndDiscarded) {
  ASSERT_TRUE(schedule());
  EXPECT_EQ(refused(set("anna", "farms.shop.servers.web1.weight", "4")),
            "anna: is to be committed at 2026-01-02T03:00:00.000Z: discard it, or commit it now\n");
  ASSERT_TRUE(configuration->discard("anna"));
  start();
  EXPECT_EQ(configuration->next_due(), std::nullopt);
  EXPECT_TRUE(configuration->commit_due(three).empty());
  EXPECT_EQ(weight(), "10");
}

TEST(RevisionJson, ReadsTheTimesThatPeopleSay) {
  const Time noon = *parse_time("2026-01-01T12:00:00.000Z");
  const auto read = [&](const char* words) {
    const auto at = parse_moment(words, noon);
    return at ? time_text(*at) : "none";
  };
  EXPECT_EQ(read("12:01"), "2026-01-01T12:01:00.000Z");
  EXPECT_EQ(read("12:00"), "2026-01-02T12:00:00.000Z");
  EXPECT_EQ(read("2026-01-02T03:00Z"), "2026-01-02T03:00:00.000Z");
  EXPECT_EQ(read("2026-01-02T03:00:05Z"), "2026-01-02T03:00:05.000Z");
  for (const char* words : {"", "24:00", "12:60", "3:00", "-1:00", "03:00x", "03:00Z", "2026-02-30T03:00Z",
                            "2026-01-02T03:00", "2026-01-02", "tomorrow"}) {
    EXPECT_EQ(read(words), "none") << words;
  }
}

}  // namespace
}  // namespace fulcrum::store
