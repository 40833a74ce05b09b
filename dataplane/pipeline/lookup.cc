// Packets to connections, in bulk. A reply names its connection by the client it goes to; where the server's endpoint
// belongs to several services, each of them is tried.
#include "dataplane/pipeline/pipeline.h"

namespace fulcrum {
namespace {

using Direction = ConnectionTable::Direction;

FlowKey key_of(const Facts& facts, const Passage& passage, const Snapshot& snapshot) noexcept {
  FlowKey key;
  const bool to_server = passage.direction == Direction::to_server;
  key.client = to_server ? facts.source : facts.destination;
  key.client_port = to_server ? facts.source_port : facts.destination_port;
  key.service = ServiceId{passage.service};
  key.service_port = snapshot.services[passage.service].port;
  return key;
}

ServerId id_of(const Snapshot& snapshot, std::uint16_t row) noexcept { return {row, snapshot.servers[row].generation}; }

// Packets of one round, side by side with their keys.
struct Round {
  FixedVector<FlowKey, kBatchMax> keys;
  std::array<std::size_t, kBatchMax> packet{};
  std::array<ConnectionId, kBatchMax> found{};
};

void add(Round& round, std::size_t i, const FlowKey& key) noexcept {
  round.packet[round.keys.size()] = i;
  [[maybe_unused]] const bool room = round.keys.push(key);  // a batch has no more packets than a round has room
}

void look_up(const Context& context, Round& round) noexcept {
  context.connections.lookup(round.keys.view(), std::span{round.found}.first(round.keys.size()));
}

// A reply is accepted from the server that the connection was given to, and from no other.
bool settles(const Context& context, Passage& passage, ConnectionId found) noexcept {
  if (found == kNoConnection) return false;
  const ServerId server = context.connections.server(found);
  if (passage.direction == Direction::to_client && !(server == id_of(context.snapshot, passage.server))) return false;
  passage.connection = found;
  return true;
}

// The next service that the replying endpoint serves; false when there is none.
bool try_next_service(const Snapshot& snapshot, Passage& passage) noexcept {
  if (passage.direction == Direction::to_server) return false;
  const std::uint16_t next = snapshot.servers[passage.server].next_same_endpoint;
  if (next == kNoIndex) return false;
  passage.server = next;
  passage.service = snapshot.servers[next].service.value;
  return true;
}

}  // namespace

void lookup_stage(Batch& batch, const Context& context) noexcept {
  Round round;
  for (std::size_t i = 0; i < batch.count; ++i) {
    if (batch.pending(i)) add(round, i, key_of(batch.facts[i], batch.passages[i], context.snapshot));
  }
  // Chains of services at one endpoint are as long as the administrator made them, and every round shortens all.
  while (!round.keys.empty()) {
    look_up(context, round);
    Round next;
    for (std::size_t k = 0; k < round.keys.size(); ++k) {
      const std::size_t i = round.packet[k];
      Passage& passage = batch.passages[i];
      if (settles(context, passage, round.found[k])) continue;
      if (try_next_service(context.snapshot, passage)) {
        add(next, i, key_of(batch.facts[i], passage, context.snapshot));
      } else if (passage.direction == Direction::to_client) {
        batch.drop(i, Drop::no_connection);
      }
    }
    round = next;
  }
}

}  // namespace fulcrum
