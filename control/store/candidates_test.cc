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

}  // namespace
}  // namespace fulcrum::store
