#include "dataplane/app/memory_plan.h"

#include <string>
#include <vector>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;
constexpr MemoryNeeds kNeeds{.region_bytes = 9 * kMiB, .packet_bytes = 64 * kMiB};  // 5 + 32 pages of 2 MiB

Hugepages machine(std::uint64_t free_pages, const std::string& mount = "/dev/hugepages") {
  return {.page_bytes = 2 * kMiB, .free_pages = free_pages, .mount = mount};
}

TEST(MemoryPlan, Cases) {
  struct Case {
    std::string name;
    HugepageUse use;
    Hugepages machine;
    EarlierRegion earlier;
    bool region, packets, notice;
  };
  const std::vector<Case> cases{
      {"enough", HugepageUse::automatic, machine(37), EarlierRegion::none, true, true, false},
      {"one page short", HugepageUse::automatic, machine(36), EarlierRegion::none, false, false, true},
      {"region has its pages", HugepageUse::automatic, machine(32), EarlierRegion::hugepages, true, true, false},
      {"region has, packets lack", HugepageUse::automatic, machine(31), EarlierRegion::hugepages, true, false, true},
      {"region stays ordinary", HugepageUse::automatic, machine(99), EarlierRegion::ordinary, false, true, true},
      {"not mounted", HugepageUse::automatic, machine(99, ""), EarlierRegion::none, false, true, true},
      {"not mounted and short", HugepageUse::automatic, machine(3, ""), EarlierRegion::none, false, false, true},
      {"kernel without", HugepageUse::automatic, Hugepages{}, EarlierRegion::none, false, false, true},
      {"off", HugepageUse::off, machine(99), EarlierRegion::none, false, false, false},
      {"off, region stays", HugepageUse::off, machine(99), EarlierRegion::hugepages, true, false, true},
      {"required and there", HugepageUse::required, machine(37), EarlierRegion::none, true, true, false},
  };
  for (const Case& one : cases) {
    const auto plan = plan_memory(one.use, kNeeds, one.machine, one.earlier);
    ASSERT_TRUE(plan) << one.name;
    EXPECT_EQ(plan->region_on_hugepages, one.region) << one.name;
    EXPECT_EQ(plan->packets_on_hugepages, one.packets) << one.name;
    EXPECT_EQ(!plan->notice.empty(), one.notice) << one.name << ": " << plan->notice;
  }
}

TEST(MemoryPlan, RequiredButMissingSaysHowManyAndWhere) {
  const auto plan = plan_memory(HugepageUse::required, kNeeds, machine(3), EarlierRegion::none);
  ASSERT_FALSE(plan);
  const std::string words = plan.error().words();
  EXPECT_NE(words.find("3 hugepages of 2 MiB are free and 37 are needed"), std::string::npos) << words;
  EXPECT_NE(words.find("nr_hugepages"), std::string::npos) << words;
}

TEST(MemoryPlan, RequiredButNotMounted) {
  const auto plan = plan_memory(HugepageUse::required, kNeeds, machine(99, ""), EarlierRegion::none);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().words().find("mount -t hugetlbfs"), std::string::npos) << plan.error().words();
}

}  // namespace
}  // namespace fulcrum
