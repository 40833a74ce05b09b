// Up to kBatchMax packets on their way through the stages. Each stage reads what earlier ones found and adds its own
// findings; none frees or sends a frame. At the end every packet has an Outcome, which the worker carries out.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/base/fixed_vector.h"
#include "dataplane/contract/messages.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/contract/verdict.h"
#include "dataplane/lookup/connection_table.h"
#include "dataplane/packet/facts.h"
#include "dataplane/packet/frame.h"
#include "dataplane/packet/plain.h"

namespace fulcrum {

enum class Outcome : std::uint8_t {
  pending,  // still on its way
  send,     // leaves by data port `port`
  punt,     // goes to the kernel twin of data port `port`
  drop,     // for the reason `drop`
};

// What is known about one packet beyond its headers.
struct Passage {
  Outcome outcome = Outcome::pending;
  Drop drop = Drop::none;
  Answer answer = Answer::none;  // to a packet that is dropped; leaves by the port it came in by
  PortId port{};
  ConnectionTable::Direction direction = ConnectionTable::Direction::to_server;
  Reason reason{};                   // why this server, where no connection says it
  std::uint16_t service = kNoIndex;  // row of the service it belongs to
  std::uint16_t server = kNoIndex;   // row of the server it goes to or comes from
  ConnectionId connection = kNoConnection;
  NextHop route;  // towards the client; only for Direction::to_client
};

// Packets of a batch that go through a stage together: `begin` to `end`.
struct Part {
  std::uint32_t begin = 0, end = 0;  // together in one register
  // One for each.
  [[nodiscard]] constexpr std::uint32_t bits() const noexcept {
    return static_cast<std::uint32_t>((std::uint64_t{1} << end) - (std::uint64_t{1} << begin));
  }
};

struct Batch {
  std::size_t count = 0;
  std::array<Frame, kBatchMax> frames;  // all of one port
  std::array<Facts, kBatchMax> facts;
  std::array<Passage, kBatchMax> passages;
  ConnectionTable::Searches searches;    // by packet, for the lookup's steps
  std::uint32_t fast = 0;                // a bit for each packet that is on the fast path (fast_path.cc)
  FixedVector<Event, kBatchMax> events;  // for control; at most one per packet
  bool has_answers = false;
  bool has_opened = false;  // a connection
  // The last packet that was found to be a service's, and of which others may be (classify.cc). The service stands here
  // because lookup may have taken the packet to another one by then.
  std::size_t like = kBatchMax;
  std::uint16_t service_of_like = kNoIndex;
  // The same for the fast path: the IPv4 address and the port, as they lie on the wire.
  std::uint64_t fast_end = 0;
  std::uint16_t service_of_fast_end = kNoIndex;
  bool fast_replies = false;  // the last one was a server's ...
  RouteSpan reply_route;      // ... to an address among these
  plain::Beginning to_us;     // of frames that came in by the port of the batch before

  // What it found with the batch before is of no interest.
  void begin() noexcept {
    events.clear();
    searches.wanted = 0;
    fast = 0;
    has_answers = false;
    has_opened = false;
    like = kBatchMax;
    fast_end = 0;
    reply_route = {};
  }

  void drop(std::size_t i, Drop reason) noexcept {
    passages[i].outcome = Outcome::drop;
    passages[i].drop = reason;
  }
  void refuse(std::size_t i, Drop reason, Answer answer) noexcept {
    drop(i, reason);
    passages[i].answer = answer;
    has_answers |= answer != Answer::none;
  }
  void punt(std::size_t i, PortId port) noexcept {
    passages[i].outcome = Outcome::punt;
    passages[i].port = port;
  }
  // The first of the part that are not on the fast path, up to the next one that is; none: at the part's end.
  [[nodiscard]] Part off_fast_path(Part part) const noexcept {
    const std::uint64_t others = part.bits() & ~fast;
    if (others == 0) return {part.end, part.end};
    const auto begin = static_cast<std::uint32_t>(std::countr_zero(others));
    return {begin, std::min(begin + static_cast<std::uint32_t>(std::countr_one(others >> begin)), part.end)};
  }
  [[nodiscard]] bool pending(std::size_t i) const noexcept { return passages[i].outcome == Outcome::pending; }
};

}  // namespace fulcrum
