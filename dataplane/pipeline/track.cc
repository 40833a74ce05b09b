// What a connection remembers of each packet: time, counts, and TCP's state as far as it shows from outside.
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/response.h"
#include "dataplane/pipeline/server_counts.h"
#include "dataplane/pipeline/tcp_state.h"

namespace fulcrum {
namespace {

using Direction = ConnectionTable::Direction;

void count(ServerCounters& counters, Direction direction, std::uint32_t bytes) noexcept {
  const bool in = direction == Direction::to_server;
  (in ? counters.packets_in : counters.packets_out).add(1);
  (in ? counters.bytes_in : counters.bytes_out).add(bytes);
}

// What a segment makes of its connection's state. Not inline: nearly none changes it.
[[gnu::noinline]] void follow(const Facts& facts, const Passage& passage, const Context& context,
                              ServerId server) noexcept {
  const ConnectionState state = context.connections.state(passage.connection);
  const ServiceRow& service = context.snapshot.services[passage.service];
  const bool from_client = passage.direction == Direction::to_server;
  const ConnectionState next = next_state(state, service.mode, from_client, facts.tcp_flags);
  if (next == state) return;
  count_state(context.servers, server, context.connections.set_state(passage.connection, next), next);
  if (next == ConnectionState::answered && is_measured(service))
    end_sample(context.servers, server, passage.connection, context.now_us);
}

}  // namespace

void track_stage(Batch& batch, Part part, const Context& context) noexcept {
  for (std::size_t i = part.begin; i < part.end; ++i) {
    if (!batch.pending(i)) continue;
    const Facts& facts = batch.facts[i];
    const Passage& passage = batch.passages[i];
    const ServerId server{passage.server, context.snapshot.servers[passage.server].generation};
    if (passage.connection != kNoConnection) {
      context.connections.touch(passage.connection, passage.direction, facts.ip_length, context.now);
      const ConnectionState state = context.connections.state(passage.connection);
      if (facts.kind == PacketKind::tcp && !stays_established(state, facts.tcp_flags))
        follow(facts, passage, context, server);
    }
    count(counters_of(context.servers, server), passage.direction, facts.ip_length);
  }
}

bool is_over(const Snapshot& snapshot, const ConnectionEntry& entry, Tick now) noexcept {
  // Nothing published yet (a cold start of control beside a warm dataplane): nobody can say what is over.
  if (snapshot.generation == 0) return false;
  const ServiceRow& service = snapshot.services[entry.key.service.value];
  const ServerRow& server = snapshot.servers[entry.server.index];
  if (service.in_use == 0 || server.state == ServerState::unused || server.generation != entry.server.generation)
    return true;
  return elapsed(entry.last_seen, now) >= ticks(std::chrono::seconds{idle_limit_s(service, entry.state)});
}

}  // namespace fulcrum
