// Linux's neighbour tables, as far as they concern the data ports, mirrored into the region's NeighbourTable; and the
// questions that make Linux find neighbours out. See "Unknown neighbours" in ARCHITECTURE.md.
//
// Two kinds of entries. A next hop of the snapshot (server or gateway) is *kept*: workers hold its index, so the entry
// stays when Linux forgets the neighbour, unresolved; and Linux is asked again and again, also when its knowledge is
// stale, so that the MAC is there before a packet needs it. A client on a connected network comes when a worker or
// Linux meets it and goes when Linux forgets it.
//
// Whom to ask is decided here, bounded; sending the questions is the caller's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/network/netlink.h"
#include "dataplane/contract/neighbours.h"

namespace fulcrum {

class NeighbourMirror {
 public:
  struct Question {
    PortId port;
    Address address;
  };
  static constexpr std::size_t questions_per_tick_max = 256;
  static constexpr std::chrono::nanoseconds client_pause = std::chrono::seconds{1};

  // Takes up a table, mending what a predecessor left half written. Borrowed until the next attach or detach.
  void attach(NeighbourTable& table);
  void detach();

  // What Linux reports about `port`.
  void hear(PortId port, const netlink::Neighbour& neighbour);
  // Around a full dump: afterwards, what Linux did not mention is unknown.
  void begin_resync();
  void end_resync();

  // The next hops of a snapshot: begin, keep each while it is compiled, and when it was published, commit. Nothing from
  // keep(): the table is full there.
  void begin_keeping();
  std::optional<NeighbourId> keep(PortId port, const Address& address);
  void commit_keeping();
  // Every worker uses the committed snapshot: what only older ones referred to is let go.
  void release_others();

  // The kept next hops that Linux should be asked about now, in turn.
  std::vector<Question> due();
  // A worker wants this neighbour: the question, unless it was asked a moment ago or too much is being asked.
  std::optional<Question> want(PortId port, const Address& address, std::chrono::nanoseconds now);

  [[nodiscard]] std::size_t refused() const { return refused_; }  // neighbours the table had no room for

 private:
  using Key = std::pair<std::uint8_t, std::array<std::uint8_t, 16>>;
  struct Known {
    NeighbourId id;
    bool fresh = false;  // Linux knows the MAC and it is not stale
    bool heard = false;  // since begin_resync
    // The newest keeping, a number of begin_keeping(), in which it was a next hop; 0: it is none.
    std::uint64_t kept_in = 0;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  static Key key(PortId port, const Address& address) { return {port.value, address.bytes()}; }
  Known* obtain(PortId port, const Address& address);
  void forget(const Key& key, Known& known);

  NeighbourTable* table_ = nullptr;
  std::unordered_map<Key, Known, KeyHash> known_;
  std::uint64_t keeping_ = 0;          // the newest that began
  std::uint64_t committed_ = 0;        // the newest that was committed
  std::uint64_t oldest_in_use_ = 0;    // of those that a worker may still use
  std::vector<Key> candidate_, kept_;  // the next hops of the keepings `keeping_` and `committed_`, each once
  std::size_t asked_up_to_ = 0;        // in kept_: where due() goes on
  std::set<Key> asked_;                // clients, since asked_since_
  std::chrono::nanoseconds asked_since_{0};
  std::size_t refused_ = 0;
  bool unsure_left_ = false;  // by a predecessor
};

}  // namespace fulcrum
