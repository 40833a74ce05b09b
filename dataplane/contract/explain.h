// "What would you do with this packet now, and why?" Control asks, the dataplane's housekeeping thread answers: it runs
// the workers' own stages over a made-up packet (dataplane/explain) and writes down what each of them found.
//
// One question at a time. Control fills `question` and then stores `asked`; housekeeping, which sees that `answered`
// differs, fills `answer` and then stores `answered`. So a question that its asker did not live to finish is never
// seen, one that the answerer did not live to answer is answered by its successor, and an answer is never read half
// written. Whoever asks waits until the question before, his own or a dead predecessor's, is answered.
//
// The question names the snapshot slot to answer from: the one that a worker uses, or one into which control compiled
// a candidate that nobody uses. An open question counts as a use of its slot (See "Snapshot slots").
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "dataplane/base/address.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/ids.h"
#include "dataplane/contract/connections.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/contract/verdict.h"

namespace fulcrum {

// The stages, in the order in which a packet meets them.
enum class Stage : std::uint8_t { parse = 0, classify = 1, lookup = 2, schedule = 3, track = 4, rewrite = 5 };
inline constexpr std::size_t kStages = 6;

// In a snapshot's generation: a draft, which nobody uses and which is no configuration's.
inline constexpr std::uint64_t kDraftMark = 1ULL << 63U;

struct ExplainQuestion {
  std::uint64_t generation = 0;  // of the snapshot in `slot`
  std::uint32_t slot = 0;
  Protocol protocol = Protocol::tcp;  // tcp or udp
  std::uint8_t tcp_flags = 0;         // as on the wire (RFC 9293 3.1)
  std::uint8_t ttl = 64;
  PortId port;      // the data port that it comes in by
  WorkerId worker;  // whose turn it is; matters where each worker counts for itself (round robin)
  std::uint8_t unused = 0;
  Be16 source_port{0}, destination_port{0};
  std::uint16_t payload = 0;  // bytes behind the transport header, at most kExplainPayloadMax
  Address source, destination;
};
static_assert(sizeof(ExplainQuestion) == 56 && std::is_trivially_copyable_v<ExplainQuestion>);
inline constexpr std::size_t kExplainPayloadMax = 9216;
inline constexpr std::size_t kExplainServersMax = 1024;  // described one by one; a farm with more is described in part
inline constexpr std::size_t kExplainHeadMax = 80;       // Ethernet, IPv6 and TCP without options have 74 bytes

// One server of the packet's service, as the scheduler saw it.
struct ExplainedServer {
  static constexpr std::uint32_t no_turn = UINT32_MAX;
  static constexpr double no_score = -1;
  ServerId id;
  MemberId member;
  std::uint16_t weight = 0;
  ServerState state{};           // as compiled, or by a newer word of control
  std::uint8_t is_usable = 0;    // by anybody's new connection
  std::uint32_t turn = no_turn;  // new connections that come before its next, by this worker's cursor; 0: it is next
  std::int64_t active = 0;       // connections, over all workers
  std::uint32_t limit = 0;       // how many it may have over all of its rows; 0: as many as come
  std::uint32_t is_full = 0;     // it has reached that, and not enough have ended since
  // Where load decides, of those that are usable: what the scheduler compares, the least of which it takes.
  double score = no_score;
};
static_assert(sizeof(ExplainedServer) == 40 && std::is_trivially_copyable_v<ExplainedServer>);

struct ExplainedHead {
  std::uint32_t length = 0;  // of the whole frame
  std::array<std::byte, kExplainHeadMax> bytes{};
};

struct ExplainAnswer {
  enum class Status : std::uint8_t {
    answered = 0,
    stale = 1,    // the slot holds another generation by now
    invalid = 2,  // no such slot, worker or port, or neither TCP nor UDP
  };
  enum class Outcome : std::uint8_t { send = 0, punt = 1, drop = 2 };
  // What became of the connection that was found.
  enum class Found : std::uint8_t {
    none = 0,
    used = 1,
    server_left = 2,  // forgotten: its server is no longer there
    over = 3,         // forgotten: it is over, and the client begins anew
    server_down = 4,  // forgotten: the client begins anew, and its server takes no new connection
    resets = 5,       // its server is leaving, and the farm resets its connections
  };
  // What the persistence table had to say.
  enum class Bound : std::uint8_t {
    not_asked = 0,  // the service binds nobody, or no server had to be chosen
    nothing = 1,    // the client is not bound
    expired = 2,
    used = 3,
    unusable = 4,  // the server that the client is bound to takes no new connection
  };

  std::uint64_t generation = 0, model_hash = 0;
  Tick now = 0;
  Status status = Status::answered;
  Stage ended_at = Stage::rewrite;  // the stage that decided `outcome`
  Outcome outcome = Outcome::drop;
  Drop drop = Drop::none;
  PortId in, out;              // `out`: for send and punt
  std::uint8_t to_client = 0;  // a reply of a server
  Reason reason{};             // of the connection that carries the packet
  std::uint16_t service = kNoIndex;
  std::uint16_t server = kNoIndex;
  Found found = Found::none;
  Bound bound = Bound::not_asked;
  std::uint8_t opens = 0;       // a new connection
  std::uint8_t table_full = 0;  // there is no room for a new connection
  ConnectionState state{};      // of the connection, after this packet
  std::uint8_t neighbour_wanted = 0;
  Answer answer = Answer::none;     // `outcome` drop: what the sender gets
  std::uint8_t alone = 0;           // to a server that was chosen for this packet only; `reason` says why
  NextHop route;                    // to the packet's own destination
  MemberId bound_member;            // `bound` is used, unusable or expired
  std::uint32_t bound_idle = 0;     // ticks since the binding was last used
  Address next_hop;                 // `outcome` send, or punt for want of a neighbour: whose MAC address is used
  ConnectionEntry connection;       // as found; `found` is not none
  ExplainedHead before, after;      // the frame, as it came and as it leaves
  std::uint32_t servers_total = 0;  // of the service
  std::uint32_t servers_count = 0;  // of them in `servers`
  std::array<ExplainedServer, kExplainServersMax> servers;
};
static_assert(std::is_trivially_copyable_v<ExplainAnswer>);

struct alignas(64) ExplainBox {
  std::atomic<std::uint64_t> asked{0};  // number of the newest question (release, after it). Written by: control
  ExplainQuestion question;             // written by: control, while asked == answered
  alignas(64) std::atomic<std::uint64_t> answered{
      0};                // number of the newest answer (release). Written by: housekeeping
  ExplainAnswer answer;  // written by: housekeeping, while asked != answered
};

}  // namespace fulcrum
