// What a connection remembers of each packet: time, counts, and TCP's state as far as it shows from outside.
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/server_counts.h"

namespace fulcrum {
namespace {

using Direction = ConnectionTable::Direction;

// After both FINs (or a RST) a few seconds remain for the last segments that are sent again.
constexpr std::uint32_t kClosedSeconds = 10;

// RFC 9293 3.3.2, seen from between the two ends. In DSR the server's side never passes, so a connection there goes
// from client_closing straight to its end by time.
ConnectionState next_state(ConnectionState state, Direction direction, std::uint8_t flags) noexcept {
  const bool from_client = direction == Direction::to_server;
  if ((flags & tcp_flag::rst) != 0) return ConnectionState::closed;
  if ((flags & tcp_flag::fin) != 0) {
    const auto own = from_client ? ConnectionState::client_closing : ConnectionState::server_closing;
    const auto other = from_client ? ConnectionState::server_closing : ConnectionState::client_closing;
    if (state == other || state == ConnectionState::closed) return ConnectionState::closed;
    return own;
  }
  const bool confirms = from_client && (flags & (tcp_flag::syn | tcp_flag::ack)) == tcp_flag::ack;
  return state == ConnectionState::embryonic && confirms ? ConnectionState::established : state;
}

void count(ServerCounters& counters, Direction direction, std::uint32_t bytes) noexcept {
  const bool in = direction == Direction::to_server;
  (in ? counters.packets_in : counters.packets_out).add(1);
  (in ? counters.bytes_in : counters.bytes_out).add(bytes);
}

}  // namespace

void track_stage(Batch& batch, const Context& context) noexcept {
  for (std::size_t i = 0; i < batch.count; ++i) {
    if (!batch.pending(i)) continue;
    const Facts& facts = batch.facts[i];
    const Passage& passage = batch.passages[i];
    context.connections.touch(passage.connection, passage.direction, facts.ip_length, context.now);
    if (facts.kind == PacketKind::tcp) {
      const ConnectionState state = context.connections.state(passage.connection);
      const ConnectionState next = next_state(state, passage.direction, facts.tcp_flags);
      if (next != state) context.connections.set_state(passage.connection, next);
    }
    const ServerId server{passage.server, context.snapshot.servers[passage.server].generation};
    count(counters_of(context.servers, server), passage.direction, facts.ip_length);
  }
}

Tick idle_limit(const ServiceRow& service, ConnectionState state) noexcept {
  std::uint32_t seconds = 0;
  switch (state) {
    case ConnectionState::embryonic:
      seconds = service.embryonic_s;
      break;
    case ConnectionState::established:
      seconds = service.established_s;
      break;
    case ConnectionState::client_closing:
    case ConnectionState::server_closing:
      seconds = service.closing_s;
      break;
    case ConnectionState::closed:
      seconds = kClosedSeconds;
      break;
    case ConnectionState::udp:
      seconds = service.udp_s;
      break;
  }
  return ticks(std::chrono::seconds{seconds});
}

bool is_over(const Snapshot& snapshot, const ConnectionEntry& entry, Tick now) noexcept {
  // Nothing published yet (a cold start of control beside a warm dataplane): nobody can say what is over.
  if (snapshot.generation == 0) return false;
  const ServiceRow& service = snapshot.services[entry.key.service.value];
  const ServerRow& server = snapshot.servers[entry.server.index];
  if (service.in_use == 0 || server.state == ServerState::unused || server.generation != entry.server.generation)
    return true;
  return elapsed(entry.last_seen, now) >= idle_limit(service, entry.state);
}

}  // namespace fulcrum
