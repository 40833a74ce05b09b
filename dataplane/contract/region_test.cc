#include "dataplane/contract/region.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

constexpr RegionShape kShape{.workers = 2,
                             .connections = 1000,
                             .persistence = 300,
                             .connection_index_bytes = 64 * 184,
                             .persistence_index_bytes = 64 * 56};

// A folder on tmpfs that vanishes with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::is_directory("/dev/shm") ? "/dev/shm/fulcrum-XXXXXX" : "/tmp/fulcrum-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string region() const { return path_ + "/region"; }

 private:
  std::string path_;
};

Result<Region> create(const Folder& folder, const RegionShape& shape = kShape, bool cold = false) {
  return Region::create({.runtime_dir = folder.path(), .hugepage_dir = "", .shape = shape, .start_cold = cold});
}

// Changes the header in the file, as damage or another release would.
void edit(const Folder& folder, const std::function<void(RegionHeader&)>& change) {
  const int file = open(folder.region().c_str(), O_RDWR);
  ASSERT_GE(file, 0);
  void* page = mmap(nullptr, sizeof(RegionHeader), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  ASSERT_NE(page, MAP_FAILED);
  change(*static_cast<RegionHeader*>(page));
  munmap(page, sizeof(RegionHeader));
}

void expect_refused(const Result<Region>& region, Error::Code code, const std::string& words) {
  ASSERT_FALSE(region);
  EXPECT_EQ(region.error().code, code) << region.error().words();
  EXPECT_NE(region.error().words().find(words), std::string::npos) << region.error().words();
}

TEST(Region, IsCreatedAndFoundByControl) {
  const Folder folder;
  auto mine = create(folder);
  ASSERT_TRUE(mine) << mine.error().words();
  EXPECT_FALSE(mine->warm());
  EXPECT_EQ(mine->workers(), 2U);
  EXPECT_EQ(mine->entries().size(), 1000U);
  EXPECT_EQ(mine->index().size(), 64U * 184);
  EXPECT_NE(mine->header().boot_id, 0U);
  EXPECT_NE(mine->header().hash_key[0], mine->header().hash_key[1]);
  mine->snapshot(3).generation = 77;
  mine->worker(2).status.turns.store(5);
  auto theirs = Region::attach(folder.path());
  ASSERT_TRUE(theirs) << theirs.error().words();
  EXPECT_EQ(theirs->snapshot(3).generation, 77U);
  EXPECT_EQ(theirs->worker(2).status.turns.load(), 5U);
  EXPECT_NE(&theirs->snapshot(3), &mine->snapshot(3)) << "two mappings";
  EXPECT_TRUE(theirs->is_current(folder.path()));
}

TEST(Region, SectionsLieApartInsideTheFileAndAligned) {
  const auto region = Region::create_anonymous(kShape);
  ASSERT_TRUE(region);
  const RegionHeader& header = region->header();
  const std::array sections{
      header.workers, header.server_counters, header.snapshots,           header.neighbours,
      header.entries, header.index,           header.persistence_entries, header.persistence_index,
      header.explain, header.loads,           header.shared_loads};
  std::uint64_t end = sizeof(RegionHeader);
  for (const SectionPlace& section : sections) {
    EXPECT_GE(section.offset, end);
    EXPECT_EQ(section.offset % 4096, 0U);
    end = section.offset + section.size;
  }
  EXPECT_LE(end, header.total_size);
  EXPECT_EQ(header.total_size, Region::bytes_for(kShape));
  // The last byte of each section belongs to us.
  region->worker(kShape.workers).events.pop();
  region->server_counters(kShape.workers - 1).back().connections.add(1);
  region->snapshot(kSnapshotSlots - 1).schedule.back() = 1;
  region->entries().back().word = 1;
  region->index().back() = std::byte{1};
  region->persistence_entries().back().word = 1;
  region->persistence_index().back() = std::byte{1};
  region->loads(kShape.workers - 1).others.back() = 1;
  region->shared_loads().bandwidth.back() = 1;
}

TEST(Region, OutlivesItsDataplane) {
  const Folder folder;
  std::uint64_t boot_id = 0;
  {
    auto region = create(folder);
    ASSERT_TRUE(region);
    boot_id = region->header().boot_id;
    region->entries()[999].server = ServerId{3, 4};
  }
  auto region = create(folder);
  ASSERT_TRUE(region) << region.error().words();
  EXPECT_TRUE(region->warm());
  EXPECT_EQ(region->header().boot_id, boot_id);
  EXPECT_EQ(region->entries()[999].server, (ServerId{3, 4}));
}

TEST(Region, ColdStartForgetsAndLeavesTheOldMappingWhole) {
  const Folder folder;
  std::uint64_t boot_id = 0;
  {
    auto region = create(folder);
    ASSERT_TRUE(region);
    boot_id = region->header().boot_id;
    region->entries()[0].word = 2;
  }
  auto control = Region::attach(folder.path());
  ASSERT_TRUE(control);
  auto region = create(folder, kShape, true);
  ASSERT_TRUE(region) << region.error().words();
  EXPECT_FALSE(region->warm());
  EXPECT_NE(region->header().boot_id, boot_id);
  EXPECT_EQ(region->entries()[0].word, 0U);
  EXPECT_FALSE(control->is_current(folder.path()));
  EXPECT_EQ(control->entries()[0].word, 2U);
  EXPECT_EQ(control->header().boot_id, boot_id);
  EXPECT_FALSE(std::filesystem::exists(folder.region() + ".fresh"));
}

TEST(Region, AnotherShapeIsRefusedInWords) {
  const Folder folder;
  { ASSERT_TRUE(create(folder)); }
  RegionShape other = kShape;
  other.workers = 3;
  expect_refused(create(folder, other), Error::Code::conflict,
                 "2 workers, 1000 connections and 300 clients bound to servers, the configuration wants 3, 1000");
  other = kShape;
  other.connections = 999;
  expect_refused(create(folder, other), Error::Code::conflict, "--cold");
  other = kShape;
  other.connection_index_bytes += 64;
  expect_refused(create(folder, other), Error::Code::conflict, "--cold");
  other = kShape;
  other.persistence = 0;
  expect_refused(create(folder, other), Error::Code::conflict, "--cold");
  auto again = create(folder);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->warm()) << "refusing changed nothing";
}

