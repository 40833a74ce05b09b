// What a connection remembers of each packet: time, counts, and TCP's state as far as it shows from outside.
#include "dataplane/pipeline/track.h"

#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/response.h"
#include "dataplane/pipeline/server_counts.h"
#include "dataplane/pipeline/tcp_state.h"

namespace fulcrum {
// Not inline: nearly no segment changes its connection's state.
[[gnu::noinline]] void follow(const Context& context, ConnectionId connection, ServerId server,
                              const ServiceRow& service, Segment segment) noexcept {
  const ConnectionState state = context.connections.state(connection);
  const ConnectionState next = next_state(state, service.mode, segment.from_client, segment.flags);
  if (next == state) return;
  count_state(context.servers, server, context.connections.set_state(connection, next), next);
  if (next == ConnectionState::answered && is_measured(service))
    end_sample(context.servers, server, connection, context.now_us);
}

void track_stage(Batch& batch, Part part, const Context& context) noexcept {
  for (std::size_t i = part.begin; i < part.end; ++i) {
    if (!batch.pending(i)) continue;
    const Facts& facts = batch.facts[i];
    const Passage& passage = batch.passages[i];
    const ServerId server{passage.server, context.snapshot.servers[passage.server].generation};
    if (passage.connection != kNoConnection) {
      context.connections.at(passage.connection).touch(passage.direction, facts.ip_length, context.now);
      const ConnectionState state = context.connections.state(passage.connection);
      if (facts.kind == PacketKind::tcp && !stays_established(state, facts.tcp_flags))
        follow(context, passage.connection, server, context.snapshot.services[passage.service],
               {passage.direction == ConnectionTable::Direction::to_server, facts.tcp_flags});
    }
    count_packet(context.servers, server, passage.direction, facts.ip_length);
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
