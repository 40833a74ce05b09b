#include "dataplane/schedule/least.h"

#include <algorithm>
#include <limits>
#include <span>

#include "dataplane/base/wide.h"

namespace fulcrum {
namespace {

// Draws before it is left to a walk along the sequence, when many servers went down since the snapshot was compiled.
constexpr int kDraws = 4;
// Of fastest_response, one connection in so many goes to any server, to measure it.
constexpr std::uint64_t kExploreEvery = 64;

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
  Choice(const Snapshot& snapshot, const ServiceRow& service, const ServerRows& servers, Tick now) noexcept
      : snapshot_{snapshot}, service_{service}, servers_{servers}, now_{now} {}

  [[nodiscard]] std::uint32_t turns() const noexcept { return service_.schedule_length; }
  [[nodiscard]] std::uint16_t row_at(std::uint32_t turn) const noexcept {
    return snapshot_.schedule[service_.schedule_offset + turn];
  }
  [[nodiscard]] bool is_free(std::uint16_t row) const noexcept { return is_usable(snapshot_, row, servers_); }

  // How busy the server would be with one connection more, for its weight.
  [[nodiscard]] double score(std::uint16_t row) const noexcept {
    const ServerRow& server = snapshot_.servers[row];
    const double connections = of_all_ports(row, &Choice::connections) + 1;
    switch (service_.scheduler) {
      case SchedulerKind::fastest_response: {
        const double measured = response_us(row);
        return connections * (measured != 0 ? measured : unmeasured_us_) / capability(server);
      }
      case SchedulerKind::least_bandwidth:
        // A connection that nothing is known of yet counts as a KiB per second.
        return (of_all_ports(row, &Choice::kib_per_second) + connections) / capability(server);
      default:
        return connections / capability(server);
    }
  }

  // Smoothed; 0: not measured yet.
  [[nodiscard]] double response_us(std::uint16_t row) const noexcept {
    const Load all = Load::from_word(servers_.others(row).load(std::memory_order_relaxed));
    return all.generation == snapshot_.servers[row].generation ? all.response_us : 0;
  }
  // What a server is taken for that has not been measured.
  void assume_response(double us) noexcept { unmeasured_us_ = us; }
  [[nodiscard]] bool is_by_response() const noexcept { return service_.scheduler == SchedulerKind::fastest_response; }

  // The first usable one from `turn` on that is not `other_than`.
  [[nodiscard]] std::uint16_t walk(std::uint32_t turn, std::uint16_t other_than) const noexcept {
    for (std::uint32_t step = 0; step < steps_of(turns()); ++step, turn = turn + 1 == turns() ? 0 : turn + 1) {
      const std::uint16_t row = row_at(turn);
      if (row != other_than && is_free(row)) return row;
    }
    return kNoIndex;
  }

 private:
  static std::int64_t active(const LoadWord& word, std::uint16_t generation) noexcept {
    const Load load = Load::from_word(word.load(std::memory_order_relaxed));
    return load.generation == generation ? load.active : 0;
  }
  // The server is one machine, whatever address and port of the farm a connection came to.
  template <class Load>
  [[nodiscard]] double of_all_ports(std::uint16_t row, Load load) const noexcept {
    double sum = 0;
    std::uint16_t one = row;
    do {
      sum += (this->*load)(one, snapshot_.servers[one].generation);
      one = snapshot_.servers[one].next_of_member;
    } while (one != row && one != kNoIndex);
    return sum;
  }

  // Over all workers, as far as this one can know.
  [[nodiscard]] double connections(std::uint16_t row, std::uint16_t generation) const noexcept {
    const auto own = active(servers_.own(row), generation);
    if (servers_.workers() == 1) return static_cast<double>(std::max<std::int64_t>(own, 0));
    const std::int64_t since = own - active(servers_.counted(row), generation);
    const std::int64_t sum = active(servers_.others(row), generation) + own + since * (servers_.workers() - 1);
    return static_cast<double>(std::max<std::int64_t>(sum, 0));
  }

  [[nodiscard]] double kib_per_second(std::uint16_t row, std::uint16_t generation) const noexcept {
    return static_cast<double>(active(servers_.shared().bandwidth[row], generation));
  }

  // The server's weight, or as much of it as it has since it came up.
  [[nodiscard]] double capability(const ServerRow& server) const noexcept {
    const double weight = is_weighted(service_.scheduler) ? server.weight : 1.0;
    if (server.up_since == 0) return weight;
    const Tick whole = ticks(std::chrono::seconds{snapshot_.farms[service_.farm.value % kFarmsMax].slow_start_s});
    const Tick since = elapsed(server.up_since, now_);
    // Never nothing: it may be the only one.
    return since >= whole ? weight : weight * (since + 0.5) / whole;
  }

  const Snapshot& snapshot_;
  const ServiceRow& service_;
  const ServerRows& servers_;
  Tick now_;
  double unmeasured_us_ = 1;
};

// A server that has not been measured yet is taken for as fast as the others are on average.
void assume_mean_response(Choice& choice) noexcept {
  double sum = 0;
  int measured = 0;
  for (std::uint32_t turn = 0; turn < choice.turns(); ++turn) {
    const double us = choice.response_us(choice.row_at(turn));
    sum += us;
    measured += us != 0 ? 1 : 0;
  }
  if (measured != 0) choice.assume_response(sum / measured);
}

std::uint16_t scan(Choice& choice, std::uint32_t& cursor) noexcept {
  if (choice.is_by_response()) assume_mean_response(choice);
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
  return choice.walk(turn, other_than);
}

std::uint16_t better_of_two(Choice& choice, ScheduleCursors& cursors) noexcept {
  const std::uint16_t one = draw_one(choice, cursors, kNoIndex);
  if (one == kNoIndex) return kNoIndex;
  const std::uint16_t other = draw_one(choice, cursors, one);
  if (other == kNoIndex) return one;
  if (choice.is_by_response()) {
    const double known = std::max(choice.response_us(one), choice.response_us(other));
    if (known != 0) choice.assume_response(known);
  }
  return choice.score(other) < choice.score(one) ? other : one;
}

}  // namespace

std::uint16_t least_busy(const Snapshot& snapshot, ServiceId service, ScheduleCursors& cursors,
                         const ServerRows& servers, Tick now) noexcept {
  const ServiceRow& row = snapshot.services[service.value];
  Choice choice{snapshot, row, servers, now};
  if (choice.turns() == 0) return kNoIndex;
  // A server that was slow once would not be asked again while the others are idle, and so never be found to be well.
  if (choice.is_by_response() && draw(cursors) % kExploreEvery == 0) return draw_one(choice, cursors, kNoIndex);
  if (!draws_always(row.scheduler) && choice.turns() <= kScannedMax) return scan(choice, cursors.at[service.value]);
  return better_of_two(choice, cursors);
}

void busy_scores(const Snapshot& snapshot, ServiceId service, const ServerRows& servers, Tick now,
                 std::span<const std::uint16_t> rows, std::span<double> scores) noexcept {
  Choice choice{snapshot, snapshot.services[service.value], servers, now};
  if (choice.is_by_response()) assume_mean_response(choice);
  for (std::size_t i = 0; i < std::min(rows.size(), scores.size()); ++i) scores[i] = choice.score(rows[i]);
}

}  // namespace fulcrum
