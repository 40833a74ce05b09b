// Packets of a service that have no connection, or one that cannot be used any more: choose a server, open a
// connection.
#include "dataplane/pipeline/answering.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/response.h"
#include "dataplane/pipeline/server_counts.h"
#include "dataplane/pipeline/tcp_state.h"
#include "dataplane/schedule/choose.h"

namespace fulcrum {
namespace {

using Direction = ConnectionTable::Direction;

bool opens_connection(const Facts& facts) noexcept {
  if (facts.kind == PacketKind::udp) return true;
  return begins_connection(facts.tcp_flags);
}

bool server_is_there(const Snapshot& snapshot, ServerId server) noexcept {
  const ServerRow& row = snapshot.servers[server.index];
  return row.generation == server.generation && row.state != ServerState::unused;
}

void forget(Passage& passage, const Context& context) noexcept {
  const ServerId server = context.connections.server(passage.connection);
  if (context.connections.remove(passage.connection)) {
    // Nobody reuses a dead entry before our next quiescent().
    count_removed(context.snapshot, context.servers, server, context.connections.state(passage.connection));
  }
  passage.connection = kNoConnection;
}

// Whether a packet that opens a connection shall not go on with the one found under the same addresses: the client
// re-uses its port after the old connection ended, or the chosen server may not have it. The latter holds for an
// established connection too: in DSR the server's RST does not pass here, so a connection that the server's death ended
// looks alive until its time is up, and a new one from the same port would follow it to the dead server. A UDP flow has
// no end: it leaves a server that failed, in maintenance too, or a client that always sends from one port would never
// find a living one; and a last resort that is not needed any more, or it would stay there for ever.
bool starts_over(const Facts& facts, const Passage& passage, const Context& context) noexcept {
  const std::uint16_t row = context.connections.server(passage.connection).index;
  const ServerState state = state_now(context.snapshot, row, context.servers[row]);
  if (facts.kind != PacketKind::tcp) {
    return state == ServerState::down || state == ServerState::idle ||
           (state == ServerState::maintenance && context.snapshot.servers[row].is_healthy == 0);
  }
  const Mode mode = context.snapshot.services[passage.service].mode;
  return gives_way(context.connections.state(passage.connection), mode) || !takes_bound(state);
}

// The connection of a server that the farm has taken away: tells the end that has just spoken, and remembers the
// connection until the other one has been told too, or its time is up. In DSR only the client speaks here.
void reset_connection(Batch& batch, std::size_t i, const Context& context) noexcept {
  Passage& passage = batch.passages[i];
  const bool from_client = passage.direction == Direction::to_server;
  const bool is_tcp = batch.facts[i].kind == PacketKind::tcp;
  const bool is_reset = (batch.facts[i].tcp_flags & tcp_flag::rst) != 0;
  const ConnectionState told = from_client ? ConnectionState::reset : ConnectionState::time_wait;
  const ConnectionState other = from_client ? ConnectionState::time_wait : ConnectionState::reset;
  const bool is_last = is_reset || !is_tcp || context.connections.state(passage.connection) == other ||
                       context.snapshot.services[passage.service].mode == Mode::dsr;
  if (is_last) {
    forget(passage, context);
  } else {
    const ServerId server = context.connections.server(passage.connection);
    count_state(context.servers, server, context.connections.set_state(passage.connection, told), told);
  }
  batch.refuse(i, Drop::connection_reset, is_tcp && !is_reset ? Answer::tcp_reset : Answer::none);
}

// What is so of nearly every packet of a connection: its server is there, and it does not begin anything.
bool goes_on(const Facts& facts, ServerId server, const Context& context) noexcept {
  const ServerRow& row = context.snapshot.servers[server.index];
  if (!keeps_its_connections(row, server)) return false;
  if (!opens_connection(facts)) return true;
  return facts.kind == PacketKind::udp && row.state == ServerState::up && !context.is_urgent;
}

// A connection was found: may it be used? If not, it is forgotten; a packet that could open one then does.
void check_found(Batch& batch, std::size_t i, const Context& context) noexcept {
  Passage& passage = batch.passages[i];
  const ServerId server = context.connections.server(passage.connection);
  const bool opens = opens_connection(batch.facts[i]);
  if (!server_is_there(context.snapshot, server)) {
    forget(passage, context);
    if (!opens) batch.drop(i, Drop::server_gone);
  } else if (context.snapshot.servers[server.index].flows == Flows::reset) {
    if (!opens || passage.direction == Direction::to_client) return reset_connection(batch, i, context);
    forget(passage, context);
  } else if (passage.direction == Direction::to_server && opens && starts_over(batch.facts[i], passage, context)) {
    forget(passage, context);
  } else {
    passage.server = server.index;
  }
}

FlowKey key_of(const Facts& facts, const Passage& passage) noexcept {
  FlowKey key;
  key.client = facts.source;
  key.client_port = facts.source_port;
  key.service = ServiceId{passage.service};
  key.service_port = facts.destination_port;
  return key;
}

// A segment that was looked up before an earlier packet of this batch opened its connection: a client that sends right
// behind its SYN (TCP Fast Open, RFC 7413), or one whose SYN was held up.
void join_opened(Batch& batch, std::size_t i, const Context& context) noexcept {
  const FlowKey key = key_of(batch.facts[i], batch.passages[i]);
  batch.passages[i].connection = context.connections.lookup(key);
  if (batch.passages[i].connection != kNoConnection) check_found(batch, i, context);
}

void report_full(Batch& batch, Event::Kind kind, const Address& destination) noexcept {
  Event event;
  event.kind = kind;
  event.address = destination;
  [[maybe_unused]] const bool room = batch.events.push(event);  // lost when the batch has told enough already
}

// Where the farm has bound the client to: the server's row in this service, if that can take its connection.
std::uint16_t usable_row(const Context& context, ServiceId service, MemberId member) noexcept {
  const std::uint16_t row = find_member(context.snapshot, service, member);
  if (row == kNoIndex) return kNoIndex;
  const bool takes = takes_bound(state_now(context.snapshot, row, context.servers[row]));
  return takes && server_has_room(context.snapshot, row, context.servers) ? row : kNoIndex;
}

// What the farm's scheduler says.
Decision choose_scheduled(const Facts& facts, const Context& context, ServiceId service) noexcept {
  return decide(context.snapshot, service, {facts.source, facts.source_port}, context.cursors, context.servers,
                context.now, context.is_urgent);
}

// The server that had the client's last connection, on whatever address and port of the farm; else the scheduler's
// choice, which the client is bound to from now on.
Decision choose_persistent(Batch& batch, const Facts& facts, const Context& context, ServiceId service) noexcept {
  const ServiceRow& row = context.snapshot.services[service.value];
  const FlowKey key = binding_key(row.farm, facts.source, row.persistence_length);
  const auto bound = context.bindings.find(key);
  const bool holds = bound && elapsed(bound->last_used, context.now) < ticks(std::chrono::seconds{row.persistence_s});
  if (holds) {
    const std::uint16_t server = usable_row(context, service, bound->member);
    if (server != kNoIndex) {
      context.bindings.use(bound->id, context.now);
      return {server, Reason::persistence};
    }
  }
  const auto [server, rule, refused] = choose_scheduled(facts, context, service);
  if (server == kNoIndex) return {.refused = refused};
  const MemberId member = context.snapshot.servers[server].member;
  if (bound) {
    context.bindings.rebind(bound->id, member);
    context.bindings.use(bound->id, context.now);
    return {server, holds ? Reason::fallback : rule};
  }
  const auto made = context.bindings.bind(context.worker, key, member, context.now);
  if (!made) {
    context.status.bindings_refused.add(1);
    report_full(batch, Event::Kind::bindings_full, facts.destination);
    return {server, rule};
  }
  context.bindings.use(made->id, context.now);
  if (made->member == member) return {server, rule};
  // Another worker bound the client at the same moment: both its connections shall go there.
  const std::uint16_t theirs = usable_row(context, service, made->member);
  return theirs != kNoIndex ? Decision{theirs, Reason::persistence} : Decision{server, rule};
}

Decision choose(Batch& batch, const Facts& facts, const Context& context, ServiceId service) noexcept {
  const bool binds = context.snapshot.services[service.value].persistence_s != 0;
  return binds ? choose_persistent(batch, facts, context, service) : choose_scheduled(facts, context, service);
}

// Whether the server's answers to this port of the client belong to a connection through another service already: the
// two could not be told apart, here as little as by the server. One that is over gives way.
bool port_is_taken(const Facts& facts, const Context& context, std::uint16_t row) noexcept {
  const Snapshot& snapshot = context.snapshot;
  if (snapshot.services[snapshot.servers[row].service.value].mode != Mode::nat) return false;
  const auto is_in_the_way = [&](std::uint16_t other, const FlowKey& key) {
    const ConnectionId found = context.connections.lookup(key);
    const ServerId server{other, snapshot.servers[other].generation};
    if (found == kNoConnection || !(context.connections.server(found) == server)) return false;
    const ConnectionState state = context.connections.state(found);
    if (facts.kind != PacketKind::tcp || !gives_way(state, Mode::nat)) return true;
    if (context.connections.remove(found)) count_removed(snapshot, context.servers, server, state);
    return false;
  };
  return for_each_answerable(snapshot, row, {facts.source, facts.source_port, facts.destination_port}, is_in_the_way);
}

// The choice, or if its answers would be taken for another connection's, any other server.
Decision choose_answerable(Batch& batch, const Facts& facts, const Context& context, ServiceId service) noexcept {
  const Decision chosen = choose(batch, facts, context, service);
  if (chosen.server == kNoIndex || !port_is_taken(facts, context, chosen.server)) return chosen;
  const Snapshot& snapshot = context.snapshot;
  for (std::uint16_t row = snapshot.services[service.value].first_server; row != kNoIndex;
       row = snapshot.servers[row].next_of_service) {
    if (row == chosen.server || !is_usable(snapshot, row, context.servers)) continue;
    if (server_has_room(snapshot, row, context.servers) && !port_is_taken(facts, context, row))
      return {row, Reason::port_taken};
  }
  return {.refused = Drop::port_taken};
}

// Nobody outside may speak with an address of ours. Checked where a server is chosen only: it costs a route lookup.
bool speaks_as_us(const Facts& facts, const Context& context) noexcept {
  const RouteKind from = find_route(context.snapshot, facts.source).kind;
  return from == RouteKind::local || from == RouteKind::service;
}

// A place in the table, if need be that of a connection that nobody has confirmed.
ConnectionTable::Inserted insert(const Context& context, const FlowKey& key, ServerId server, ConnectionState state,
                                 Reason reason) noexcept {
  ConnectionTable& table = context.connections;
  const auto inserted = table.insert(context.worker, key, server, state, reason, context.now);
  if (inserted.id != kNoConnection) return inserted;
  const bool evicted = table.evict_beside(
      key, [](const ConnectionEntry& entry) { return may_be_evicted(entry.state); },
      [&](const ConnectionEntry& entry) {
        count_removed(context.snapshot, context.servers, entry.server, entry.state);
      });
  if (!evicted) return inserted;
  context.status.evicted.add(1);
  // Its slot can be had at once, its entry only when no worker can be reading it any more: where entries are what is
  // lacking, that serves a later packet.
  return table.insert(context.worker, key, server, state, reason, context.now);
}

// What the farm tells a client whose connection nobody can take.
void refuse(Batch& batch, std::size_t i, const Context& context, Drop reason) noexcept {
  const NoServer rule = context.snapshot.services[batch.passages[i].service].no_server;
  Answer answer = Answer::none;
  if (rule == NoServer::reset && batch.facts[i].kind == PacketKind::tcp) {
    answer = Answer::tcp_reset;
  } else if (rule != NoServer::drop && context.budget.take(context.now)) {
    answer = Answer::unreachable;
  }
  batch.refuse(i, reason, answer);
}

// A server for this packet alone. Replies need none: the service they belong to says it all.
void schedule_alone(Batch& batch, std::size_t i, const Context& context) noexcept {
  Passage& passage = batch.passages[i];
  if (passage.direction == Direction::to_client) return;
  if (speaks_as_us(batch.facts[i], context)) return batch.drop(i, Drop::bad_source);
  const Decision chosen = choose(batch, batch.facts[i], context, ServiceId{passage.service});
  if (chosen.server == kNoIndex) return refuse(batch, i, context, chosen.refused);
  passage.server = chosen.server;
  passage.reason = chosen.reason;
}

void open_connection(Batch& batch, std::size_t i, const Context& context) noexcept {
  const Facts& facts = batch.facts[i];
  Passage& passage = batch.passages[i];
  if (!opens_connection(facts)) return batch.drop(i, Drop::no_connection);
  if (context.snapshot.services[passage.service].in_use == kLeaves) {
    // After the end of a connection that it had.
    const std::uint16_t heir = find_heir(context.snapshot, passage.service, facts.destination_port);
    if (heir == kNoIndex) return batch.drop(i, Drop::no_service);
    passage.service = heir;
  }
  if (speaks_as_us(facts, context)) return batch.drop(i, Drop::bad_source);

  const ServiceId service{passage.service};
  const ServiceRow& row = context.snapshot.services[service.value];
  if (context.snapshot.has_limits != 0 && !has_room(context.snapshot, limit_of(row.farm), context.servers))
    return refuse(batch, i, context, Drop::farm_full);
  const Decision chosen = choose_answerable(batch, facts, context, service);
  if (chosen.server == kNoIndex) return refuse(batch, i, context, chosen.refused);
  const FlowKey key = key_of(facts, passage);
  const ServerId server{chosen.server, context.snapshot.servers[chosen.server].generation};
  const auto state = facts.kind == PacketKind::udp ? ConnectionState::udp : ConnectionState::embryonic;
  const auto inserted = insert(context, key, server, state, chosen.reason);
  if (inserted.id == kNoConnection) {
    batch.drop(i, Drop::table_full);
    report_full(batch, Event::Kind::table_full, facts.destination);
    return;
  }
  passage.connection = inserted.id;
  passage.server = chosen.server;
  if (!inserted.is_new) {
    // Another worker, or an earlier packet of this batch, was first.
    const ServerId theirs = context.connections.server(inserted.id);
    if (!server_is_there(context.snapshot, theirs)) return batch.drop(i, Drop::server_gone);
    passage.server = theirs.index;
    return;
  }
  count_opened(context.snapshot, context.servers, server);
  if (is_measured(row)) begin_sample(context.servers, server, inserted.id, context.now_us);
}

}  // namespace

void schedule_stage(Batch& batch, Part part, const Context& context) noexcept {
  for (std::size_t i = part.begin; i < part.end; ++i) {
    if (!batch.pending(i)) continue;
    Passage& passage = batch.passages[i];
    if (passage.connection != kNoConnection) {
      const ServerId server = context.connections.server(passage.connection);
      if (goes_on(batch.facts[i], server, context)) {
        passage.server = server.index;
        if (passage.direction == Direction::to_server)
          context.neighbours.prefetch(context.snapshot.servers[server.index].neighbour);
        continue;
      }
      check_found(batch, i, context);
    }
    if (!batch.pending(i) || passage.connection != kNoConnection) continue;
    if (context.snapshot.services[passage.service].one_packet != 0) {
      schedule_alone(batch, i, context);
      continue;
    }
    // Where there are limits, also one that could open it: its place is taken, and it needs no other.
    if (batch.has_opened && (context.snapshot.has_limits != 0 || !opens_connection(batch.facts[i])))
      join_opened(batch, i, context);
    if (!batch.pending(i) || passage.connection != kNoConnection) continue;
    open_connection(batch, i, context);
    batch.has_opened |= passage.connection != kNoConnection;
  }
}

}  // namespace fulcrum
