#include "dataplane/contract/region.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "dataplane/base/invariant.h"

namespace fulcrum {
namespace {

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

// Places every section; the same shape always gives the same places.
void lay_out(RegionHeader& header, const RegionShape& shape) {
  header.layout_version = kLayoutVersion;
  header.header_size = sizeof(RegionHeader);
  header.shape = shape;
  std::uint64_t end = round_up(sizeof(RegionHeader), 4096);
  const auto place = [&end](SectionPlace& section, std::uint64_t size) {
    section = {.offset = end, .size = size};
    end = round_up(end + size, 4096);
  };
  place(header.workers, (shape.workers + 1) * sizeof(WorkerSection));
  place(header.server_counters, shape.workers * kServersMax * sizeof(ServerCounters));
  place(header.snapshots, kSnapshotSlots * sizeof(Snapshot));
  place(header.neighbours, sizeof(NeighbourTable));
  place(header.entries, shape.connections * sizeof(ConnectionEntry));
  place(header.index, shape.connection_index_bytes);
  place(header.persistence_entries, shape.persistence * sizeof(ConnectionEntry));
  place(header.persistence_index, shape.persistence_index_bytes);
  place(header.explain, sizeof(ExplainBox));
  place(header.loads, shape.workers * sizeof(WorkerLoads));
  place(header.shared_loads, sizeof(SharedLoads));
  header.total_size = end;
}

constexpr const char* kNoRegionYet =
    "is not a region of Fulcrum, or its dataplane has not finished starting: if none is starting, start "
    "fulcrum-dataplane with --cold, which lays out a new one";

// Why this header cannot be used by this program, if so. Compares with what we would have laid out ourselves, so no
// offset or size from the file is ever trusted.
std::optional<Error> refuse(const RegionHeader& header, const std::string& path, std::uint64_t file_size) {
  if (header.magic.load(std::memory_order_acquire) != kRegionMagic) {
    return Error{Error::Code::not_found, path, kNoRegionYet};
  }
  if (header.layout_version != kLayoutVersion || header.header_size != sizeof(RegionHeader)) {
    return Error{
        Error::Code::invalid, path,
        fmt::format("region of layout version {}, this program has {}: run the programs of one release, or start "
                    "fulcrum-dataplane with --cold (which forgets the established connections)",
                    header.layout_version, kLayoutVersion)};
  }
  RegionHeader expected;
  // Bounded before anything is computed from it, so that no sum of sizes wraps around.
  if (header.shape.workers == 0 || header.shape.workers > kWorkersMax ||
      header.shape.connection_index_bytes > file_size || header.shape.persistence_index_bytes > file_size) {
    return Error{Error::Code::invalid, path,
                 "damaged header: start fulcrum-dataplane with --cold (which forgets the established connections)"};
  }
  lay_out(expected, header.shape);
  if (header.total_size != expected.total_size || header.total_size > file_size ||
      std::memcmp(&header.workers, &expected.workers, sizeof(SectionPlace) * 11) != 0) {
    return Error{Error::Code::invalid, path,
                 "damaged header: start fulcrum-dataplane with --cold (which forgets the established connections)"};
  }
  return std::nullopt;
}

std::uint64_t random_word() {
  std::uint64_t word = 0;
  // Up to 256 bytes never fail once the pool is initialised, and before that the call waits.
  FULCRUM_ASSERT(getrandom(&word, sizeof word, 0) == sizeof word);
  return word;
}

struct MappedFile {
  int file = -1;
  std::byte* base = nullptr;
  std::uint64_t size = 0;
  bool on_hugepages = false;
};

bool is_hugetlbfs(int file) {
  struct statfs info {};
  return fstatfs(file, &info) == 0 && info.f_type == HUGETLBFS_MAGIC;
}

Result<MappedFile> map_file(int file, const std::string& path, std::uint64_t size) {
  MappedFile mapped{.file = file, .size = size, .on_hugepages = is_hugetlbfs(file)};
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (base == MAP_FAILED) {
    return fail(Error::Code::io, path,
                fmt::format("cannot map {} MiB: {}; free memory, or start fulcrum-dataplane with fewer `connections`",
                            size >> 20U, errno_words(errno)));
  }
  mapped.base = static_cast<std::byte*>(base);
  return mapped;
}

// Where the region lies: the link <runtime_dir>/region itself, or what it points to.
std::string link_path(const std::string& runtime_dir) { return runtime_dir + "/region"; }

std::string file_path(const Region::CreateOptions& options) {
  if (options.hugepage_dir.empty()) return link_path(options.runtime_dir);
  // One file per runtime directory, so that two boxes on one machine do not meet.
  std::string flat = options.runtime_dir;
  for (char& letter : flat) letter = letter == '/' ? '-' : letter;
  return options.hugepage_dir + "/fulcrum" + flat;
}

std::uint64_t size_of(int file) {
  struct stat info {};
  return fstat(file, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

std::uint64_t page_size_of(int file) {
  struct stat info {};
  return fstat(file, &info) == 0 ? static_cast<std::uint64_t>(info.st_blksize) : 4096;
}

bool is_named(int file, const std::string& path) {
  struct stat named {};
  struct stat mine {};
  return stat(path.c_str(), &named) == 0 && fstat(file, &mine) == 0 && named.st_ino == mine.st_ino &&
         named.st_dev == mine.st_dev;
}

// A dataplane that was killed holds its lock until Linux has cleared its memory away, which takes a moment.
constexpr int kLockTries = 100;
constexpr useconds_t kLockPause = 20'000;

// Opens the file, made when missing, and takes the dataplane's lock on it.
Result<int> lock_file(const std::string& path) {
  for (int tries = 1;; ++tries) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
      return fail(
          Error::Code::io, path,
          fmt::format("cannot open or make the shared region: {}; mend that, or `runtime_dir`", errno_words(errno)));
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
      close(file);
      if (tries < kLockTries) {
        usleep(kLockPause);
        continue;
      }
      return fail(
          Error::Code::conflict, path,
          "another fulcrum-dataplane is running with this region: stop it, or give this one its own `runtime_dir`");
    }
    if (is_named(file, path)) return file;
    close(file);  // another dataplane replaced the file between our two calls; it has gone, or has locked the new one
  }
}

// `wait`: memory of the region's predecessor comes back when control lets go of it, so a lack of it may pass.
Result<void> set_size(int file, const std::string& path, std::uint64_t size, bool on_hugepages, bool wait) {
  constexpr useconds_t kPause = 50'000;
  for (int tries_left = wait ? 40 : 0;; --tries_left) {
    // fallocate, so that missing memory is an error sentence now and not a SIGBUS in the middle of a packet.
    if (ftruncate(file, static_cast<off_t>(size)) == 0 && fallocate(file, 0, 0, static_cast<off_t>(size)) == 0)
      return {};
    const int reason = errno;
    if (tries_left == 0 || (reason != ENOSPC && reason != ENOMEM)) {
      // What it got is of no use, and of huge pages there would be none left for the next try.
      [[maybe_unused]] const int emptied = ftruncate(file, 0);
      return fail(Error::Code::io, path,
                  fmt::format("no room for {} MiB: {}{}", size >> 20U, errno_words(reason),
                              on_hugepages ? "; reserve more in /proc/sys/vm/nr_hugepages or lower `connections`"
                                           : "; lower `connections` or make room where `runtime_dir` lies"));
    }
    usleep(kPause);
  }
}

}  // namespace

std::uint64_t Region::bytes_for(const RegionShape& shape) {
  RegionHeader wanted;
  lay_out(wanted, shape);
  return wanted.total_size;
}

Result<Region> Region::create(const CreateOptions& options) {
  const std::string path = file_path(options);
  std::error_code ignored;
  std::filesystem::create_directories(options.runtime_dir, ignored);
  // A link whose end is gone, say with the hugepages that were mounted there: nothing to come back to.
  if (std::filesystem::is_symlink(path, ignored) && !std::filesystem::exists(path, ignored)) unlink(path.c_str());
  auto file = lock_file(path);
  if (!file) return tl::unexpected<Error>{file.error()};
  Region region;
  region.file_ = *file;
  region.on_hugepages_ = is_hugetlbfs(region.file_);
  const std::uint64_t old_size = size_of(region.file_);
  if (old_size >= sizeof(RegionHeader) && !options.start_cold) {
    if (auto taken = region.take_over(path, old_size, options.shape); !taken) {
      return tl::unexpected<Error>{taken.error()};
    }
  }
  if (!region.warm_) {
    if (auto made = region.lay_out_anew(path, old_size, options.shape); !made) {
      return tl::unexpected<Error>{made.error()};
    }
  }
  if (path != link_path(options.runtime_dir)) {
    // Atomically: control may look at any moment.
    const std::string fresh = link_path(options.runtime_dir) + ".new";
    unlink(fresh.c_str());
    if (symlink(path.c_str(), fresh.c_str()) != 0 ||
        rename(fresh.c_str(), link_path(options.runtime_dir).c_str()) != 0) {
      return fail(Error::Code::io, link_path(options.runtime_dir), errno_words(errno));
    }
  }
  return region;
}

// Maps what an earlier dataplane left, if it is whole and of our shape.
Result<void> Region::take_over(const std::string& path, std::uint64_t size, const RegionShape& shape) {
  auto mapped = map_file(file_, path, size);
  if (!mapped) return tl::unexpected<Error>{mapped.error()};
  base_ = mapped->base;
  mapped_ = size;
  // A creator that died before the end left no magic: such a file is laid out anew.
  if (header().magic.load(std::memory_order_acquire) == 0) {
    munmap(base_, mapped_);
    base_ = nullptr;
    return {};
  }
  if (auto error = refuse(header(), path, size)) return tl::unexpected<Error>{*error};
  if (!(header().shape == shape)) {
    return fail(Error::Code::conflict, path,
                fmt::format("region laid out for {} workers, {} connections and {} clients bound to servers, the "
                            "configuration wants {}, {} and {}: start with --cold (which forgets the established "
                            "connections)",
                            header().shape.workers, header().shape.connections, header().shape.persistence,
                            shape.workers, shape.connections, shape.persistence));
  }
  warm_ = true;
  return {};
}

// In a new file that takes the old one's name: control may have the old one mapped, and what is cut off under a mapping
// kills its reader. Control notices the change of files and lets go, which is what gives the old memory back.
Result<void> Region::lay_out_anew(const std::string& path, std::uint64_t old_size, const RegionShape& shape) {
  if (old_size != 0) {
    const std::string fresh = path + ".fresh";
    unlink(fresh.c_str());
    auto file = lock_file(fresh);
    if (!file) return tl::unexpected<Error>{file.error()};
    const int old = std::exchange(file_, *file);
    const bool renamed = rename(fresh.c_str(), path.c_str()) == 0;
    const int reason = errno;
    close(old);
    if (!renamed) return fail(Error::Code::io, path, errno_words(reason));
  }
  RegionHeader wanted;
  lay_out(wanted, shape);
  const std::uint64_t size = round_up(wanted.total_size, on_hugepages_ ? page_size_of(file_) : 4096);
  if (auto sized = set_size(file_, path, size, on_hugepages_, old_size != 0); !sized) {
    unlink(path.c_str());  // it is empty, and nobody else's: we hold its lock
    return sized;
  }
  auto mapped = map_file(file_, path, size);
  if (!mapped) return tl::unexpected<Error>{mapped.error()};
  base_ = mapped->base;
  mapped_ = size;
  initialise(header(), shape);
  return {};
}

void Region::await_predecessor(const std::string& runtime_dir) {
  const int file = open(link_path(runtime_dir).c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  for (int tries = 1; tries < kLockTries && flock(file, LOCK_EX | LOCK_NB) != 0; ++tries) usleep(kLockPause);
  close(file);
}

Result<Region> Region::attach(const std::string& runtime_dir) {
  const std::string path = link_path(runtime_dir);
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) {
    const int reason = errno;
    return fail(
        reason == ENOENT ? Error::Code::not_found : Error::Code::io, path,
        reason == ENOENT ? "no region yet: start fulcrum-dataplane, or check `runtime_dir`" : errno_words(reason));
  }
  Region region;
  region.file_ = file;
  struct stat info {};
  if (fstat(file, &info) != 0) return fail(Error::Code::io, path, errno_words(errno));
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size < sizeof(RegionHeader)) return fail(Error::Code::not_found, path, kNoRegionYet);
  auto mapped = map_file(file, path, size);
  if (!mapped) return tl::unexpected<Error>{mapped.error()};
  region.base_ = mapped->base;
  region.mapped_ = size;
  region.on_hugepages_ = mapped->on_hugepages;
  region.warm_ = true;
  if (auto error = refuse(region.header(), path, size)) return tl::unexpected<Error>{*error};
  return region;
}

