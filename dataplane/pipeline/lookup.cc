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
FlowKey key_of(const Facts& facts, const Passage& passage, const Snapshot& snapshot) noexcept {
  static_assert(std::endian::native == std::endian::little);
  const bool to_server = passage.direction == Direction::to_server;
  const Address& client = to_server ? facts.source : facts.destination;
  const std::uint64_t client_port = (to_server ? facts.source_port : facts.destination_port).wire();
  const std::uint64_t service_port =
      (to_server ? facts.destination_port : port_answered_for(snapshot, passage.server, facts.source_port)).wire();
  return std::bit_cast<FlowKey>(std::array{client.words()[0], client.words()[1],
                                           client_port | std::uint64_t{passage.service} << 16U | service_port << 32U});
}

ServerId id_of(const Snapshot& snapshot, std::uint16_t row) noexcept { return {row, snapshot.servers[row].generation}; }

// Packets of one round, side by side with their keys.
struct Round {
  std::size_t count = 0;
  std::array<FlowKey, kBatchMax> keys;
  std::array<std::uint8_t, kBatchMax> packet;
  std::array<ConnectionId, kBatchMax> found;

  // A batch has no more packets than a round has room.
  void add(std::size_t i, const FlowKey& key) noexcept {
    packet[count] = static_cast<std::uint8_t>(i);
    keys[count++] = key;
  }
};

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

// Belongs to a service that keeps no connections: there is nothing to look up.
bool keeps_none(const Snapshot& snapshot, const Passage& passage) noexcept {
  return snapshot.services[passage.service].one_packet != 0;
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

}  // namespace

void lookup_stage(Batch& batch, const Context& context) noexcept {
  Round round;
  for (std::size_t i = 0; i < batch.count; ++i) {
    if (batch.pending(i) && !keeps_none(context.snapshot, batch.passages[i]))
      round.add(i, key_of(batch.facts[i], batch.passages[i], context.snapshot));
  }
  // Chains of services at one endpoint are as long as the administrator made them, and every round shortens all.
  while (round.count != 0) {
    const std::size_t count = round.count;
    context.connections.lookup(std::span{round.keys}.first(count), std::span{round.found}.first(count));
    round.count = 0;  // the next round overwrites what has been dealt with
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t i = round.packet[k];
      Passage& passage = batch.passages[i];
      if (settles(context, passage, round.found[k])) continue;
      if (try_next_service(context.snapshot, batch.facts[i], passage)) {
        if (!keeps_none(context.snapshot, passage)) round.add(i, key_of(batch.facts[i], passage, context.snapshot));
      } else if (passage.direction == Direction::to_client) {
        batch.drop(i, Drop::no_connection);
      }
    }
  }
}

}  // namespace fulcrum
