// Counters of the region, added up over the threads that keep them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "dataplane/base/address.h"
#include "dataplane/contract/region.h"

namespace fulcrum::surface {

struct ServerSums {
  std::int64_t active = 0;   // all that are remembered
  std::int64_t closing = 0;  // of those
  std::uint64_t connections = 0;
  std::uint64_t packets_in = 0, packets_out = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;

  ServerSums& operator+=(const ServerSums& other);
};

// Of one server row, over all workers.
ServerSums sums_of(const Region& region, const ServerRow& row, std::uint16_t index);

// Connections that count against a limit (contract/snapshot.h), over all workers.
std::uint64_t held_of(const Region& region, std::uint16_t limit);

// A server row of the model: farm name, server name, endpoint. Several services of a farm may share it.
struct RowName {
  std::string farm, server;
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;
  Protocol protocol = Protocol::tcp;
  auto operator<=>(const RowName&) const = default;
};
std::map<RowName, ServerSums> sums_by_row(const Region& region, const Snapshot& snapshot);

struct PacketSums {
  std::uint64_t received = 0, from_linux = 0, sent = 0, punted = 0;
  std::array<std::uint64_t, kDropReasons> drops{};
  std::array<std::uint64_t, kAnswers> answers{};  // beside the identity

  [[nodiscard]] std::uint64_t dropped() const;
  // In, but in no way out yet. Negative for a moment when counters are read while they run.
  [[nodiscard]] std::int64_t unaccounted() const;
};
PacketSums packet_sums(const Region& region);
// Of one worker alone.
PacketSums worker_packet_sums(const Region& region, std::size_t worker);

struct PortSums {
  std::uint64_t received_packets = 0, received_bytes = 0, sent_packets = 0, sent_bytes = 0;
  LossCounts lost{};  // not in received_packets
};
PortSums port_sums(const Region& region, std::size_t port);

}  // namespace fulcrum::surface
