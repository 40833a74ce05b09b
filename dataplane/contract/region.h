// The shared region: the one piece of memory that both processes map and that outlives either. A file on hugetlbfs, or
// on tmpfs where there are no hugepages. The dataplane creates it and holds a lock on it; control maps it. Everything
// in it is found by offsets from its start, because the processes map it at different addresses.
//
// <runtime_dir>/region is the file, or a symbolic link to it when it lies on hugetlbfs. The header says which layout
// the file has; a process that finds another one says so and leaves it alone.
//
// The region is born in three steps, so that nobody ever trusts half of it: the file gets its size (all zeros), the
// dataplane fills header and sections, and stores kRegionMagic last. A cold start makes a new file that takes the old
// one's name; control sees that, lets go of the old one and follows.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "dataplane/base/address.h"
#include "dataplane/base/ids.h"
#include "dataplane/base/result.h"
#include "dataplane/contract/capacities.h"
#include "dataplane/contract/connections.h"
#include "dataplane/contract/counters.h"
#include "dataplane/contract/explain.h"
#include "dataplane/contract/link.h"
#include "dataplane/contract/loads.h"
#include "dataplane/contract/messages.h"
#include "dataplane/contract/neighbours.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

inline constexpr std::uint64_t kRegionMagic = 0x31'4D'55'52'43'4C'55'46;  // "FULCRUM1"
inline constexpr std::uint32_t kLayoutVersion = 16;

// What is chosen at the dataplane's start and fixes all sizes.
struct RegionShape {
  std::uint32_t workers = 1;
  std::uint32_t connections = 0;             // capacity of the connection table
  std::uint32_t persistence = 0;             // capacity of the persistence table
  std::uint64_t connection_index_bytes = 0;  // of the tables' indexes, as dataplane/lookup computes them
  std::uint64_t persistence_index_bytes = 0;
  friend bool operator==(const RegionShape&, const RegionShape&) = default;
};

struct PortInfo {  // written by: the dataplane, at start
  Name name;
  Mac mac;
  std::uint16_t mtu = 0;
  std::array<char, 16> twin{};  // interface name of the kernel twin
  std::uint32_t in_use = 0;
  LinkState link = LinkState::unknown;  // written by: housekeeping, while it runs; see link_of()
};
inline LinkState link_of(const PortInfo& port) noexcept {
  LinkState value;
  __atomic_load(&port.link, &value, __ATOMIC_RELAXED);
  return value;
}
inline void set_link(PortInfo& port, LinkState value) noexcept { __atomic_store(&port.link, &value, __ATOMIC_RELAXED); }

struct SectionPlace {
  std::uint64_t offset = 0, size = 0;
};

struct RegionHeader {
  std::atomic<std::uint64_t> magic{0};
  std::uint32_t layout_version = 0;
  std::uint32_t header_size = 0;
  std::uint64_t total_size = 0;
  RegionShape shape;
  std::array<std::uint64_t, 2> hash_key{};  // of the connection table; drawn at every cold start
  std::uint64_t boot_id = 0;                // drawn at every cold start
  // Sections, in file order.
  SectionPlace workers, server_counters, snapshots, neighbours, entries, index, persistence_entries, persistence_index,
      explain, loads, shared_loads;
  Name twin_namespace;  // of the kernel twins; empty: the dataplane's own
  std::array<PortInfo, kPortsMax> ports;
  // Written by the dataplane at every start, after everything else is in place.
  std::atomic<std::uint32_t> dataplane_starts{0};  // grows with every start; control republishes when it changes
  std::atomic<std::uint32_t> dataplane_pid{0};
  std::atomic<std::uint64_t> dataplane_heartbeat{0};  // CLOCK_MONOTONIC ns of housekeeping's last turn
};

struct alignas(64) WorkerStatus {            // written by: its worker. read by: control
  std::atomic<std::uint64_t> generation{0};  // newest snapshot adopted (release, after the last use of the older one)
  std::atomic<std::uint32_t> slot{0};        // where that snapshot is
  std::atomic<std::uint32_t> load_rows{0};   // server rows below this may be chosen by load; 0: none
  std::atomic<std::uint64_t> turns{0};       // heartbeat
  std::atomic<std::uint64_t> busy_turns{0};  // turns that had a packet
  std::atomic<std::uint32_t> bandwidth_rows{0};  // as load_rows, by bandwidth
};
static_assert(sizeof(WorkerStatus) == 64);

