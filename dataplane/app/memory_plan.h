// Where the dataplane's memory comes from: hugepages for the region (a file on hugetlbfs) and for DPDK's buffers, or
// ordinary pages (the region on the runtime directory's tmpfs). Decided once at start, from the configuration, from
// what the machine has free, and from where the region of an earlier start lies: that one stays where it is, because it
// holds the established connections.
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/app/config.h"
#include "dataplane/base/result.h"

namespace fulcrum {

// What the machine has. Of the default hugepage size only: that is what hugetlbfs mounts and DPDK agree on.
struct Hugepages {
  std::uint64_t page_bytes = 0;  // 0: the kernel has none
  std::uint64_t free_pages = 0;  // neither used nor promised to somebody
  std::string mount;             // a mounted hugetlbfs with pages of this size; empty: none
};

// Where the region of an earlier start lies.
enum class EarlierRegion : std::uint8_t { none, ordinary, hugepages };

struct MemoryNeeds {
  std::uint64_t region_bytes = 0;
  std::uint64_t packet_bytes = 0;  // `memory_mb`
};

struct MemoryPlan {
  bool region_on_hugepages = false;
  bool packets_on_hugepages = false;
  std::string notice;  // empty, or what it fell back to and why
};

// Pure. Error: required but not there.
Result<MemoryPlan> plan_memory(HugepageUse use, const MemoryNeeds& needs, const Hugepages& machine,
                               EarlierRegion earlier);

// Asks the machine; mounts hugetlbfs on /dev/hugepages if pages are reserved and nobody has mounted it.
Hugepages look_for_hugepages();
EarlierRegion look_for_region(const std::string& runtime_dir);

}  // namespace fulcrum
