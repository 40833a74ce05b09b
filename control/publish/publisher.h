// The way of a configuration to the workers: a free snapshot slot is filled, every worker is told, and each worker's
// acknowledgement is awaited before anything it may still read is written again. See "Snapshot slots".
//
// The publisher keeps no memory that a successor would miss. Whether a slot is free is read off the region alone: it is
// in use when a worker's status line names it, when a worker has unread commands and the slot is not older than what
// that worker acknowledged (one of those commands may name it), or when an open question is about it. So a control
// process that is killed at any instruction leaves nothing behind that its successor could get wrong.
//
// Per worker there is an outbox: at most one adopt command, and after it the urgent server states, the last one of each
// server. A full ring leaves them there; turn() tries again. New snapshots carry the states that were known when they
// were compiled, so publishing empties the outboxes.
//
// One thread. No clock, no system call.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/base/ids.h"
#include "dataplane/base/result.h"
#include "dataplane/contract/region.h"

namespace fulcrum {

class Publisher {
 public:
  // Fills `into` with what shall be published as `generation`. `previous` is the newest snapshot of the region, null on
  // a fresh one.
  using Compile = std::function<Result<void>(std::uint64_t generation, const Snapshot* previous, Snapshot& into)>;

  enum class Outcome : std::uint8_t {
    published,
    waiting,  // no slot is free yet: a worker has not acknowledged. Try again after turn()
  };

  // Takes up work on a region, anew after a restart of the dataplane. Borrowed until the next attach or detach.
  void attach(Region& region);
  void detach();
  [[nodiscard]] bool attached() const { return region_ != nullptr; }

  // The newest complete snapshot of the region, whoever published it; null when there is none.
  [[nodiscard]] const Snapshot* newest() const;

  // Compiles and announces. Errors are those of `compile`; nothing has changed then.
  Result<Outcome> publish(const Compile& compile);

  // Compiles into a free slot that is announced to nobody, for a question about it (contract/explain.h), which must be
  // asked before anything else is published. Nothing: no slot is free.
  struct Draft {
    std::uint32_t slot = 0;
    std::uint64_t generation = 0;  // with kDraftMark, so that no successor takes it for the newest
  };
  Result<std::optional<Draft>> draft(const Compile& compile);

  // Tells every worker at once that `server` of the newest snapshot is up or down.
  void set_server_state(ServerId server, ServerState state);

  // Sends what the rings had no room for.
  void turn();

  struct WorkerView {
    std::uint64_t acknowledged = 0;  // generation
    std::uint32_t unread = 0;        // commands in its ring
    std::size_t waiting = 0;         // commands that had no room in the ring
  };
  [[nodiscard]] std::vector<WorkerView> workers() const;
  [[nodiscard]] bool has_waiting() const;
  // Every worker uses the newest snapshot.
  [[nodiscard]] bool acknowledged() const;

 private:
  struct Outbox {
    std::optional<Command> adopt;
    std::map<std::uint16_t, Command> states;  // by row
  };
  [[nodiscard]] bool in_use(std::size_t slot) const;
  [[nodiscard]] std::optional<std::size_t> free_slot() const;
  [[nodiscard]] std::uint64_t next_generation() const;
  void find_newest();
  void fill(Snapshot& slot, std::uint64_t generation) const;
  [[nodiscard]] bool is_draft(std::uint64_t generation) const { return (generation & kDraftMark) != 0; }

  Region* region_ = nullptr;
  std::optional<std::size_t> newest_;  // slot
  std::vector<Outbox> outboxes_;       // one per worker
  std::unique_ptr<Snapshot> draft_;    // compiled here and then copied, so that no slot ever shows work in progress
};

// The generation as another process may be storing it.
[[nodiscard]] std::uint64_t generation_of(const Snapshot& snapshot) noexcept;

}  // namespace fulcrum
