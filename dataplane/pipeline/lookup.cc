// Packets to connections, in bulk. A reply names its connection by the client it goes to; where the server's endpoint
// belongs to several services, each of them is tried: first those of this very port, then those of ranges that it is
// in. At the end stand services that keep no connections: what is no connection's is theirs.
#include <bit>

#include "dataplane/pipeline/answering.h"
#include "dataplane/pipeline/pipeline.h"

namespace fulcrum {
namespace {

using Direction = ConnectionTable::Direction;

// Made in words, not field by field: fields would have to leave the processor's store buffer before the hash can load
// them as words.
FlowWords key_of(const Facts& facts, const Passage& passage, const Snapshot& snapshot) noexcept {
  static_assert(std::endian::native == std::endian::little);
  const bool to_server = passage.direction == Direction::to_server;
  const Address& client = to_server ? facts.source : facts.destination;
  const std::uint64_t client_port = (to_server ? facts.source_port : facts.destination_port).wire();
  const std::uint64_t service_port =
      (to_server ? facts.destination_port : port_answered_for(snapshot, passage.server, facts.source_port)).wire();
  return {client.words()[0], client.words()[1],
          client_port | std::uint64_t{passage.service} << 16U | service_port << 32U};
}

ServerId id_of(const Snapshot& snapshot, std::uint16_t row) noexcept { return {row, snapshot.servers[row].generation}; }

// A reply is accepted from the server that the connection was given to, and from no other.
bool settles(const Context& context, Passage& passage, ConnectionId found) noexcept {
  if (found == kNoConnection) return false;
  if (passage.direction == Direction::to_client &&
      !(context.connections.server(found) == id_of(context.snapshot, passage.server))) {
    return false;
  }
  passage.connection = found;
  return true;
}

// Its bit, if the packet's connection is to be looked up, whose key is then among the searches; 0 if its service keeps
// no connections.
std::uint32_t wanted(Batch& batch, std::size_t i, const Snapshot& snapshot) noexcept {
  const Passage& passage = batch.passages[i];
  if (snapshot.services[passage.service].one_packet != 0) return 0;
  batch.searches.keys[i] = key_of(batch.facts[i], passage, snapshot);
  return 1U << i;
}

// The next service that the packet may be for: of a client's the range that its port is part of by now, of a reply
// another one that the endpoint serves; false when there is none.
bool try_next_service(const Snapshot& snapshot, const Facts& facts, Passage& passage) noexcept {
  if (passage.direction == Direction::to_server) {
    const std::uint16_t heir = find_heir(snapshot, passage.service, facts.destination_port);
    if (heir != kNoIndex) passage.service = heir;
    return heir != kNoIndex;
  }
  const std::uint16_t next = next_answering(snapshot, passage.server, facts.source_port);
  if (next == kNoIndex) return false;
  passage.server = next;
  passage.service = snapshot.servers[next].service.value;
  return true;
}

// What was found for the part's packets. Those that shall be looked up once more, for another service, are wanted
// afterwards, and no others.
void take_found(Batch& batch, Part part, const Context& context) noexcept {
  ConnectionTable::Searches& searches = batch.searches;
  std::uint32_t again = 0;
  for (std::uint32_t left = searches.wanted & part.bits(); left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    Passage& passage = batch.passages[i];
    if (settles(context, passage, searches.found[i])) continue;
    if (try_next_service(context.snapshot, batch.facts[i], passage)) {
      again |= wanted(batch, i, context.snapshot);
    } else if (passage.direction == Direction::to_client) {
      batch.drop(i, Drop::no_connection);
    }
  }
  searches.wanted = (searches.wanted & ~part.bits()) | again;
}

}  // namespace

void want_connections(Batch& batch, Part part, const Context& context) noexcept {
  std::uint32_t bits = 0;
  for (std::size_t i = part.begin; i < part.end; ++i) {
    if (batch.pending(i)) bits |= wanted(batch, i, context.snapshot);
  }
  batch.searches.wanted |= bits;
}

void prefetch_servers(const Batch& batch, Part part, const Context& context) noexcept {
  for (std::uint32_t left = batch.searches.wanted & part.bits(); left != 0; left &= left - 1) {
    const ConnectionId found = batch.searches.found[static_cast<std::size_t>(std::countr_zero(left))];
    if (found == kNoConnection) continue;
    const std::size_t row = context.connections.server(found).index;
    __builtin_prefetch(&context.snapshot.servers[row]);
    __builtin_prefetch(&context.servers[row], 1);
  }
}

void settle_connections(Batch& batch, Part part, const Context& context) noexcept {
  take_found(batch, part, context);
  // Chains of services at one endpoint are as long as the administrator made them, and every round shortens all.
  while ((batch.searches.wanted & part.bits()) != 0) {
    context.connections.search(batch.searches, part.begin, part.end);
    take_found(batch, part, context);
  }
}

void lookup_stage(Batch& batch, Part part, const Context& context) noexcept {
  want_connections(batch, part, context);
  context.connections.search(batch.searches, part.begin, part.end);
  settle_connections(batch, part, context);
}

}  // namespace fulcrum
