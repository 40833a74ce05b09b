#include "control/surface/local/counter_sums.h"

#include <algorithm>

namespace fulcrum::surface {

ServerSums& ServerSums::operator+=(const ServerSums& other) {
  active += other.active;
  closing += other.closing;
  connections += other.connections;
  packets_in += other.packets_in;
  packets_out += other.packets_out;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  return *this;
}

ServerSums sums_of(const Region& region, const ServerRow& row, std::uint16_t index) {
  ServerSums sums;
  for (std::size_t worker = 0; worker < region.workers(); ++worker) {
    const ServerCounters& counters = region.server_counters(worker)[index];
    // Another generation's numbers: this worker has not met the server yet.
    if (counters.server_generation.load(std::memory_order_acquire) != row.generation) continue;
    sums.active += counters.active.load(std::memory_order_relaxed);
    sums.closing += counters.closing.load(std::memory_order_relaxed);
    sums.connections += counters.connections.value();
    sums.packets_in += counters.packets_in.value();
    sums.packets_out += counters.packets_out.value();
    sums.bytes_in += counters.bytes_in.value();
    sums.bytes_out += counters.bytes_out.value();
  }
  sums.active = std::max<std::int64_t>(sums.active, 0);
  sums.closing = std::clamp<std::int64_t>(sums.closing, 0, sums.active);
  return sums;
}

std::uint64_t held_of(const Region& region, std::uint16_t limit) {
  std::int64_t sum = 0;
  for (std::size_t worker = 0; worker < region.workers(); ++worker) {
    sum += region.loads(worker).held[limit].load(std::memory_order_relaxed);
  }
  return static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0));
}

std::map<RowName, ServerSums> sums_by_row(const Region& region, const Snapshot& snapshot) {
  std::map<RowName, ServerSums> sums;
  for (std::size_t i = 0; i < kServersMax; ++i) {
    const ServerRow& row = snapshot.servers[i];
    if (row.state == ServerState::unused || row.service.value >= kServicesMax) continue;
    const ServiceRow& service = snapshot.services[row.service.value];
    if (service.farm.value >= kFarmsMax) continue;
    RowName name{.farm = std::string{snapshot.farms[service.farm.value].name.view()},
                 .server = std::string{snapshot.server_names[i].view()},
                 .address = row.address.bytes(),
                 .port = row.port.host(),
                 .protocol = service.protocol};
    sums[std::move(name)] += sums_of(region, row, static_cast<std::uint16_t>(i));
  }
  return sums;
}

std::uint64_t PacketSums::dropped() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t drop : drops) sum += drop;
  return sum;
}

std::int64_t PacketSums::unaccounted() const {
  return static_cast<std::int64_t>(received + from_linux - sent - punted - dropped());
}

PacketSums worker_packet_sums(const Region& region, std::size_t worker) {
  PacketSums sums;
  const PacketCounters& row = region.worker(worker).packets;
  // Ways out before ways in: what is read between the two counts as in flight and not as a packet too many.
  for (std::size_t reason = 0; reason < kDropReasons; ++reason) sums.drops[reason] += row.drops[reason].value();
  for (std::size_t i = 0; i < kAnswers; ++i) sums.answers[i] = row.answers[i].value();
  sums.sent = row.sent.value();
  sums.punted = row.punted.value();
  sums.received = row.received.value();
  sums.from_linux = row.from_linux.value();
  return sums;
}

PacketSums packet_sums(const Region& region) {
  PacketSums sums;
  // Row shape.workers is the housekeeping thread's.
  for (std::size_t i = 0; i <= region.workers(); ++i) {
    const PacketCounters& row = region.worker(i).packets;
    // Ways out before ways in: what is read between the two counts as in flight and not as a packet too many.
    for (std::size_t reason = 0; reason < kDropReasons; ++reason) sums.drops[reason] += row.drops[reason].value();
    for (std::size_t answer = 0; answer < kAnswers; ++answer) sums.answers[answer] += row.answers[answer].value();
    sums.sent += row.sent.value();
    sums.punted += row.punted.value();
  }
  for (std::size_t i = 0; i <= region.workers(); ++i) {
    const PacketCounters& row = region.worker(i).packets;
    sums.received += row.received.value();
    sums.from_linux += row.from_linux.value();
  }
  return sums;
}

PortSums port_sums(const Region& region, std::size_t port) {
  PortSums sums;
  for (std::size_t i = 0; i <= region.workers(); ++i) {
    const PortCounters& row = region.worker(i).ports[port];
    sums.received_packets += row.received_packets.value();
    sums.received_bytes += row.received_bytes.value();
    sums.sent_packets += row.sent_packets.value();
    sums.sent_bytes += row.sent_bytes.value();
    for (std::size_t why = 0; why < kLosses; ++why) sums.lost[why] += row.lost[why].value();
  }
  return sums;
}

}  // namespace fulcrum::surface
