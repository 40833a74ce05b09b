#include "dataplane/schedule/least.h"

#include <algorithm>
#include <limits>
#include <span>

#include "dataplane/base/wide.h"

namespace fulcrum {
namespace {

// Draws before it is left to a walk along the sequence, when many servers went down since the snapshot was compiled.
constexpr int kDraws = 4;

// Vigna's splitmix64: a step and two multiplications.
std::uint64_t draw(ScheduleCursors& cursors) noexcept {
  std::uint64_t z = cursors.random + 0x9E3779B97F4A7C15U;
  __atomic_store_n(&cursors.random, z, __ATOMIC_RELAXED);
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

class Choice {
 public:
  Choice(const Snapshot& snapshot, const ServiceRow& service, const ServerRows& servers) noexcept
      : snapshot_{snapshot}, service_{service}, servers_{servers} {}

  [[nodiscard]] std::uint32_t turns() const noexcept { return service_.schedule_length; }
  [[nodiscard]] std::uint16_t row_at(std::uint32_t turn) const noexcept {
    return snapshot_.schedule[service_.schedule_offset + turn];
  }
  [[nodiscard]] bool is_free(std::uint16_t row) const noexcept { return is_usable(snapshot_, row, servers_[row]); }

  // How busy the server would be with one connection more, for its weight.
  [[nodiscard]] double score(std::uint16_t row) const noexcept {
    const ServerRow& server = snapshot_.servers[row];
    return (connections(row, server.generation) + 1) / capability(server);
  }

  // The first usable one from `turn` on.
  [[nodiscard]] std::uint16_t walk(std::uint32_t turn) const noexcept {
    for (std::uint32_t step = 0; step < turns(); ++step, turn = turn + 1 == turns() ? 0 : turn + 1) {
      if (is_free(row_at(turn))) return row_at(turn);
    }
    return kNoIndex;
  }

 private:
  static std::int64_t active(const LoadWord& word, std::uint16_t generation) noexcept {
    const Load load = Load::from_word(word.load(std::memory_order_relaxed));
    return load.generation == generation ? load.active : 0;
  }
  // Over all workers, as far as this one can know.
  [[nodiscard]] double connections(std::uint16_t row, std::uint16_t generation) const noexcept {
    const auto own = active(servers_.own(row), generation);
    if (servers_.workers() == 1) return static_cast<double>(std::max<std::int64_t>(own, 0));
    const std::int64_t since = own - active(servers_.counted(row), generation);
    const std::int64_t sum = active(servers_.others(row), generation) + own + since * (servers_.workers() - 1);
    return static_cast<double>(std::max<std::int64_t>(sum, 0));
  }

  [[nodiscard]] double capability(const ServerRow& server) const noexcept {
    return is_weighted(service_.scheduler) ? server.weight : 1.0;
  }

  const Snapshot& snapshot_;
  const ServiceRow& service_;
  const ServerRows& servers_;
};

std::uint16_t scan(const Choice& choice, std::uint32_t& cursor) noexcept {
  std::uint16_t best = kNoIndex;
  double best_score = std::numeric_limits<double>::infinity();
  std::uint32_t turn = cursor < choice.turns() ? cursor : 0;
  std::uint32_t behind_best = turn;
  for (std::uint32_t step = 0; step < choice.turns(); ++step) {
    const std::uint16_t row = choice.row_at(turn);
    turn = turn + 1 == choice.turns() ? 0 : turn + 1;
    if (!choice.is_free(row)) continue;
    const double score = choice.score(row);
    if (score >= best_score) continue;
    best = row;
    best_score = score;
    behind_best = turn;
  }
  __atomic_store_n(&cursor, behind_best, __ATOMIC_RELAXED);
  return best;
}

std::uint16_t draw_one(const Choice& choice, ScheduleCursors& cursors, std::uint16_t other_than) noexcept {
  std::uint32_t turn = 0;
  for (int i = 0; i < kDraws; ++i) {
    turn = static_cast<std::uint32_t>(reduce(draw(cursors), choice.turns()));
    const std::uint16_t row = choice.row_at(turn);
    if (row != other_than && choice.is_free(row)) return row;
  }
  return choice.walk(turn);
}

std::uint16_t better_of_two(const Choice& choice, ScheduleCursors& cursors) noexcept {
  const std::uint16_t one = draw_one(choice, cursors, kNoIndex);
  if (one == kNoIndex) return kNoIndex;
  const std::uint16_t other = draw_one(choice, cursors, one);
  return choice.score(other) < choice.score(one) ? other : one;
}

}  // namespace

std::uint16_t least_busy(const Snapshot& snapshot, ServiceId service, ScheduleCursors& cursors,
                         const ServerRows& servers) noexcept {
  const ServiceRow& row = snapshot.services[service.value];
  const Choice choice{snapshot, row, servers};
  if (choice.turns() == 0) return kNoIndex;
  if (row.scheduler != SchedulerKind::two_choices && choice.turns() <= kScannedMax)
    return scan(choice, cursors.at[service.value]);
  return better_of_two(choice, cursors);
}

}  // namespace fulcrum