// The tables as one worker knows them. Written by: its worker. Read by: control.
struct alignas(64) TableStatus {
  std::atomic<std::uint64_t> clear_request{0};  // the last Command::clear that is done (release, after `cleared`) ...
  std::atomic<std::uint64_t> cleared{0};        // ... and how many entries of this worker's share it ended
  std::atomic<std::uint64_t> connections{0};    // live in the whole table, as summed up a moment ago
  std::atomic<std::uint64_t> bindings{0};       // the same of the persistence table
  Counter evicted;                              // connections ended to make room for others
  Counter bindings_refused;
  std::array<Counter, 2> unused;
};
static_assert(sizeof(TableStatus) == 64);

// All that belongs to one thread of the dataplane.
struct WorkerSection {
  WorkerStatus status;
  TableStatus tables;
  PacketCounters packets;
  std::array<PortCounters, kPortsMax> ports;
  CommandRing commands;
  EventRing events;
};

// A mapped region. Movable; unmaps when destroyed. The accessors check nothing: attach() checked it all.
class Region {
 public:
  struct CreateOptions {
    std::string runtime_dir;   // where <runtime_dir>/region shall be found
    std::string hugepage_dir;  // a mounted hugetlbfs, or empty for tmpfs
    RegionShape shape;
    bool start_cold = false;  // discard what is there, whatever its layout
  };
  // Bytes of a region of this shape.
  [[nodiscard]] static std::uint64_t bytes_for(const RegionShape& shape);
  // The dataplane's way in: re-uses the region that is there if its layout and shape are ours (`warm()` is then
  // true), lays a new one out if there is none. Errors: another dataplane holds it, another layout version, another
  // shape, no room.
  static Result<Region> create(const CreateOptions& options);
  // Returns when no dataplane holds the region of that directory, or after two seconds: a process that was killed is
  // gone for its successor only when Linux has cleared its memory away, and until then its hugepages are not free
  // either.
  static void await_predecessor(const std::string& runtime_dir);
  // Control's and the tools' way in. Errors: none there yet (not_found), another layout version, damaged header.
  static Result<Region> attach(const std::string& runtime_dir);
  // The same on memory that is no file: unit tests, golden cases, fuzzers.
  static Result<Region> create_anonymous(const RegionShape& shape);

  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  ~Region();

  [[nodiscard]] bool warm() const noexcept { return warm_; }
  [[nodiscard]] bool on_hugepages() const noexcept { return on_hugepages_; }
  [[nodiscard]] std::uint64_t page_bytes() const noexcept;  // of the file it lies in
  // True while the file that is mapped is the one that <runtime_dir>/region leads to.
  [[nodiscard]] bool is_current(const std::string& runtime_dir) const;

  [[nodiscard]] RegionHeader& header() const noexcept { return *reinterpret_cast<RegionHeader*>(base_); }
  [[nodiscard]] std::uint32_t workers() const noexcept { return header().shape.workers; }
  // Index shape.workers is the housekeeping thread's (its rings stay empty).
  [[nodiscard]] WorkerSection& worker(std::size_t index) const noexcept;
  // The counters that worker `index` keeps, one row per server id.
  [[nodiscard]] std::span<ServerCounters> server_counters(std::size_t index) const noexcept;
  [[nodiscard]] Snapshot& snapshot(std::size_t slot) const noexcept;
  [[nodiscard]] NeighbourTable& neighbours() const noexcept;
  [[nodiscard]] std::span<ConnectionEntry> entries() const noexcept;
  [[nodiscard]] std::span<std::byte> index() const noexcept;
  [[nodiscard]] std::span<ConnectionEntry> persistence_entries() const noexcept;
  [[nodiscard]] std::span<std::byte> persistence_index() const noexcept;
  [[nodiscard]] ExplainBox& explain() const noexcept;
  // What worker `index` shows and is shown of the servers' load.
  [[nodiscard]] WorkerLoads& loads(std::size_t index) const noexcept;
  [[nodiscard]] SharedLoads& shared_loads() const noexcept;

 private:
  Region() = default;
  static void initialise(RegionHeader& header, const RegionShape& shape);
  Result<void> take_over(const std::string& path, std::uint64_t size, const RegionShape& shape);
  Result<void> lay_out_anew(const std::string& path, std::uint64_t old_size, const RegionShape& shape);
  template <class T>
  [[nodiscard]] T* at(std::uint64_t offset) const noexcept {
    return reinterpret_cast<T*>(base_ + offset);
  }
  std::byte* base_ = nullptr;
  std::size_t mapped_ = 0;
  int file_ = -1;
  bool warm_ = false;
  bool on_hugepages_ = false;
};

}  // namespace fulcrum
