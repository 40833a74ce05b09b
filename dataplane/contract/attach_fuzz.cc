// libFuzzer target of a region's attach: a good header with damage written over it, in a file of a good or a wrong
// length. Attaching must refuse or give a region whose sections can be touched from end to end.
//
// Input: byte 0 chooses the file's length; then patches of {offset in the header, two bytes; length, one byte; bytes}.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>

#include "dataplane/base/invariant.h"
#include "dataplane/contract/region.h"

namespace fulcrum {
namespace {

constexpr RegionShape kShape{
    .workers = 1, .connections = 64, .persistence = 32, .connection_index_bytes = 1024, .persistence_index_bytes = 512};

class RegionFile {
 public:
  RegionFile() {
    std::string pattern = std::filesystem::is_directory("/dev/shm") ? "/dev/shm/attach-XXXXXX" : "/tmp/attach-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    const auto region = Region::create({.runtime_dir = folder_, .hugepage_dir = "", .shape = kShape});
    FULCRUM_ASSERT(region.has_value());
    std::memcpy(header_.data(), &region->header(), header_.size());
    size_ = region->header().total_size;
    file_ = open((folder_ + "/region").c_str(), O_RDWR | O_CLOEXEC);
    FULCRUM_ASSERT(file_ >= 0);
  }
  ~RegionFile() {
    close(file_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  RegionFile(const RegionFile&) = delete;
  RegionFile& operator=(const RegionFile&) = delete;

  void set(std::uint8_t length, std::span<const std::uint8_t> patches) const {
    const std::array<std::uint64_t, 6> lengths{
        size_, size_ - 1, size_ - 4096, sizeof(RegionHeader), size_ * 2, sizeof(RegionHeader) - 1};
    FULCRUM_ASSERT(ftruncate(file_, static_cast<off_t>(lengths[length % lengths.size()])) == 0);
    auto header = header_;
    while (patches.size() > 3) {
      const std::size_t offset = (patches[0] + patches[1] * 256U) % header.size();
      const std::size_t count = std::min<std::size_t>({patches[2], patches.size() - 3, header.size() - offset});
      std::memcpy(header.data() + offset, patches.data() + 3, count);
      patches = patches.subspan(3 + count);
    }
    FULCRUM_ASSERT(pwrite(file_, header.data(), header.size(), 0) == static_cast<ssize_t>(header.size()));
  }
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  std::array<std::byte, sizeof(RegionHeader)> header_;
  std::uint64_t size_ = 0;
  int file_ = -1;
};

template <class T>
void touch(const T* first, const T* last) {
  const auto* begin = reinterpret_cast<const volatile std::uint8_t*>(first);
  const auto* end = reinterpret_cast<const volatile std::uint8_t*>(last);
  if (begin == end) return;
  static_cast<void>(*begin);
  static_cast<void>(end[-1]);
}

void touch_all(const Region& region) {
  FULCRUM_ASSERT(region.workers() >= 1 && region.workers() <= kWorkersMax);
  touch(&region.worker(0), &region.worker(region.workers()) + 1);
  const auto counters = region.server_counters(region.workers() - 1);
  touch(counters.data(), counters.data() + counters.size());
  touch(&region.snapshot(0), &region.snapshot(kSnapshotSlots - 1) + 1);
  touch(&region.neighbours(), &region.neighbours() + 1);
  touch(region.entries().data(), region.entries().data() + region.entries().size());
  touch(region.index().data(), region.index().data() + region.index().size());
  touch(region.persistence_entries().data(), region.persistence_entries().data() + region.persistence_entries().size());
  touch(region.persistence_index().data(), region.persistence_index().data() + region.persistence_index().size());
  touch(&region.loads(0), &region.loads(region.workers() - 1) + 1);
  touch(&region.shared_loads(), &region.shared_loads() + 1);
  FULCRUM_ASSERT(region.header().twin_namespace.view().size() <= sizeof(Name));
  for (const PortInfo& port : region.header().ports) FULCRUM_ASSERT(port.name.view().size() <= sizeof(Name));
}

}  // namespace
}  // namespace fulcrum

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fulcrum::RegionFile file;
  const std::span<const std::uint8_t> input{data, size};
  file.set(input.empty() ? std::uint8_t{0} : input[0], input.subspan(input.empty() ? 0 : 1));
  const auto region = fulcrum::Region::attach(file.folder());
  if (region) {
    fulcrum::touch_all(*region);
  } else {
    FULCRUM_ASSERT(!region.error().text.empty());
  }
  return 0;
}