Result<Region> Region::create_anonymous(const RegionShape& shape) {
  RegionHeader wanted;
  lay_out(wanted, shape);
  void* base =
      mmap(nullptr, wanted.total_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return fail(Error::Code::io, "memory", errno_words(errno));
  Region region;
  region.base_ = static_cast<std::byte*>(base);
  region.mapped_ = wanted.total_size;
  initialise(region.header(), shape);
  return region;
}

void Region::initialise(RegionHeader& header, const RegionShape& shape) {
  lay_out(header, shape);
  for (auto& word : header.hash_key) word = random_word();
  header.boot_id = random_word();
  header.magic.store(kRegionMagic, std::memory_order_release);
}

Region::Region(Region&& other) noexcept { *this = std::move(other); }

Region& Region::operator=(Region&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(mapped_, other.mapped_);
  std::swap(file_, other.file_);
  std::swap(warm_, other.warm_);
  std::swap(on_hugepages_, other.on_hugepages_);
  return *this;
}

Region::~Region() {
  if (base_ != nullptr) munmap(base_, mapped_);
  if (file_ >= 0) close(file_);
}

bool Region::is_current(const std::string& runtime_dir) const {
  struct stat named {};
  struct stat mine {};
  return file_ >= 0 && stat(link_path(runtime_dir).c_str(), &named) == 0 && fstat(file_, &mine) == 0 &&
         named.st_ino == mine.st_ino && named.st_dev == mine.st_dev && named.st_size == mine.st_size;
}

std::uint64_t Region::page_bytes() const noexcept { return on_hugepages_ ? page_size_of(file_) : 4096; }

WorkerSection& Region::worker(std::size_t index) const noexcept {
  return at<WorkerSection>(header().workers.offset)[index];
}
std::span<ServerCounters> Region::server_counters(std::size_t index) const noexcept {
  return {at<ServerCounters>(header().server_counters.offset) + index * kServersMax, kServersMax};
}
Snapshot& Region::snapshot(std::size_t slot) const noexcept { return at<Snapshot>(header().snapshots.offset)[slot]; }
NeighbourTable& Region::neighbours() const noexcept { return *at<NeighbourTable>(header().neighbours.offset); }
std::span<ConnectionEntry> Region::entries() const noexcept {
  return {at<ConnectionEntry>(header().entries.offset), header().shape.connections};
}
std::span<std::byte> Region::index() const noexcept {
  return {at<std::byte>(header().index.offset), header().shape.connection_index_bytes};
}

std::span<ConnectionEntry> Region::persistence_entries() const noexcept {
  return {at<ConnectionEntry>(header().persistence_entries.offset), header().shape.persistence};
}
std::span<std::byte> Region::persistence_index() const noexcept {
  return {at<std::byte>(header().persistence_index.offset), header().shape.persistence_index_bytes};
}
ExplainBox& Region::explain() const noexcept { return *at<ExplainBox>(header().explain.offset); }
WorkerLoads& Region::loads(std::size_t index) const noexcept { return at<WorkerLoads>(header().loads.offset)[index]; }
SharedLoads& Region::shared_loads() const noexcept { return *at<SharedLoads>(header().shared_loads.offset); }

}  // namespace fulcrum
