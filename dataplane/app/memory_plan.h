// Where the dataplane's memory comes from: hugepages for the region (a file on hugetlbfs) and for DPDK's buffers, or
// ordinary pages (the region on the runtime directory's tmpfs). Decided once at start, from the configuration, from
// what the machine has free, and from where the region of an earlier start lies: that one stays where it is, because it
// holds the established connections.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataplane/app/config.h"
#include "dataplane/base/result.h"

namespace fulcrum {

// What the machine has of one size of hugepages.
struct Hugepages {
  std::uint64_t page_bytes = 0;
  std::uint64_t free_pages = 0;  // neither used nor promised to somebody
  std::string mount;             // a mounted hugetlbfs with pages of this size; empty: none
};

// Where the region of an earlier start lies.
struct EarlierRegion {
  enum class Place : std::uint8_t { none, ordinary, hugepages } place = Place::none;
  std::string directory;  // of the file itself, on hugepages
};

struct MemoryNeeds {
  std::uint64_t region_bytes = 0;
  std::uint64_t packet_bytes = 0;  // `memory_mb`
};

struct MemoryPlan {
  std::string region_directory;  // a hugetlbfs; empty: ordinary pages
  bool packets_on_hugepages = false;
  std::string notice;  // empty, or what it fell back to and why
};

// `machine`: all sizes, the largest first. The region takes the largest pages of which there are enough: the fewer
// pages a table of gigabytes has, the more often the processor knows where one lies. DPDK takes pages of any size.
// Pure. Error: required but not there.
Result<MemoryPlan> plan_memory(HugepageUse use, const MemoryNeeds& needs, std::span<const Hugepages> machine,
                               const EarlierRegion& earlier);

// Asks the machine, the largest pages first; where pages of a size are reserved and nobody has mounted them, mounts
// hugetlbfs on /dev/hugepages or, for other sizes than the kernel's default, on a directory beside it.
std::vector<Hugepages> look_for_hugepages();
EarlierRegion look_for_region(const std::string& runtime_dir);

}  // namespace fulcrum