TEST(Region, AnotherShapeStartsCold) {
  const Folder folder;
  { ASSERT_TRUE(create(folder)); }
  RegionShape larger = kShape;
  larger.workers = 4;
  larger.connections = 5000;
  auto region = create(folder, larger, true);
  ASSERT_TRUE(region) << region.error().words();
  EXPECT_EQ(region->entries().size(), 5000U);
  ASSERT_TRUE(Region::attach(folder.path()));
}

TEST(Region, AnotherLayoutVersionIsRefusedInWords) {
  const Folder folder;
  { ASSERT_TRUE(create(folder)); }
  edit(folder, [](RegionHeader& header) { header.layout_version = 99; });
  expect_refused(create(folder), Error::Code::invalid, "layout version 99");
  expect_refused(Region::attach(folder.path()), Error::Code::invalid, "programs of one release");
  auto region = create(folder, kShape, true);
  ASSERT_TRUE(region) << "--cold is the way out";
  EXPECT_TRUE(Region::attach(folder.path()));
}

TEST(Region, ADamagedHeaderIsRefused) {
  using Damage = std::function<void(RegionHeader&)>;
  const std::vector<Damage> damages{
      [](RegionHeader& h) { h.header_size += 8; },
      [](RegionHeader& h) { h.total_size += 4096; },
      [](RegionHeader& h) { h.shape.workers = 0; },
      [](RegionHeader& h) { h.shape.workers = kWorkersMax + 1; },
      [](RegionHeader& h) { h.shape.workers = UINT32_MAX; },
      [](RegionHeader& h) { h.shape.connections = UINT32_MAX; },
      [](RegionHeader& h) { h.shape.connection_index_bytes = UINT64_MAX; },
      [](RegionHeader& h) { h.workers.offset += 64; },
      [](RegionHeader& h) { h.server_counters.size = 0; },
      [](RegionHeader& h) { h.snapshots.offset = UINT64_MAX; },
      [](RegionHeader& h) { h.neighbours.size += 1; },
      [](RegionHeader& h) { h.entries.offset = 0; },
      [](RegionHeader& h) { h.index.size += 4096; },
      // A size so large that the end wraps around to before the beginning.
      [](RegionHeader& h) {
        h.shape.connection_index_bytes = 0ULL - h.index.offset;
        h.index.size = h.shape.connection_index_bytes;
        h.total_size = 0;
      },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    const Folder folder;
    { ASSERT_TRUE(create(folder)); }
    edit(folder, damages[i]);
    EXPECT_FALSE(Region::attach(folder.path())) << "damage " << i;
    EXPECT_FALSE(create(folder)) << "damage " << i;
    EXPECT_TRUE(create(folder, kShape, true)) << "damage " << i;
  }
}

TEST(Region, WhatIsNotThereYetIsNotFound) {
  const Folder folder;
  expect_refused(Region::attach(folder.path()), Error::Code::not_found, "start fulcrum-dataplane");
  expect_refused(Region::attach(folder.path() + "/nowhere"), Error::Code::not_found, "runtime_dir");
  std::ofstream{folder.region()} << "short";
  expect_refused(Region::attach(folder.path()), Error::Code::not_found, "not finished starting");
  {
    auto region = create(folder);
    ASSERT_TRUE(region) << region.error().words();
    EXPECT_FALSE(region->warm()) << "laid out over the remnant";
  }
  edit(folder, [](RegionHeader& header) { header.magic.store(0); });
  expect_refused(Region::attach(folder.path()), Error::Code::not_found, "not finished starting");
  auto region = create(folder);
  ASSERT_TRUE(region);
  EXPECT_FALSE(region->warm()) << "its creator died before the end";
}

