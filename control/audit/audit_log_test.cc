#include "control/audit/audit_log.h"

#include <nlohmann/json.hpp>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/gtest.h"

namespace fulcrum::audit {
namespace {

namespace fs = std::filesystem;

class AuditLogTest : public testing::Test {
 protected:
  AuditLogTest() {
    std::string pattern = testing::TempDir() + "fulcrum-audit-XXXXXX";
    directory = mkdtemp(pattern.data());
  }
  ~AuditLogTest() override { fs::remove_all(directory); }

  AuditLog open() {
    auto log = AuditLog::open(directory, limits, [] { return std::chrono::system_clock::time_point{}; });
    EXPECT_TRUE(log) << log.error().words();
    return std::move(*log);
  }
  static Record record(const std::string& object) {
    return {.who = "anna",
            .face = "api",
            .source = "192.0.2.7",
            .action = "commit",
            .object = object,
            .result = "done",
            .note = ""};
  }
  std::string text(const std::string& name = "audit.log") const {
    std::stringstream all;
    all << std::ifstream{directory + "/" + name}.rdbuf();
    return all.str();
  }
  void rewrite(const std::string& contents, const std::string& name = "audit.log") const {
    std::ofstream{directory + "/" + name, std::ios::trunc} << contents;
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    std::stringstream stream{text()};
    for (std::string line; std::getline(stream, line);) all.push_back(line);
    return all;
  }

