// Which connections, or which clients bound to servers, a person means: what `fulcrum show` and `fulcrum clear` take as
// options, in ids instead of names. Small enough to travel in a command, so that control (which shows) and the workers
// (who clear) mean the same.
#pragma once

#include <cstdint>

#include "dataplane/base/address.h"
#include "dataplane/base/ids.h"
#include "dataplane/contract/connections.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

enum class Table : std::uint8_t { connections = 0, persistence = 1 };

struct EntryFilter {
  static constexpr std::uint8_t any_client = UINT8_MAX;
  static constexpr std::uint8_t any_state = UINT8_MAX;

  Address client;                           // a network ...
  std::uint8_t client_length = any_client;  // ... of this prefix length
  std::uint8_t states = any_state;          // a bit per ConnectionState; connections only
  FarmId farm{kNoIndex};                    // kNoIndex: any
  MemberId member{};                        // kNoMember: any
  friend bool operator==(const EntryFilter&, const EntryFilter&) = default;
};
static_assert(sizeof(EntryFilter) == 24);

constexpr std::uint8_t state_bit(ConnectionState state) noexcept {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(state));
}

// Ids in the entry may be of an older generation than the snapshot: what names nothing any more belongs to no farm and
// no server. Any thread.
bool matches(const EntryFilter& filter, const Snapshot& snapshot, const ConnectionEntry& entry) noexcept;

// An entry of the persistence table: `client`, a network of the farm's mask, is bound to `member` of the farm. It lies
// in a ConnectionEntry, because it lives as one does: see lookup/persistence_table.h.
struct Binding {
  FarmId farm;
  Prefix client;
  MemberId member;
};
Binding binding_of(const ConnectionEntry& entry) noexcept;
FlowKey binding_key(FarmId farm, const Address& client, std::uint8_t length) noexcept;
// A client of a network that is bound as a whole is found by its own address, too.
bool matches(const EntryFilter& filter, const Binding& binding) noexcept;

}  // namespace fulcrum
