#include "control/publish/region_watch.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "dataplane/base/clock.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using News = RegionWatch::News;

class RegionWatchTest : public testing::Test {
 protected:
  RegionWatchTest() { EXPECT_NE(mkdtemp(directory.data()), nullptr); }
  ~RegionWatchTest() override { std::filesystem::remove_all(directory); }

  Region create(bool cold = false, std::uint32_t workers = 1) {
    return std::move(*Region::create(
        {.runtime_dir = directory, .hugepage_dir = "", .shape = {.workers = workers}, .start_cold = cold}));
  }
  static void start(Region& region) {
    region.header().dataplane_heartbeat = static_cast<std::uint64_t>(monotonic_now().count());
    region.header().dataplane_starts.fetch_add(1);
  }

  std::string directory = testing::TempDir() + "fulcrum-watch-XXXXXX";
};

TEST_F(RegionWatchTest, WaitsForTheDataplane) {
  RegionWatch watch{directory};
  EXPECT_EQ(watch.look(), News::none);
  ASSERT_TRUE(watch.problem());
  EXPECT_EQ(watch.problem()->code, Error::Code::not_found);
  EXPECT_EQ(watch.region(), nullptr);
  EXPECT_FALSE(watch.alive(monotonic_now()));

  Region region = create();
  EXPECT_EQ(watch.look(), News::none) << "its ports are not known yet";
  start(region);
  EXPECT_EQ(watch.look(), News::attached);
  EXPECT_TRUE(watch.alive(monotonic_now()));
  EXPECT_EQ(watch.look(), News::none);
}

TEST_F(RegionWatchTest, NoticesARestart) {
  RegionWatch watch{directory};
  {
    Region region = create();
    start(region);
  }
  EXPECT_EQ(watch.look(), News::attached);
  Region again = create();
  EXPECT_EQ(watch.look(), News::none);
  start(again);
  EXPECT_EQ(watch.look(), News::restarted);
  EXPECT_EQ(watch.look(), News::none);
}

TEST_F(RegionWatchTest, NoticesSilence) {
  RegionWatch watch{directory};
  Region region = create();
  start(region);
  ASSERT_EQ(watch.look(), News::attached);
  const std::chrono::nanoseconds beat{region.header().dataplane_heartbeat.load()};
  EXPECT_TRUE(watch.alive(beat + RegionWatch::silence_max / 2));
  EXPECT_FALSE(watch.alive(beat + RegionWatch::silence_max));
}

TEST_F(RegionWatchTest, FollowsToARegionLaidOutAnew) {
  RegionWatch watch{directory};
  {
    Region region = create();
    start(region);
  }
  ASSERT_EQ(watch.look(), News::attached);
  Region fresh = create(true, 2);
  EXPECT_EQ(watch.look(), News::lost);
  EXPECT_EQ(watch.region(), nullptr);
  EXPECT_EQ(watch.look(), News::none);
  start(fresh);
  EXPECT_EQ(watch.look(), News::attached);
  EXPECT_EQ(watch.region()->workers(), 2U);
}

// Whoever still reads the old region when the dataplane starts cold reads the old region, and does not die of it.
TEST_F(RegionWatchTest, AColdStartLeavesTheOldRegionReadable) {
  {
    Region region = create();
    start(region);
  }
  const auto old = Region::attach(directory);
  ASSERT_TRUE(old);
  Region fresh = create(true);
  EXPECT_EQ(old->header().magic.load(), kRegionMagic);
  EXPECT_EQ(old->snapshot(kSnapshotSlots - 1).generation, 0U);
  EXPECT_NE(old->header().boot_id, fresh.header().boot_id);
}

// The same size and the same number of starts.
TEST_F(RegionWatchTest, TellsAColdStartFromNoChange) {
  RegionWatch watch{directory};
  {
    Region region = create();
    start(region);
  }
  ASSERT_EQ(watch.look(), News::attached);
  Region fresh = create(true);
  start(fresh);
  EXPECT_EQ(watch.look(), News::lost);
  EXPECT_EQ(watch.look(), News::attached);
}

}  // namespace
}  // namespace fulcrum
