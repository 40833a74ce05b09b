#include "dataplane/app/memory_plan.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/statfs.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "drivers/port/twin_namespace.h"

namespace fulcrum {
namespace {

constexpr const char* kMountPoint = "/dev/hugepages";

std::uint64_t pages_for(std::uint64_t bytes, std::uint64_t page_bytes) { return (bytes + page_bytes - 1) / page_bytes; }

// Why the pages do not do, in words; empty when they do.
std::string shortage(std::uint64_t wanted_pages, const Hugepages& machine) {
  if (machine.page_bytes == 0) return "this kernel has no hugepages";
  if (machine.free_pages < wanted_pages) {
    return fmt::format(
        "{} hugepages of {} MiB are free and {} are needed (write the number that is to be reserved to "
        "/proc/sys/vm/nr_hugepages)",
        machine.free_pages, machine.page_bytes >> 20U, wanted_pages);
  }
  return {};
}

std::string find_mount(std::uint64_t page_bytes) {
  std::ifstream mounts{"/proc/self/mounts"};
  std::string device;
  std::string place;
  std::string type;
  std::string rest;
  while (mounts >> device >> place >> type && std::getline(mounts, rest)) {
    struct statfs info {};
    if (type == "hugetlbfs" && statfs(place.c_str(), &info) == 0 && info.f_type == HUGETLBFS_MAGIC &&
        static_cast<std::uint64_t>(info.f_bsize) == page_bytes) {
      return place;
    }
  }
  return {};
}

}  // namespace

Result<MemoryPlan> plan_memory(HugepageUse use, const MemoryNeeds& needs, const Hugepages& machine,
                               EarlierRegion earlier) {
  if (use == HugepageUse::off) {
    const bool stays = earlier == EarlierRegion::hugepages;
    return MemoryPlan{.region_on_hugepages = stays,
                      .packets_on_hugepages = false,
                      .notice = stays ? "the region of the earlier start stays on hugepages; remove it, while no "
                                        "dataplane runs, to have it on ordinary pages"
                                      : ""};
  }
  const std::uint64_t page = machine.page_bytes == 0 ? 1 : machine.page_bytes;
  // A region that is there has its pages already, and one on ordinary pages stays there.
  const std::uint64_t region_pages = earlier == EarlierRegion::none ? pages_for(needs.region_bytes, page) : 0;
  const std::string lacking = shortage(region_pages + pages_for(needs.packet_bytes, page), machine);
  // DPDK needs pages only, the region needs a file that control can find.
  const bool unmounted = lacking.empty() && earlier == EarlierRegion::none && machine.mount.empty();
  const std::string no_mount = fmt::format("no hugetlbfs is mounted here (`mount -t hugetlbfs none {}`)", kMountPoint);
  if (use == HugepageUse::required && (unmounted || !lacking.empty())) {
    return fail(Error::Code::limit, "hugepages",
                fmt::format("required, but {}; or set hugepages = \"auto\"", unmounted ? no_mount : lacking));
  }
  MemoryPlan plan{.region_on_hugepages = earlier == EarlierRegion::hugepages,
                  .packets_on_hugepages = lacking.empty(),
                  .notice = {}};
  if (!lacking.empty()) {
    plan.notice = fmt::format("using ordinary pages, which is slower: {}", lacking);
  } else if (unmounted) {
    plan.notice = fmt::format("the region uses ordinary pages, which is slower: {}", no_mount);
  } else if (earlier == EarlierRegion::ordinary) {
    plan.notice = "the region of the earlier start stays on ordinary pages; --cold would move it";
  } else {
    plan.region_on_hugepages = true;
  }
  return plan;
}

Hugepages look_for_hugepages() {
  Hugepages found;
  std::uint64_t reserved = 0;
  std::ifstream information{"/proc/meminfo"};
  std::string line;
  while (std::getline(information, line)) {
    std::istringstream words{line};
    std::string name;
    std::uint64_t value = 0;
    words >> name >> value;
    if (name == "HugePages_Free:") found.free_pages = value;
    if (name == "HugePages_Rsvd:") reserved = value;
    if (name == "Hugepagesize:") found.page_bytes = value << 10U;
  }
  found.free_pages -= std::min(reserved, found.free_pages);
  if (found.page_bytes == 0) return found;
  found.mount = find_mount(found.page_bytes);
  if (found.mount.empty() && found.free_pages != 0) {
    // On the machine's side, or control in another mount namespace would not find the region.
    if (run_on_machine({"mkdir", "-p", kMountPoint}) &&
        run_on_machine({"mount", "-t", "hugetlbfs", "none", kMountPoint})) {
      found.mount = find_mount(found.page_bytes);
    }
  }
  return found;
}

EarlierRegion look_for_region(const std::string& runtime_dir) {
  struct statfs info {};
  if (statfs((runtime_dir + "/region").c_str(), &info) != 0) return EarlierRegion::none;
  return info.f_type == HUGETLBFS_MAGIC ? EarlierRegion::hugepages : EarlierRegion::ordinary;
}

}  // namespace fulcrum
