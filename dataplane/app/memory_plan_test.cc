#include "dataplane/app/memory_plan.h"

#include <string>
#include <vector>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using Place = EarlierRegion::Place;

constexpr std::uint64_t kMiB = 1U << 20U;
constexpr MemoryNeeds kNeeds{.region_bytes = 9 * kMiB, .packet_bytes = 64 * kMiB};  // 5 + 32 pages of 2 MiB
const std::string kSmall = "/dev/hugepages", kLarge = "/dev/hugepages-1024M";

std::vector<Hugepages> machine(std::uint64_t free_pages, const std::string& mount = kSmall) {
  return {{.page_bytes = 2 * kMiB, .free_pages = free_pages, .mount = mount}};
}

// With pages of 1 GiB, too.
std::vector<Hugepages> large(std::uint64_t gigabytes, std::uint64_t free_pages, const std::string& mount = kLarge) {
  return {{.page_bytes = 1024 * kMiB, .free_pages = gigabytes, .mount = mount},
          {.page_bytes = 2 * kMiB, .free_pages = free_pages, .mount = kSmall}};
}

const EarlierRegion kNone, kOrdinary{Place::ordinary, {}}, kThere{Place::hugepages, "/there"};

TEST(MemoryPlan, Cases) {
  constexpr auto kAutomatic = HugepageUse::automatic;
  struct Case {
    std::string name;
    HugepageUse use;
    std::vector<Hugepages> machine;
    EarlierRegion earlier;
    std::string region;
    bool packets, notice;
  };
  const std::vector<Case> cases{
      {"enough", kAutomatic, machine(37), kNone, kSmall, true, false},
      {"one page short", kAutomatic, machine(36), kNone, "", false, true},
      {"region has its pages", kAutomatic, machine(32), kThere, "/there", true, false},
      {"region has, packets lack", kAutomatic, machine(31), kThere, "/there", false, true},
      {"region stays ordinary", kAutomatic, machine(99), kOrdinary, "", true, true},
      {"not mounted", kAutomatic, machine(99, ""), kNone, "", true, true},
      {"not mounted and short", kAutomatic, machine(3, ""), kNone, "", false, true},
      {"kernel without", kAutomatic, {}, kNone, "", false, true},
      {"off", HugepageUse::off, machine(99), kNone, "", false, false},
      {"off, region stays", HugepageUse::off, machine(99), kThere, "/there", false, true},
      {"required and there", HugepageUse::required, machine(37), kNone, kSmall, true, false},
      {"large pages go first", kAutomatic, large(1, 37), kNone, kLarge, true, false},
      {"large for the region only", kAutomatic, large(1, 32), kNone, kLarge, true, false},
      {"large for packets, small for the region", kAutomatic, large(1, 5), kNone, kSmall, true, false},
      {"large for both", kAutomatic, large(2, 0), kNone, kLarge, true, false},
      {"one large page is not enough for both", kAutomatic, large(1, 4), kNone, "", false, true},
      {"large ones not mounted", kAutomatic, large(1, 37, ""), kNone, kSmall, true, false},
      {"no large ones free", kAutomatic, large(0, 37), kNone, kSmall, true, false},
      {"a region stays on small pages", kAutomatic, large(5, 37), kThere, "/there", true, false},
  };
  for (const Case& one : cases) {
    const auto plan = plan_memory(one.use, kNeeds, one.machine, one.earlier);
    ASSERT_TRUE(plan) << one.name;
    EXPECT_EQ(plan->region_directory, one.region) << one.name;
    EXPECT_EQ(plan->packets_on_hugepages, one.packets) << one.name;
    EXPECT_EQ(!plan->notice.empty(), one.notice) << one.name << ": " << plan->notice;
  }
}

TEST(MemoryPlan, RequiredButMissingSaysHowManyAndWhere) {
  const auto plan = plan_memory(HugepageUse::required, kNeeds, large(0, 3), kNone);
  ASSERT_FALSE(plan);
  const std::string words = plan.error().words();
  EXPECT_NE(words.find("3 hugepages of 2 MiB are free and 37 are needed"), std::string::npos) << words;
  EXPECT_NE(words.find("hugepages-2048kB/nr_hugepages"), std::string::npos) << words;
}

TEST(MemoryPlan, RequiredButNotMounted) {
  const auto plan = plan_memory(HugepageUse::required, kNeeds, machine(99, ""), kNone);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().words().find("mount -t hugetlbfs"), std::string::npos) << plan.error().words();
}

// 9 MiB for the region, 64 MiB for packets.
TEST(OrdinaryRoom, Cases) {
  struct Case {
    std::string name;
    MemoryPlan plan;
    EarlierRegion earlier;
    OrdinaryRoom room;
    std::string refused;  // the object of the error; empty: it fits
  };
  const MemoryPlan ordinary, packets_huge{"", true, ""}, all_huge{kSmall, true, ""}, region_huge{kSmall, false, ""};
  const std::vector<Case> cases{
      {"just fits", ordinary, kNone, {73 * kMiB, 9 * kMiB}, ""},
      {"memory lacks", ordinary, kNone, {72 * kMiB, 9 * kMiB}, "memory_mb"},
      {"directory lacks", ordinary, kNone, {999 * kMiB, 8 * kMiB}, "connections"},
      {"the wrong place", ordinary, kNone, {999 * kMiB, 0}, "runtime_dir"},
      {"memory for the region lacks", packets_huge, kNone, {8 * kMiB, 99 * kMiB}, "connections"},
      {"only the region counts", packets_huge, kNone, {9 * kMiB, 9 * kMiB}, ""},
      {"only packets count", region_huge, kNone, {64 * kMiB, 0}, ""},
      {"the region is there", ordinary, kOrdinary, {64 * kMiB, 0}, ""},
      {"nothing is needed", all_huge, kNone, {0, 0}, ""},
  };
  for (const Case& one : cases) {
    const auto fits = check_ordinary_room(one.plan, kNeeds, one.earlier, one.room);
    EXPECT_EQ(fits ? "" : fits.error().path, one.refused) << one.name;
  }
}

}  // namespace
}  // namespace fulcrum
