#include "control/files/files.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/support/gtest.h"

namespace fulcrum::files {
namespace {

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    std::string pattern = testing::TempDir() + "fulcrum-files-XXXXXX";
    directory = mkdtemp(pattern.data());
  }
  ~FilesTest() override { std::filesystem::remove_all(directory); }
  std::string directory;
};

TEST_F(FilesTest, ReplacesAsAWhole) {
  const std::string path = directory + "/book";
  ASSERT_TRUE(replace(path, "one"));
  ASSERT_TRUE(replace(path, "two"));
  EXPECT_EQ(**read(path, 100), "two");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  struct stat about {};
  ASSERT_EQ(stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST_F(FilesTest, ALeftoverOfACrashIsNoObstacle) {
  std::ofstream{directory + "/book.new"} << "half of what was to co";
  ASSERT_TRUE(replace(directory + "/book", "whole"));
  EXPECT_EQ(**read(directory + "/book", 100), "whole");
}

TEST_F(FilesTest, AFailureLeavesTheOld) {
  ASSERT_TRUE(replace(directory + "/book", "old"));
  std::filesystem::create_directory(directory + "/book.new");
  const auto failed = replace(directory + "/book", "new");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Error::Code::io);
  EXPECT_EQ(**read(directory + "/book", 100), "old");
}

// As on a full disk: what cannot be written whole leaves no half that keeps it full.
TEST_F(FilesTest, AFailureLeavesNothingBeside) {
  ASSERT_TRUE(replace(directory + "/book", "old"));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto failed = replace(directory + "/book", std::string(5000, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(failed);
  EXPECT_EQ(**read(directory + "/book", 100), "old");
  EXPECT_FALSE(std::filesystem::exists(directory + "/book.new"));
}

TEST_F(FilesTest, ReadsWhatIsThereWithinBounds) {
  EXPECT_FALSE(read(directory + "/none", 100)->has_value());
  ASSERT_TRUE(replace(directory + "/book", "12345"));
  EXPECT_EQ(read(directory + "/book", 4).error().code, Error::Code::limit);
  EXPECT_EQ(read(directory, 4).error().code, Error::Code::io);
}

TEST_F(FilesTest, MakesDirectoriesForTheirOwnerOnly) {
  const std::string path = directory + "/a/b";
  ASSERT_TRUE(make_directory(path));
  ASSERT_TRUE(make_directory(path));
  struct stat about {};
  ASSERT_EQ(stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0700U);
  std::ofstream{directory + "/file"} << "x";
  EXPECT_FALSE(make_directory(directory + "/file/b"));
}

}  // namespace
}  // namespace fulcrum::files
