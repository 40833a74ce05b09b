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

inline void readdress(Batch& batch, std::size_t i, const Context& context) noexcept {
  const Passage& passage = batch.passages[i];
  const ServerRow& server = context.snapshot.servers[passage.server];
  const ServiceRow& service = context.snapshot.services[passage.service];
  const std::span<std::byte> frame = batch.frames[i].bytes();
  if (passage.direction == Direction::to_server) {
    readdress_destination(frame, batch.facts[i],
                          {.address = server.address,
                           .port = server.port,
                           .address_delta = server.address_delta,
                           .address_port_delta = server.address_port_delta});
  } else {
    readdress_source(frame, batch.facts[i],
                     {.address = service.address,
                      .port = service.port,
                      .address_delta = inverse_delta(server.address_delta),
                      .address_port_delta = inverse_delta(server.address_port_delta)});
  }
}

inline void leave_nat(Batch& batch, std::size_t i, const Context& context, const Exit& exit) noexcept {
  const std::uint64_t own = context.ports[exit.port.value].mac.word();
  const std::span<std::byte> frame = batch.frames[i].bytes();
  if (batch.facts[i].ttl <= 1) return batch.drop(i, Drop::ttl);
  if (!fits(batch, i, context, exit.port)) return;
  readdress(batch, i, context);
  const std::uint64_t mac = mac_of(context.neighbours, exit);
  if (mac == NeighbourTable::kNoMac) {
    want_neighbour(batch, context.neighbours, exit);
    set_macs(frame, own, own);  // addressed to the twin itself, so that Linux forwards it; Linux takes its TTL too
    return batch.punt(i, exit.port);
  }
  decrement_ttl(frame, batch.facts[i]);
  set_macs(frame, mac, own);
  batch.passages[i].outcome = Outcome::send;
  batch.passages[i].port = exit.port;
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
  const NextHop& route = batch.passages[i].route;
  if (route.kind != RouteKind::on_link && route.kind != RouteKind::gateway) return batch.drop(i, Drop::no_route);
  leave_nat(batch, i, context,
            {.port = route.port,
             .neighbour = route.kind == RouteKind::gateway ? route.neighbour : kNoNeighbour,
             .next_hop = batch.facts[i].destination});
}

}  // namespace

void rewrite_stage(Batch& batch, const Context& context) noexcept {
  for (std::size_t i = 0; i < batch.count; ++i) {
    if (!batch.pending(i)) continue;
    const Passage& passage = batch.passages[i];
    const ServiceRow& service = context.snapshot.services[passage.service];
    if (passage.direction == Direction::to_client) {
      leave_to_client(batch, i, context);
      continue;
    }
    const ServerRow& server = context.snapshot.servers[passage.server];
    const Exit exit{.port = server.egress, .neighbour = server.neighbour, .next_hop = server.address};
    if (service.mode == Mode::dsr) {
      leave_dsr(batch, i, context, exit);
    } else {
      leave_nat(batch, i, context, exit);
    }
  }
}

}  // namespace fulcrum
