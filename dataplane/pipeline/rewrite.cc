// The last stage: what the packet looks like when it leaves, and by which port. A next hop whose MAC is not known yet
// takes the NAT packet through Linux, which asks the neighbour and forwards it (See "Unknown neighbours",
// ARCHITECTURE.md).
#include "dataplane/packet/rewrite.h"

#include "dataplane/base/checksum.h"
#include "dataplane/pipeline/pipeline.h"

namespace fulcrum {
namespace {

using Direction = ConnectionTable::Direction;

struct Exit {
  PortId port;
  std::uint32_t neighbour = kNoNeighbour;  // kNoNeighbour: the destination itself, on a connected network
  const Address& next_hop;                 // only when `neighbour` is kNoNeighbour
};

// Mac::word() of the next hop, or NeighbourTable::kNoMac.
inline std::uint64_t mac_of(const NeighbourTable& neighbours, const Exit& exit) noexcept {
  if (exit.neighbour != kNoNeighbour) return neighbours.mac_word(NeighbourId{exit.neighbour});
  const auto found = neighbours.find(exit.port, exit.next_hop);
  return found ? found->word() : NeighbourTable::kNoMac;
}

void want_neighbour(Batch& batch, const NeighbourTable& neighbours, const Exit& exit) noexcept {
  Event event;
  event.kind = Event::Kind::neighbour_wanted;
  event.port = exit.port;
  event.address = exit.neighbour == kNoNeighbour ? exit.next_hop : neighbours.who(NeighbourId{exit.neighbour}).address;
  [[maybe_unused]] const bool room = batch.events.push(event);  // one per packet at most
}

inline bool fits(Batch& batch, std::size_t i, const Context& context, PortId port) noexcept {
  if (batch.facts[i].ip_length <= context.ports[port.value].mtu) return true;
  batch.drop(i, Drop::mtu);
  return false;
}

// Of a port in a range: what the checksum changes by depends on the packet.
Readdress in_range(const Address& address, Be16 from, Be16 to, std::uint16_t address_delta) noexcept {
  return {.address = address,
          .port = to,
          .address_delta = address_delta,
          .address_port_delta = fold(std::uint64_t{address_delta} + checksum_delta(from.wire(), to.wire()))};
}

Readdress to_server(const Facts& facts, const ServiceRow& service, const ServerRow& server) noexcept {
  if (is_range(service)) {
    const auto offset = static_cast<std::uint16_t>(facts.destination_port.host() - service.port.host());
    return in_range(server.address, facts.destination_port, port_behind(server.port, offset), server.address_delta);
  }
  return {.address = server.address,
          .port = server.port,
          .address_delta = server.address_delta,
          .address_port_delta = server.address_port_delta};
}

Readdress to_client(const Facts& facts, const ServiceRow& service, const ServerRow& server) noexcept {
  if (is_range(service)) {
    const Be16 port = port_behind(service.port, port_offset(server, facts.source_port));
    return in_range(service.address, facts.source_port, port, inverse_delta(server.address_delta));
  }
  return {.address = service.address,
          .port = service.port,
          .address_delta = inverse_delta(server.address_delta),
          .address_port_delta = inverse_delta(server.address_port_delta)};
}

// Translated, and addressed to the twin itself, so that Linux forwards it; Linux takes its TTL too.
[[gnu::noinline]] void leave_by_linux(Batch& batch, std::size_t i, const Context& context, const Exit& exit,
                                      const Readdress& change) noexcept {
  const std::uint64_t own = context.ports[exit.port.value].mac.word();
  const std::span<std::byte> frame = batch.frames[i].bytes();
  const bool in = batch.passages[i].direction == Direction::to_server;
  (in ? readdress_destination : readdress_source)(frame, batch.facts[i], change);
  want_neighbour(batch, context.neighbours, exit);
  set_macs(frame, own, own);
  batch.punt(i, exit.port);
}

template <Direction kDirection>
void leave_nat(Batch& batch, std::size_t i, const Context& context, const Exit& exit,
               const Readdress& change) noexcept {
  const std::uint64_t own = context.ports[exit.port.value].mac.word();
  const std::span<std::byte> frame = batch.frames[i].bytes();
  Passage& passage = batch.passages[i];
  if (batch.facts[i].ttl <= 1) return batch.drop(i, Drop::ttl);
  if (!fits(batch, i, context, exit.port)) return;
  const std::uint64_t mac = mac_of(context.neighbours, exit);
  if (mac == NeighbourTable::kNoMac) return leave_by_linux(batch, i, context, exit, change);
  passage.outcome = Outcome::send;
  passage.port = exit.port;
  set_macs(frame, mac, own);
  if constexpr (kDirection == Direction::to_server) {
    forward_to_server(frame, batch.facts[i], change);
  } else {
    forward_to_client(frame, batch.facts[i], change);
  }
}

// Only the MAC addresses change (direct server return): the server has the service's address on a loopback.
void leave_dsr(Batch& batch, std::size_t i, const Context& context, const Exit& exit) noexcept {
  if (!fits(batch, i, context, exit.port)) return;
  const std::uint64_t mac = mac_of(context.neighbours, exit);
  if (mac == NeighbourTable::kNoMac) {
    want_neighbour(batch, context.neighbours, exit);
    return batch.drop(i, Drop::no_neighbour);
  }
  set_macs(batch.frames[i].bytes(), mac, context.ports[exit.port.value].mac.word());
  batch.passages[i].outcome = Outcome::send;
  batch.passages[i].port = exit.port;
}

void leave_to_client(Batch& batch, std::size_t i, const Context& context) noexcept {
  const Passage& passage = batch.passages[i];
  const NextHop& route = passage.route;
  if (route.kind != RouteKind::on_link && route.kind != RouteKind::gateway) return batch.drop(i, Drop::no_route);
  const Snapshot& snapshot = context.snapshot;
  leave_nat<Direction::to_client>(
      batch, i, context,
      {.port = route.port,
       .neighbour = route.kind == RouteKind::gateway ? route.neighbour : kNoNeighbour,
       .next_hop = batch.facts[i].destination},
      to_client(batch.facts[i], snapshot.services[passage.service], snapshot.servers[passage.server]));
}

void leave_to_server(Batch& batch, std::size_t i, const Context& context) noexcept {
  const Passage& passage = batch.passages[i];
  const ServerRow& server = context.snapshot.servers[passage.server];
  const Exit exit{.port = server.egress, .neighbour = server.neighbour, .next_hop = server.address};
  const ServiceRow& service = context.snapshot.services[passage.service];
  if (service.mode == Mode::dsr) return leave_dsr(batch, i, context, exit);
  leave_nat<Direction::to_server>(batch, i, context, exit, to_server(batch.facts[i], service, server));
}

}  // namespace

void rewrite_stage(Batch& batch, const Context& context) noexcept {
  for (std::size_t i = 0; i < batch.count; ++i) {
    if (!batch.pending(i)) continue;
    if (batch.passages[i].direction == Direction::to_server) {
      leave_to_server(batch, i, context);
    } else {
      leave_to_client(batch, i, context);
    }
  }
}

}  // namespace fulcrum
