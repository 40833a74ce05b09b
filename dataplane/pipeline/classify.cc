// Whose packet is it? A service's, a server's reply, the box's own (Linux decides), or nobody's.
#include <cstring>

#include "dataplane/pipeline/answering.h"
#include "dataplane/pipeline/pipeline.h"

namespace fulcrum {
namespace {

using Direction = ConnectionTable::Direction;

// As Mac::word(). Parsing has seen that there is an Ethernet header.
std::uint64_t destination_mac(const Frame& frame) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, frame.data, sizeof word);
  return word & ((1ULL << 48U) - 1);
}

// Multicast that is about this link only: neighbour discovery, IGMP, VRRP, routing protocols.
bool is_link_scope_multicast(const Address& address) noexcept {
  const auto bytes = address.bytes();
  if (address.is_v4()) return bytes[12] == 224 && bytes[13] == 0 && bytes[14] == 0;
  return bytes[0] == 0xFF && (bytes[1] & 0x0FU) <= 2;
}

bool is_limited_broadcast(const Address& address) noexcept {
  return address.is_v4() && address.v4().host() == UINT32_MAX;
}

// To the group addresses of the link: Linux takes part in its protocols, nothing is forwarded.
void classify_group(Batch& batch, std::size_t i) noexcept {
  const Address& destination = batch.facts[i].destination;
  if (is_link_scope_multicast(destination) || is_limited_broadcast(destination)) {
    batch.punt(i, batch.frames[i].port);
  } else {
    batch.drop(i, Drop::not_ours);
  }
}

// Not for a service and not from a server: for the box itself, or nobody's.
void classify_rest(Batch& batch, std::size_t i, const NextHop& route) noexcept {
  const Facts& facts = batch.facts[i];
  // A neighbour may talk to a link-local address of ours, which no route of the snapshot lists.
  if (route.kind == RouteKind::local || facts.destination.is_link_local()) return batch.punt(i, batch.frames[i].port);
  if (route.kind != RouteKind::service) return batch.drop(i, Drop::not_ours);
  switch (facts.kind) {
    case PacketKind::icmp:
      return batch.punt(i, batch.frames[i].port);
    case PacketKind::fragment:
      return batch.drop(i, Drop::fragment);
    case PacketKind::other_ip:
      return batch.drop(i, Drop::unknown_protocol);
    default:
      return batch.drop(i, Drop::no_service);
  }
}

void classify_unicast(Batch& batch, std::size_t i, const Context& context) noexcept {
  const Snapshot& snapshot = context.snapshot;
  const Facts& facts = batch.facts[i];
  Passage& passage = batch.passages[i];
  if (facts.has_ports()) {
    passage.service = find_service(snapshot, facts.destination, facts.destination_port, facts.protocol);
    if (passage.service != kNoIndex) return;
  }
  const NextHop route = find_route(snapshot, facts.destination);
  if (facts.has_ports() && route.kind == RouteKind::service) {
    passage.service = find_range(snapshot, facts.destination, facts.destination_port, facts.protocol);
    if (passage.service != kNoIndex) return;
  } else if (facts.has_ports() && route.kind != RouteKind::local) {
    passage.server = first_answering(snapshot, facts.source, facts.source_port, facts.protocol);
    if (passage.server != kNoIndex) {
      passage.direction = Direction::to_client;
      passage.service = snapshot.servers[passage.server].service.value;
      passage.route = route;
      return;
    }
  }
  classify_rest(batch, i, route);
}

void classify(Batch& batch, std::size_t i, const Context& context, std::uint64_t own_mac) noexcept {
  const Frame& frame = batch.frames[i];
  const std::uint64_t mac = destination_mac(frame);
  const bool is_group = (mac & 1U) != 0;
  if (!is_group && mac != own_mac) {
    batch.drop(i, Drop::not_our_mac);
  } else if (!batch.facts[i].is_ip()) {
    batch.punt(i, frame.port);
  } else if (context.snapshot.generation == 0) {
    batch.drop(i, Drop::no_configuration);
  } else if (is_group) {
    classify_group(batch, i);
  } else {
    classify_unicast(batch, i, context);
  }
}

// To the same port of the same address: what was found for one is right for the other.
bool go_the_same_way(const Facts& one, const Facts& other) noexcept {
  return one.destination == other.destination && one.destination_port == other.destination_port &&
         one.kind == other.kind;
}

}  // namespace

void classify_stage(Batch& batch, Part part, const Context& context) noexcept {
  const std::uint64_t own_mac = context.ports[batch.frames[0].port.value].mac.word();  // all came in by one port
  std::size_t& like = batch.like;
  for (std::size_t i = part.begin; i < part.end; ++i) {
    if (!batch.pending(i)) continue;
    if (like != kBatchMax && go_the_same_way(batch.facts[i], batch.facts[like]) &&
        destination_mac(batch.frames[i]) == own_mac) {
      batch.passages[i].service = batch.service_of_like;
      continue;
    }
    classify(batch, i, context, own_mac);
    const Passage& passage = batch.passages[i];
    if (passage.service == kNoIndex || passage.direction != Direction::to_server) continue;
    like = i;
    batch.service_of_like = passage.service;
  }
}

}  // namespace fulcrum
