#include "dataplane/app/memory_plan.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "drivers/port/twin_namespace.h"

namespace fulcrum {
namespace {

constexpr const char* kMountPoint = "/dev/hugepages";

std::uint64_t pages_for(std::uint64_t bytes, std::uint64_t page_bytes) { return (bytes + page_bytes - 1) / page_bytes; }

constexpr const char* kSizes = "/sys/kernel/mm/hugepages";

std::string name_of(std::uint64_t page_bytes) {
  return page_bytes >> 30U != 0 ? fmt::format("{} GiB", page_bytes >> 30U) : fmt::format("{} MiB", page_bytes >> 20U);
}

// Whether DPDK finds its pages when `taken` of size `of` are the region's.
bool packets_fit(const MemoryNeeds& needs, std::span<const Hugepages> machine, const Hugepages* of,
                 std::uint64_t taken) {
  return std::any_of(machine.begin(), machine.end(), [&](const Hugepages& size) {
    const std::uint64_t free = size.free_pages - (&size == of ? taken : 0);
    return free >= pages_for(needs.packet_bytes, size.page_bytes);
  });
}

// The largest pages that have room for the region and leave DPDK enough, mounted ones before others; null: none.
const Hugepages* room_for_region(const MemoryNeeds& needs, std::span<const Hugepages> machine) {
  const Hugepages* unmounted = nullptr;
  for (const Hugepages& size : machine) {
    const std::uint64_t pages = pages_for(needs.region_bytes, size.page_bytes);
    if (size.free_pages < pages || !packets_fit(needs, machine, &size, pages)) continue;
    if (!size.mount.empty()) return &size;
    if (unmounted == nullptr) unmounted = &size;
  }
  return unmounted;
}

// What is missing, in words: of the smallest pages, which are the easiest to have.
std::string shortage(std::uint64_t region_bytes, std::uint64_t packet_bytes, std::span<const Hugepages> machine) {
  if (machine.empty()) return "this kernel has no hugepages";
  const Hugepages& size = machine.back();
  return fmt::format(
      "{} hugepages of {} are free and {} are needed (write the number that is to be reserved to "
      "{}/hugepages-{}kB/nr_hugepages)",
      size.free_pages, name_of(size.page_bytes),
      pages_for(region_bytes, size.page_bytes) + pages_for(packet_bytes, size.page_bytes), kSizes,
      size.page_bytes >> 10U);
}

// With less than this, not the tables are too large but the place is the wrong one.
constexpr std::uint64_t kLeastDirectory = 1U << 20U;

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

Result<MemoryPlan> plan_memory(HugepageUse use, const MemoryNeeds& needs, std::span<const Hugepages> machine,
                               const EarlierRegion& earlier) {
  using Place = EarlierRegion::Place;
  MemoryPlan plan{.region_directory = earlier.directory, .packets_on_hugepages = false, .notice = {}};
  if (use == HugepageUse::off) {
    if (earlier.place == Place::hugepages) {
      plan.notice =
          "the region of the earlier start stays on hugepages; remove it, while no dataplane runs, to have it on "
          "ordinary pages";
    }
    return plan;
  }
  // A region that is there has its pages already, and one on ordinary pages stays there.
  const bool is_new = earlier.place == Place::none;
  const Hugepages* room = is_new ? room_for_region(needs, machine) : nullptr;
  plan.packets_on_hugepages = is_new ? room != nullptr : packets_fit(needs, machine, nullptr, 0);
  std::string lacking;
  if (!plan.packets_on_hugepages) {
    lacking = shortage(is_new ? needs.region_bytes : 0, needs.packet_bytes, machine);
  } else if (room != nullptr && room->mount.empty()) {
    // DPDK needs pages only, the region needs a file that control can find.
    lacking = fmt::format("no hugetlbfs is mounted here (`mount -t hugetlbfs none {}`)", kMountPoint);
    plan.notice = fmt::format("the region uses ordinary pages, which is slower: {}", lacking);
  } else if (room != nullptr) {
    plan.region_directory = room->mount;
  } else if (earlier.place == Place::ordinary) {
    plan.notice = "the region of the earlier start stays on ordinary pages; --cold would move it";
  }
  if (!lacking.empty() && use == HugepageUse::required) {
    return fail(Error::Code::limit, "hugepages", fmt::format("required, but {}; or set hugepages = \"auto\"", lacking));
  }
  if (!plan.packets_on_hugepages) plan.notice = fmt::format("using ordinary pages, which is slower: {}", lacking);
  return plan;
}

Result<void> check_ordinary_room(const MemoryPlan& plan, const MemoryNeeds& needs, const EarlierRegion& earlier,
                                 const OrdinaryRoom& room) {
  const bool is_new = earlier.place == EarlierRegion::Place::none && plan.region_directory.empty();
  const std::uint64_t region = is_new ? needs.region_bytes : 0;
  const std::uint64_t packets = plan.packets_on_hugepages ? 0 : needs.packet_bytes;
  if (region > room.directory_bytes && room.directory_bytes < kLeastDirectory) {
    return fail(Error::Code::limit, "runtime_dir",
                fmt::format("{} MiB are free there, and the tables take {} MiB: name a folder in memory, such as one "
                            "below /run, or make room there",
                            room.directory_bytes >> 20U, region >> 20U));
  }
  if (region > room.directory_bytes) {
    return fail(Error::Code::limit, "connections",
                fmt::format("the tables take {} MiB and {} MiB are free where `runtime_dir` lies: lower `connections` "
                            "and `persistence_entries`, or make room there",
                            region >> 20U, room.directory_bytes >> 20U));
  }
  if (region + packets > room.available_bytes) {
    return fail(Error::Code::limit, packets > region ? "memory_mb" : "connections",
                fmt::format("this machine has {} MiB of memory free; the tables take {} MiB of it and packets {} MiB: "
                            "lower `memory_mb` or `connections`",
                            room.available_bytes >> 20U, region >> 20U, packets >> 20U));
  }
  return {};
}

namespace {

std::uint64_t number_in(const std::filesystem::path& file) {
  std::ifstream stream{file};
  std::uint64_t number = 0;
  stream >> number;
  return number;
}

// A line of /proc/meminfo, in bytes; 0: there is none.
std::uint64_t memory_information(std::string_view wanted) {
  std::ifstream information{"/proc/meminfo"};
  std::string line;
  while (std::getline(information, line)) {
    std::istringstream words{line};
    std::string name;
    std::uint64_t kilobytes = 0;
    words >> name >> kilobytes;
    if (name == wanted) return kilobytes << 10U;
  }
  return 0;
}

// On the machine's side, or control in another mount namespace would not find the region.
void mount_pages(std::uint64_t page_bytes) {
  const bool is_default = page_bytes == memory_information("Hugepagesize:");
  const std::string place = is_default ? kMountPoint : fmt::format("{}-{}M", kMountPoint, page_bytes >> 20U);
  if (!run_on_machine({"mkdir", "-p", place})) return;
  run_on_machine({"mount", "-t", "hugetlbfs", "-o", fmt::format("pagesize={}", page_bytes), "none", place});
}

}  // namespace

std::vector<Hugepages> look_for_hugepages() {
  std::vector<Hugepages> sizes;
  std::error_code none;
  for (const auto& folder : std::filesystem::directory_iterator{kSizes, none}) {
    // "hugepages-2048kB"
    const std::string name = folder.path().filename();
    const std::size_t digits = name.find_first_of("0123456789");
    std::uint64_t kilobytes = 0;
    if (digits == std::string::npos) continue;
    std::from_chars(name.data() + digits, name.data() + name.size(), kilobytes);
    if (kilobytes == 0) continue;
    Hugepages size{
        .page_bytes = kilobytes << 10U, .free_pages = number_in(folder.path() / "free_hugepages"), .mount = {}};
    size.free_pages -= std::min(number_in(folder.path() / "resv_hugepages"), size.free_pages);
    size.mount = find_mount(size.page_bytes);
    if (size.mount.empty() && size.free_pages != 0) {
      mount_pages(size.page_bytes);
      size.mount = find_mount(size.page_bytes);
    }
    sizes.push_back(std::move(size));
  }
  std::sort(sizes.begin(), sizes.end(),
            [](const Hugepages& one, const Hugepages& other) { return one.page_bytes > other.page_bytes; });
  return sizes;
}

OrdinaryRoom look_for_ordinary_room(const std::string& runtime_dir) {
  std::error_code none;
  std::filesystem::path there = runtime_dir;
  while (!std::filesystem::exists(there, none) && there.has_relative_path()) there = there.parent_path();
  const std::uint64_t free = std::filesystem::space(there, none).available;
  OrdinaryRoom room{.available_bytes = memory_information("MemAvailable:"), .directory_bytes = none ? 0 : free};
  struct stat old {};
  if (lstat((runtime_dir + "/region").c_str(), &old) == 0 && S_ISREG(old.st_mode)) {
    const std::uint64_t held = static_cast<std::uint64_t>(old.st_blocks) * 512;
    room.available_bytes += held;
    room.directory_bytes += held;
  }
  return room;
}

EarlierRegion look_for_region(const std::string& runtime_dir) {
  const std::filesystem::path link = runtime_dir + "/region";
  struct statfs info {};
  if (statfs(link.c_str(), &info) != 0) return {};
  if (info.f_type != HUGETLBFS_MAGIC) return {EarlierRegion::Place::ordinary, {}};
  std::error_code error;
  const std::filesystem::path file = std::filesystem::canonical(link, error);
  return {EarlierRegion::Place::hugepages, file.parent_path()};
}

}  // namespace fulcrum
