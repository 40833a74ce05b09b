// Snapshots by hand, for tests below control/compile: rows, indexes and routes exactly as the test wants them.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/contract/snapshot.h"

namespace fulcrum::test {

class SnapshotBuilder {
 public:
  // Empties `snapshot` and builds in it. Borrowed.
  explicit SnapshotBuilder(Snapshot& snapshot, std::uint64_t generation = 1);

  ServiceId service(const char* address, std::uint16_t port, Protocol protocol = Protocol::tcp, Mode mode = Mode::nat);
  // A service with the ports from `first` to `last`; one of an address and protocol.
  ServiceId range(const char* address, std::uint16_t first, std::uint16_t last, Protocol protocol = Protocol::tcp,
                  Mode mode = Mode::nat);
  // Adds a server to `service` and to its schedule, once. Without `member` it is one that no other row is of.
  ServerId server(ServiceId service, const char* address, std::uint16_t port, PortId egress = PortId{1},
                  std::uint16_t generation = 1, MemberId member = kNoMember);
  // A server that is no longer in the service's farm: it is found by its endpoint only.
  ServerId leaving(ServiceId service, const char* address, std::uint16_t port, PortId egress = PortId{1},
                   std::uint16_t generation = 1);
  void farm(FarmId id, const char* name, std::uint32_t persistence_s = 0);
  // Routes, from the lowest first address of each family to the highest: each reaches to the next.
  void route(const char* first, const NextHop& hop);
  // A limit of the server's connections, or of a farm's, under which it then stands if that was set before.
  void limit(ServerId server, std::uint32_t high, std::uint32_t low);
  void limit(FarmId farm, std::uint32_t high);
  void schedule(ServiceId service, const std::vector<std::uint16_t>& rows);

  [[nodiscard]] ServiceRow& row(ServiceId id) { return snapshot_.services[id.value]; }
  [[nodiscard]] ServerRow& row(ServerId id) { return snapshot_.servers[id.index]; }

 private:
  ServiceId add(const char* address, std::uint16_t port, Protocol protocol, Mode mode);
  ServerId add_row(ServiceId service, const char* address, std::uint16_t port, PortId egress, std::uint16_t generation);
  void enter_endpoint(std::uint16_t row);
  void enter_wide(std::uint16_t row);

  Snapshot& snapshot_;
};

}  // namespace fulcrum::test