TEST(Region, AForeignFileIsLeftAlone) {
  const Folder folder;
  std::ofstream{folder.region()} << std::string(2 * sizeof(RegionHeader), 'x');
  expect_refused(Region::attach(folder.path()), Error::Code::not_found, "not a region");
  EXPECT_FALSE(create(folder));
  EXPECT_EQ(std::filesystem::file_size(folder.region()), 2 * sizeof(RegionHeader));
}

TEST(Region, BelongsToOneDataplane) {
  const Folder folder;
  auto first = create(folder);
  ASSERT_TRUE(first);
  expect_refused(create(folder), Error::Code::conflict, "another fulcrum-dataplane");
  EXPECT_TRUE(Region::attach(folder.path())) << "control may come and go";
  first = Region::create_anonymous(kShape);  // lets the first go
  EXPECT_TRUE(create(folder));
}

TEST(Region, LiesElsewhereAndIsFoundByALink) {
  const Folder folder, elsewhere;
  const Region::CreateOptions options{
      .runtime_dir = folder.path(), .hugepage_dir = elsewhere.path(), .shape = kShape, .start_cold = false};
  {
    auto region = Region::create(options);
    ASSERT_TRUE(region) << region.error().words();
    EXPECT_TRUE(std::filesystem::is_symlink(folder.region()));
    EXPECT_FALSE(region->on_hugepages()) << "tmpfs in its place";
    region->entries()[1].word = 2;
    auto control = Region::attach(folder.path());
    ASSERT_TRUE(control);
    EXPECT_EQ(control->entries()[1].word, 2U);
    EXPECT_TRUE(control->is_current(folder.path()));
  }
  auto region = Region::create(options);
  ASSERT_TRUE(region);
  EXPECT_TRUE(region->warm());
  // Two boxes on one machine.
  const Folder other;
  auto second = Region::create({.runtime_dir = other.path(), .hugepage_dir = elsewhere.path(), .shape = kShape});
  ASSERT_TRUE(second) << second.error().words();
  EXPECT_FALSE(second->warm());
}

TEST(Region, ALinkToNowhereIsReplaced) {
  const Folder folder;
  std::filesystem::create_symlink("/nowhere/fulcrum", folder.region());
  expect_refused(Region::attach(folder.path()), Error::Code::not_found, "no region yet");
  auto region = create(folder);
  ASSERT_TRUE(region) << region.error().words();
  EXPECT_TRUE(Region::attach(folder.path()));
}

TEST(Region, LiesOnHugepagesWhereThereAreSome) {
  const Folder folder, mounted;
  if (mount("none", mounted.path().c_str(), "hugetlbfs", 0, nullptr) != 0) GTEST_SKIP() << "cannot mount hugetlbfs";
  const Region::CreateOptions options{
      .runtime_dir = folder.path(), .hugepage_dir = mounted.path(), .shape = kShape, .start_cold = false};
  {
    auto region = Region::create(options);
    if (region) {
      EXPECT_TRUE(region->on_hugepages());
      auto control = Region::attach(folder.path());
      EXPECT_TRUE(control && control->on_hugepages());
    } else {
      EXPECT_NE(region.error().words().find("nr_hugepages"), std::string::npos) << region.error().words();
    }
  }
  umount(mounted.path().c_str());
}

TEST(Region, MovesLikeAValue) {
  auto first = Region::create_anonymous(kShape);
  ASSERT_TRUE(first);
  RegionHeader* const where = &first->header();
  Region second = std::move(*first);
  EXPECT_EQ(&second.header(), where);
}

// A dataplane that dies while it lays the region out leaves either no region or a whole one.
TEST(Region, ACreatorKilledAtAnyMomentLeavesNoHalfRegion) {
  std::mt19937 random{std::random_device{}()};
  const Folder folder;
  for (int kills = 0; kills < 15; ++kills) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (;;) {
        if (!create(folder, kShape, true)) _exit(1);
      }
    }
    while (kills == 0 && !Region::attach(folder.path())) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 30'000});  // the random moment
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child could not create it";
    const auto control = Region::attach(folder.path());
    EXPECT_TRUE(control || control.error().code == Error::Code::not_found) << control.error().words();
    const auto next = create(folder);
    EXPECT_TRUE(next) << next.error().words();
  }
}

}  // namespace
}  // namespace fulcrum
