// Packets of a service that have no connection, or one that cannot be used any more: choose a server, open a
// connection.
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/server_counts.h"

namespace fulcrum {
namespace {

using Direction = ConnectionTable::Direction;

bool opens_connection(const Facts& facts) noexcept {
  if (facts.kind == PacketKind::udp) return true;
  return (facts.tcp_flags & (tcp_flag::syn | tcp_flag::ack | tcp_flag::rst | tcp_flag::fin)) == tcp_flag::syn;
}

bool server_is_there(const Snapshot& snapshot, ServerId server) noexcept {
  const ServerRow& row = snapshot.servers[server.index];
  return row.generation == server.generation && row.state != ServerState::unused;
}

void forget(Passage& passage, const Context& context) noexcept {
  const ServerId server = context.connections.server(passage.connection);
  if (context.connections.remove(passage.connection)) count_removed(context.snapshot, context.servers, server);
  passage.connection = kNoConnection;
}

// Whether a packet that opens a connection shall not go on with the one found under the same addresses: the client
// re-uses its port after the old connection ended, or the chosen server is down. The latter holds for an established
// connection too: in DSR the server's RST does not pass here, so a connection that the server's death ended looks alive
// until its time is up, and a new one from the same port would follow it to the dead server.
bool starts_over(const Facts& facts, const Passage& passage, const Context& context) noexcept {
  if (facts.kind != PacketKind::tcp) return false;
  switch (context.connections.state(passage.connection)) {
    case ConnectionState::client_closing:
    case ConnectionState::server_closing:
    case ConnectionState::closed:
      return true;
    default: {
      const std::uint16_t row = context.connections.server(passage.connection).index;
      return !is_usable(context.snapshot, row, context.servers[row]);
    }
  }
}

// A connection was found: may it be used? If not, it is forgotten; a packet that could open one then does.
void check_found(Batch& batch, std::size_t i, const Context& context) noexcept {
  Passage& passage = batch.passages[i];
  const ServerId server = context.connections.server(passage.connection);
  const bool opens = opens_connection(batch.facts[i]);
  if (!server_is_there(context.snapshot, server)) {
    forget(passage, context);
    if (!opens) batch.drop(i, Drop::server_gone);
  } else if (passage.direction == Direction::to_server && opens && starts_over(batch.facts[i], passage, context)) {
    forget(passage, context);
  } else {
    passage.server = server.index;
  }
}

void open_connection(Batch& batch, std::size_t i, const Context& context) noexcept {
  const Facts& facts = batch.facts[i];
  Passage& passage = batch.passages[i];
  if (!opens_connection(facts)) return batch.drop(i, Drop::no_connection);
  // Nobody outside may speak with an address of ours. Checked for new connections only: it costs a route lookup.
  const RouteKind from = find_route(context.snapshot, facts.source).kind;
  if (from == RouteKind::local || from == RouteKind::service) return batch.drop(i, Drop::bad_source);

  const ServiceId service{passage.service};
  const std::uint16_t chosen = next_in_sequence(context.snapshot, service, context.cursors, context.servers);
  if (chosen == kNoIndex) return batch.drop(i, Drop::no_server);
  FlowKey key;
  key.client = facts.source;
  key.client_port = facts.source_port;
  key.service = service;
  key.service_port = context.snapshot.services[passage.service].port;
  const ServerId server{chosen, context.snapshot.servers[chosen].generation};
  const auto state = facts.kind == PacketKind::udp ? ConnectionState::udp : ConnectionState::embryonic;
  const auto inserted = context.connections.insert(context.worker, key, server, state, Reason::scheduler, context.now);
  if (inserted.id == kNoConnection) {
    batch.drop(i, Drop::table_full);
    Event event;
    event.kind = Event::Kind::table_full;
    event.address = facts.destination;
    [[maybe_unused]] const bool room = batch.events.push(event);  // one per packet at most
    return;
  }
  passage.connection = inserted.id;
  passage.server = chosen;
  if (!inserted.is_new) {
    // Another worker, or an earlier packet of this batch, was first.
    const ServerId theirs = context.connections.server(inserted.id);
    if (!server_is_there(context.snapshot, theirs)) return batch.drop(i, Drop::server_gone);
    passage.server = theirs.index;
    return;
  }
  ServerCounters& counters = counters_of(context.servers, server);
  counters.connections.add(1);
  counters.active.store(counters.active.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

void schedule_stage(Batch& batch, const Context& context) noexcept {
  for (std::size_t i = 0; i < batch.count; ++i) {
    if (batch.pending(i) && batch.passages[i].connection != kNoConnection) check_found(batch, i, context);
    if (batch.pending(i) && batch.passages[i].connection == kNoConnection) open_connection(batch, i, context);
  }
}

}  // namespace fulcrum
