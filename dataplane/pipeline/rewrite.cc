// The last stage: what the packet looks like when it leaves, and by which port. A next hop whose MAC is not known yet
// takes the NAT packet through Linux, which asks the neighbour and forwards it (See "Unknown neighbours",
// ARCHITECTURE.md).
#include "dataplane/packet/rewrite.h"

#include "dataplane/base/checksum.h"
#include "dataplane/pipeline/exit.h"
#include "dataplane/pipeline/pipeline.h"

namespace fulcrum {
namespace {

using Direction = ConnectionTable::Direction;

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

// One packet and what stands behind it.
struct Leaving {
  const Facts& facts;
  const Passage& passage;
  const ServiceRow& service;
  const ServerRow& server;
  Leaving(const Batch& batch, std::size_t i, const Snapshot& snapshot) noexcept
      : facts{batch.facts[i]},
        passage{batch.passages[i]},
        service{snapshot.services[passage.service]},
        server{snapshot.servers[passage.server]} {}
};

template <Direction kDirection>
Exit exit_of(const Leaving& packet) noexcept {
  return kDirection == Direction::to_server ? exit_to(packet.server)
                                            : exit_to(packet.passage.route, packet.facts.destination);
}

// Of a port in a range: what the checksum changes by depends on the packet.
Readdress in_range(const Address& address, Be16 from, Be16 to, std::uint16_t address_delta) noexcept {
  return {.address = address,
          .port = to,
          .address_delta = address_delta,
          .address_port_delta = fold(std::uint64_t{address_delta} + checksum_delta(from.wire(), to.wire()))};
}

template <Direction kDirection, bool kRange>
Readdress change_of(const Leaving& packet) noexcept {
  const auto& [facts, passage, service, server] = packet;
  if constexpr (kDirection == Direction::to_server) {
    if constexpr (kRange) {
      const auto offset = static_cast<std::uint16_t>(facts.destination_port.host() - service.port.host());
      return in_range(server.address, facts.destination_port, port_behind(server.port, offset), server.address_delta);
    }
    return on_to(server);
  } else {
    if constexpr (kRange) {
      const Be16 port = port_behind(service.port, port_offset(server, facts.source_port));
      return in_range(service.address, facts.source_port, port, inverse_delta(server.address_delta));
    }
    return back_to(service, server);
  }
}

// Translated, and addressed to the twin itself, so that Linux forwards it; Linux takes its TTL too.
template <Direction kDirection, bool kRange>
[[gnu::noinline]] void leave_by_linux(Batch& batch, std::size_t i, const Context& context) noexcept {
  const Leaving packet{batch, i, context.snapshot};
  const Exit exit = exit_of<kDirection>(packet);
  const Readdress change = change_of<kDirection, kRange>(packet);
  const std::uint64_t own = context.ports[exit.port.value].mac.word();
  const std::span<std::byte> frame = batch.frames[i].bytes();
  (kDirection == Direction::to_server ? readdress_destination : readdress_source)(frame, batch.facts[i], change);
  want_neighbour(batch, context.neighbours, exit);
  set_macs(frame, own, own);
  batch.punt(i, exit.port);
}

// What the packet shall look like is put together where it is used: anything handed on would be built in memory first.
template <Direction kDirection, bool kRange>
inline void leave_nat(Batch& batch, std::size_t i, const Context& context) noexcept {
  const Leaving packet{batch, i, context.snapshot};
  const Exit exit = exit_of<kDirection>(packet);
  if (packet.facts.ttl <= 1) return batch.drop(i, Drop::ttl);
  if (!fits(batch, i, context, exit.port)) return;
  const std::uint64_t mac = mac_of(context.neighbours, exit);
  if (mac == NeighbourTable::kNoMac) return leave_by_linux<kDirection, kRange>(batch, i, context);
  const std::span<std::byte> frame = batch.frames[i].bytes();
  const Readdress change = change_of<kDirection, kRange>(packet);
  batch.passages[i].outcome = Outcome::send;
  batch.passages[i].port = exit.port;
  set_macs(frame, mac, context.ports[exit.port.value].mac.word());
  if constexpr (kDirection == Direction::to_server) {
    forward_to_server(frame, batch.facts[i], change);
  } else {
    forward_to_client(frame, batch.facts[i], change);
  }
}

template <Direction kDirection>
[[gnu::noinline]] void leave_in_range(Batch& batch, std::size_t i, const Context& context) noexcept {
  leave_nat<kDirection, true>(batch, i, context);
}

// Only the MAC addresses change (direct server return): the server has the service's address on a loopback.
void leave_dsr(Batch& batch, std::size_t i, const Context& context) noexcept {
  const Exit exit = exit_of<Direction::to_server>(Leaving{batch, i, context.snapshot});
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
  const RouteKind kind = passage.route.kind;
  if (kind != RouteKind::on_link && kind != RouteKind::gateway) return batch.drop(i, Drop::no_route);
  if (is_range(context.snapshot.services[passage.service])) {
    return leave_in_range<Direction::to_client>(batch, i, context);
  }
  leave_nat<Direction::to_client, false>(batch, i, context);
}

void leave_to_server(Batch& batch, std::size_t i, const Context& context) noexcept {
  const ServiceRow& service = context.snapshot.services[batch.passages[i].service];
  if (service.mode == Mode::dsr) return leave_dsr(batch, i, context);
  if (is_range(service)) return leave_in_range<Direction::to_server>(batch, i, context);
  leave_nat<Direction::to_server, false>(batch, i, context);
}

}  // namespace

void rewrite_stage(Batch& batch, Part part, const Context& context) noexcept {
  for (std::size_t i = part.begin; i < part.end; ++i) {
    if (!batch.pending(i)) continue;
    if (batch.passages[i].direction == Direction::to_server) {
      leave_to_server(batch, i, context);
    } else {
      leave_to_client(batch, i, context);
    }
  }
}

}  // namespace fulcrum
