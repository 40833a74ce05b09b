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

// What the machine has of ordinary memory.
struct OrdinaryRoom {
  std::uint64_t available_bytes = 0;  // without swapping, of all memory
  std::uint64_t directory_bytes = 0;  // free where the runtime directory lies
};

// Whether what the plan puts on ordinary pages has room there. Asked before anything is taken: Linux promises memory
// that it does not have, and ends the process, or another one, when it is touched. Pure. Error: too little, of which.
Result<void> check_ordinary_room(const MemoryPlan& plan, const MemoryNeeds& needs, const EarlierRegion& earlier,
                                 const OrdinaryRoom& room);

// Asks the machine. A region of ordinary pages that lies in the directory already counts as free: a new one replaces
// it.
OrdinaryRoom look_for_ordinary_room(const std::string& runtime_dir);

// Asks the machine, the largest pages first; where pages of a size are reserved and nobody has mounted them, mounts
// hugetlbfs on /dev/hugepages or, for other sizes than the kernel's default, on a directory beside it.
std::vector<Hugepages> look_for_hugepages();
EarlierRegion look_for_region(const std::string& runtime_dir);

}  // namespace fulcrum