  std::string directory;
  AuditLog::Limits limits{};
};

TEST_F(AuditLogTest, KeepsWhatWasWrittenInAChain) {
  {
    AuditLog log = open();
    ASSERT_TRUE(log.append(record("revision 1")));
    ASSERT_TRUE(log.append(record("revision 2")));
  }
  AuditLog log = open();
  ASSERT_TRUE(log.append(record("revision 3")));
  const Verdict verdict = log.verify();
  EXPECT_TRUE(verdict.intact) << verdict.problem;
  EXPECT_EQ(verdict.records, 3U);
  EXPECT_EQ(verdict.last, 3U);
  const auto all = lines();
  ASSERT_EQ(all.size(), 3U);
  const auto first = nlohmann::json::parse(all[0]);
  const auto second = nlohmann::json::parse(all[1]);
  EXPECT_EQ(second["previous"], first["hash"]);
  EXPECT_EQ(second["object"], "revision 2");
  EXPECT_EQ(second["time"], "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(verdict.last_hash, nlohmann::json::parse(all[2])["hash"].get<std::string>());
}

TEST_F(AuditLogTest, NoticesEveryKindOfTampering) {
  struct Case {
    const char* name;
    std::function<void(std::vector<std::string>&)> tamper;
    const char* says;
  };
  const std::vector<Case> cases{
      {"a word changed", [](auto& l) { l[1].replace(l[1].find("anna"), 4, "otto"); }, "audit.log:2: was changed"},
      {"one taken out", [](auto& l) { l.erase(l.begin() + 1); }, "audit.log:2: does not follow"},
      {"two swapped", [](auto& l) { std::swap(l[1], l[2]); }, "audit.log:2: does not follow"},
      {"one put in twice", [](auto& l) { l.insert(l.begin() + 1, l[1]); }, "audit.log:3: does not follow"},
      {"no record", [](auto& l) { l[1] = "hello"; }, "audit.log:2: is no audit record"},
      {"the end cut off", [](auto& l) { l.pop_back(); }, "the log ends at record 3, but 4 were written"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    fs::remove(directory + "/audit.log");
    fs::remove(directory + "/anchor");
    AuditLog log = open();
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(log.append(record("x")));
    auto all = lines();
    one.tamper(all);
    std::string joined;
    for (const auto& line : all) joined += line + "\n";
    rewrite(joined);
    const Verdict verdict = log.verify();
    EXPECT_FALSE(verdict.intact);
    EXPECT_NE(verdict.problem.find(one.says), std::string::npos) << verdict.problem;
  }
}

TEST_F(AuditLogTest, NoticesWhatWasCutOffWhileNobodyRan) {
  struct Case {
    const char* name;
    std::function<void(const std::vector<std::string>&)> tamper;
    const char* says;
    const char* note;
  };
  const auto keep = [&](const std::vector<std::string>& all, std::size_t count) {
    std::string joined;
    for (std::size_t i = 0; i < count; ++i) joined += all[i] + "\n";
    rewrite(joined);
  };
  const std::vector<Case> cases{
      {"the end", [&](auto& all) { keep(all, 3); }, "audit.log:4: does not follow",
       "ended at record 3, but 8 were written"},
      {"all", [&](auto& all) { keep(all, 0); }, "begins at record 9", "ended at record 0, but 8 were written"},
      {"the file", [&](auto&) { fs::remove(directory + "/audit.log"); }, "begins at record 9",
       "ended at record 0, but 8 were written"},
      {"the anchor", [&](auto&) { fs::remove(directory + "/anchor"); }, "", "there was no anchor"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    fs::remove(directory + "/audit.log");
    fs::remove(directory + "/anchor");
    {
      AuditLog log = open();
      for (int i = 0; i < 8; ++i) ASSERT_TRUE(log.append(record("x")));
    }
    one.tamper(lines());
    AuditLog log = open();
    ASSERT_TRUE(log.append(record("after")));
    const Verdict verdict = log.verify();
    EXPECT_EQ(verdict.intact, *one.says == '\0');
    EXPECT_NE(verdict.problem.find(one.says), std::string::npos) << verdict.problem;
    const auto page = log.read(0, 2);
    ASSERT_TRUE(page);
    EXPECT_NE(page->back().find(one.note), std::string::npos) << page->back();
    EXPECT_FALSE(open().verify().intact && *one.says != '\0');
  }
}

TEST_F(AuditLogTest, GoesOnAfterAnAnchorThatACrashLeftBehind) {
  std::string anchor;
  {
    AuditLog log = open();
    ASSERT_TRUE(log.append(record("one")));
    anchor = text("anchor");
    ASSERT_TRUE(log.append(record("two")));
  }
  rewrite(anchor, "anchor");
  AuditLog log = open();
  ASSERT_TRUE(log.append(record("three")));
  EXPECT_TRUE(log.verify().intact) << log.verify().problem;
  EXPECT_EQ(log.last(), 3U);
}

TEST_F(AuditLogTest, MendsWhatACrashCutShortAtAnyByte) {
  std::string anchor;
  {
    AuditLog log = open();
    ASSERT_TRUE(log.append(record("one")));
    anchor = text("anchor");
    ASSERT_TRUE(log.append(record("two")));
  }
  const std::string whole = text();
  const std::size_t second = whole.find('\n') + 1;
  for (std::size_t length = second; length < whole.size(); length += 7) {
    rewrite(whole.substr(0, length));
    rewrite(anchor, "anchor");
    AuditLog log = open();
    ASSERT_TRUE(log.append(record("three")));
    const Verdict verdict = log.verify();
    EXPECT_TRUE(verdict.intact) << length << ": " << verdict.problem;
    EXPECT_EQ(verdict.records, length == second ? 2U : 3U) << length;  // with the record about the mending
  }
}

TEST_F(AuditLogTest, RotationKeepsTheChain) {
  limits = {.file_max = 1000, .files_max = 3};
  AuditLog log = open();
  for (int i = 1; i <= 30; ++i) ASSERT_TRUE(log.append(record(std::to_string(i))));
  const Verdict verdict = log.verify();
  EXPECT_TRUE(verdict.intact) << verdict.problem;
  EXPECT_EQ(verdict.last, 30U);
  EXPECT_GT(verdict.first, 1U);  // the oldest files went
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator{directory}) ++files;
  EXPECT_EQ(files, 4U);  // with the anchor
  AuditLog again = open();
  ASSERT_TRUE(again.append(record("31")));
  EXPECT_TRUE(again.verify().intact);
  EXPECT_EQ(again.last(), 31U);
}

TEST_F(AuditLogTest, SurvivesACrashBetweenRenameAndNewFile) {
  limits = {.file_max = 1000, .files_max = 3};
  {
    AuditLog log = open();
    ASSERT_TRUE(log.append(record("one")));
  }
  fs::rename(directory + "/audit.log", directory + "/audit-000000000001.log");
  AuditLog log = open();
  ASSERT_TRUE(log.append(record("two")));
  EXPECT_TRUE(log.verify().intact) << log.verify().problem;
  EXPECT_EQ(log.last(), 2U);
}

TEST_F(AuditLogTest, ReadsPagesNewestFirst) {
  limits = {.file_max = 1000, .files_max = 30};
  AuditLog log = open();
  for (int i = 1; i <= 12; ++i) ASSERT_TRUE(log.append(record(std::to_string(i))));
  const auto page = log.read(0, 5);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 5U);
  EXPECT_EQ(nlohmann::json::parse(page->front())["sequence"], 12);
  EXPECT_EQ(nlohmann::json::parse(page->back())["sequence"], 8);
  EXPECT_EQ(nlohmann::json::parse(log.read(8, 5)->front())["sequence"], 7);
  EXPECT_EQ(log.read(3, 100)->size(), 2U);
}

TEST_F(AuditLogTest, HostileTextStaysOneLine) {
  AuditLog log = open();
  Record hostile = record("x\n{\"sequence\":99}\",\"hash\":\"");
  hostile.who = "\xff\xfe";
  hostile.note = std::string(5000, 'n');
  ASSERT_TRUE(log.append(hostile));
  ASSERT_TRUE(log.append(record("after")));
  EXPECT_EQ(lines().size(), 2U);
  EXPECT_TRUE(log.verify().intact) << log.verify().problem;
  EXPECT_LT(lines()[0].size(), 2000U);
}

}  // namespace
}  // namespace fulcrum::audit
