// The fast path. Of a hundred packets nearly all are TCP segments over IPv4 of connections that are there, and nothing
// is to be decided about them. What the stages do for such a one is done here in one go, without writing down for the
// next stage what it has found. Everything that is different in any respect takes the stages, from the beginning; so
// they alone know what to do about it, and this file decides nothing that they would decide otherwise
// (fast_path_test.cc runs both side by side).
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#include "dataplane/packet/plain.h"
#include "dataplane/pipeline/exit.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/server_counts.h"
#include "dataplane/pipeline/tcp_state.h"
#include "dataplane/pipeline/track.h"

namespace fulcrum {
namespace {

using Direction = ConnectionTable::Direction;

// Not pending: no stage's any more. Its port is still to be found.
constexpr Passage kOnFastPath = [] {
  Passage passage;
  passage.outcome = Outcome::send;
  return passage;
}();

// By the lowest six flags of a segment, whether they make sense together and do not open a connection.
constexpr std::uint64_t kFastFlags = [] {
  std::uint64_t fast = 0;
  for (std::uint8_t flags = 0; flags < 64; ++flags)
    fast |= std::uint64_t{!flags_are_absurd(flags) && !begins_connection(flags)} << flags;
  return fast;
}();

// A segment that is a connection's, if anybody's, for this box, and may be forwarded. That somebody has its addresses
// and ports need not be asked: there is no connection of others.
bool may_be_fast(const Frame& frame, const plain::Beginning& beginning) noexcept {
  if (!frame.contiguous || frame.length < sizeof(PlainFrame) || !beginning.is_of(frame.data)) return false;
  const auto ttl = std::to_integer<std::uint8_t>(frame.data[offsetof(PlainFrame, ip.ttl)]);
  return (kFastFlags >> plain_flags(frame.data) & 1U) != 0 && ttl > 1 && goes_on_plainly(frame.bytes(), frame.checksum);
}

const PlainFrame& plain_frame(const Batch& batch, std::size_t i) noexcept {
  return *reinterpret_cast<const PlainFrame*>(batch.frames[i].data);
}

// As classify does, of a packet to a service's address and port. Most go where the one before went.
bool goes_to_service(Batch& batch, std::size_t i, const Snapshot& snapshot) noexcept {
  // The destination's address, the ports; without the source's port.
  constexpr std::uint64_t kEnd = BigEndian<std::uint64_t>{0xFFFF'FFFF'0000'FFFF}.wire();
  const std::byte* const frame = batch.frames[i].data;
  const std::uint64_t end = plain::load<std::uint64_t>(frame + offsetof(PlainFrame, ip.destination)) & kEnd;
  if (end != batch.fast_end) {
    const PlainFrame& plain = plain_frame(batch, i);
    const std::uint16_t service =
        find_service(snapshot, Address::v4(plain.ip.destination), plain.tcp.destination_port, Protocol::tcp);
    if (service == kNoIndex) return false;
    batch.fast_end = end;
    batch.service_of_fast_end = service;
  }
  batch.passages[i].service = batch.service_of_fast_end;
  return true;
}

// As classify does, of a server's packet to where there is a route; which leads to no service's address.
bool comes_from_server(Batch& batch, std::size_t i, const Snapshot& snapshot) noexcept {
  const PlainFrame& plain = plain_frame(batch, i);
  const std::uint32_t client = plain.ip.destination.host();
  if (!batch.reply_route.has(client)) batch.reply_route = find_route_span(snapshot, client);
  const NextHop& route = batch.reply_route.hop;
  if (route.kind != RouteKind::on_link && route.kind != RouteKind::gateway) return false;
  const std::uint16_t row = find_endpoint(snapshot, Address::v4(plain.ip.source), plain.tcp.source_port, Protocol::tcp);
  if (row == kNoIndex) return false;
  Passage& passage = batch.passages[i];
  passage.direction = Direction::to_client;
  passage.server = row;
  passage.service = snapshot.servers[row].service.value;
  passage.route = route;
  return true;
}

// See key_of() in lookup.cc.
FlowWords key_to_service(const std::byte* frame, std::uint16_t service) noexcept {
  const auto client = plain::load<std::uint32_t>(frame + offsetof(PlainFrame, ip.source));
  const auto ports = plain::load<std::uint32_t>(frame + offsetof(PlainFrame, tcp.source_port));
  const Address address = Address::v4(Be32::from_wire(client));
  return {address.words()[0], address.words()[1],
          (ports & 0xFFFFU) | std::uint64_t{service} << 16U | std::uint64_t{ports >> 16U} << 32U};
}

FlowWords key_from_server(const std::byte* frame, const ServiceRow& service, std::uint16_t row) noexcept {
  const auto client = plain::load<std::uint32_t>(frame + offsetof(PlainFrame, ip.destination));
  const std::uint64_t port = plain::load<std::uint16_t>(frame + offsetof(PlainFrame, tcp.destination_port));
  const Address address = Address::v4(Be32::from_wire(client));
  return {address.words()[0], address.words()[1],
          port | std::uint64_t{row} << 16U | std::uint64_t{service.port.wire()} << 32U};
}

// A packet is the one or the other, so it may first be asked for what the one before was.
bool enter(Batch& batch, std::size_t i, const Snapshot& snapshot) noexcept {
  Passage& passage = batch.passages[i];
  std::memcpy(&passage, &kOnFastPath, sizeof kOnFastPath);
  for (const bool reply : {batch.fast_replies, !batch.fast_replies}) {
    if (!(reply ? comes_from_server(batch, i, snapshot) : goes_to_service(batch, i, snapshot))) continue;
    batch.fast_replies = reply;
    const std::byte* const frame = batch.frames[i].data;
    batch.searches.keys[i] = reply ? key_from_server(frame, snapshot.services[passage.service], passage.service)
                                   : key_to_service(frame, passage.service);
    return true;
  }
  return false;
}

// By which port, with which MAC addresses.
struct Out {
  PortId port;
  std::uint32_t mtu;
  std::uint64_t mac;  // the port's own
};
Out out_by(PortId port, const Context& context) noexcept {
  const PortInfo& info = context.ports[port.value];
  return {port, info.mtu, info.mac.word()};
}

// The server to which the packet's connection belongs, if that goes on; else null.
const ServerRow* server_of(const Batch& batch, std::size_t i, const Context& context) noexcept {
  const ConnectionId found = batch.searches.found[i];
  if (found == kNoConnection) return nullptr;
  const ConnectionTable::Live connection = context.connections.at(found);
  const ServerId server = connection.server();
  const ServerRow& row = context.snapshot.servers[server.index];
  if (!keeps_its_connections(row, server)) return nullptr;
  const Passage& passage = batch.passages[i];
  return passage.direction == Direction::to_server || passage.server == server.index ? &row : nullptr;
}

// All but its IP addresses: where it leaves, and that it is counted. False, and nothing has changed: the stages shall
// do it.
template <Direction kDirection>
bool send(Batch& batch, std::size_t i, const ServerRow& row, const Context& context, Out& out) noexcept {
  const std::span<std::byte> frame = batch.frames[i].bytes();
  Passage& passage = batch.passages[i];
  const Address client = Address::v4(plain_frame(batch, i).ip.destination);  // of an answer
  const Exit exit = kDirection == Direction::to_server ? exit_to(row) : exit_to(passage.route, client);
  if (!(exit.port == out.port)) out = out_by(exit.port, context);
  const std::uint32_t ip_length = plain_ip_length(frame.data());
  const std::uint64_t mac = mac_of(context.neighbours, exit);
  if (ip_length > out.mtu || mac == NeighbourTable::kNoMac) return false;
  const ConnectionId found = batch.searches.found[i];
  const ConnectionTable::Live connection = context.connections.at(found);
  const ServerId server = connection.server();
  connection.touch(kDirection, ip_length, context.now);
  const std::uint8_t flags = std::to_integer<std::uint8_t>(frame[offsetof(PlainFrame, tcp.flags)]);
  if (!stays_established(connection.state(), flags)) {
    follow(context, found, server, context.snapshot.services[passage.service],
           {kDirection == Direction::to_server, flags});
  }
  count_packet(context.servers, server, kDirection, ip_length);
  passage.port = exit.port;
  set_macs(frame, mac, out.mac);
  return true;
}

void readdress(Batch& batch, std::size_t i, const ServerRow& server, const Snapshot& snapshot) noexcept {
  const ServiceRow& service = snapshot.services[server.service.value];
  std::byte* const frame = batch.frames[i].data;
  if (batch.passages[i].direction == Direction::to_client) {
    forward_plain_to_client(frame, back_to(service, server));
  } else if (service.mode == Mode::nat) {
    forward_plain_to_server(frame, on_to(server));
  }
}

// Off the fast path: the packet goes through the stages that it has missed. What its lookup has found it keeps.
void leave(Batch& batch, std::uint32_t i, const Context& context) noexcept {
  batch.fast &= ~(1U << i);
  const Part it{i, i + 1};
  parse_stage(batch, it);
  classify_stage(batch, it, context);
}

}  // namespace

// Those of the part that may be on the fast path, and the keys of their searches.
void enter_fast_path(Batch& batch, Part part, const Context& context) noexcept {
  if (context.snapshot.generation == 0) return;
  const Mac& own = context.ports[batch.frames[0].port.value].mac;  // all came in by one port
  if (!batch.to_us.is_for(own)) batch.to_us = plain::Beginning{own};
  std::uint32_t fast = 0;
  for (std::size_t i = part.begin; i < part.end; ++i) {
    if (may_be_fast(batch.frames[i], batch.to_us) && enter(batch, i, context.snapshot)) fast |= 1U << i;
  }
  batch.fast |= fast;
  batch.searches.wanted |= fast;
}

// From the part's first packet on, those that are on the fast path, until one is not or cannot stay. Returns which
// packet that is, or the part's end. In rounds, each with no more to remember than there are registers.
std::uint32_t run_fast_path(Batch& batch, Part part, const Context& context) noexcept {
  std::array<const ServerRow*, kBatchMax> servers;
  std::uint32_t end = part.begin + static_cast<std::uint32_t>(std::countr_one(batch.fast >> part.begin));
  end = std::min(end, part.end);
  if (end == part.begin) return end;
  std::uint32_t i = part.begin;
  for (; i < end && (servers[i] = server_of(batch, i, context)) != nullptr; ++i)
    context.neighbours.prefetch(servers[i]->neighbour);
  const std::uint32_t known = i;
  Out out = out_by(batch.frames[0].port, context);
  for (i = part.begin; i < known; ++i) {
    const bool sent = batch.passages[i].direction == Direction::to_server
                          ? send<Direction::to_server>(batch, i, *servers[i], context, out)
                          : send<Direction::to_client>(batch, i, *servers[i], context, out);
    if (!sent) break;
  }
  const std::uint32_t sent = i;
  for (i = part.begin; i < sent; ++i) readdress(batch, i, *servers[i], context.snapshot);
  if (sent != end) leave(batch, sent, context);
  return sent;
}

}  // namespace fulcrum
