// What the connection table costs per key: lookup and touch in batches of 32 uniformly random keys that all hit, fill,
// and replacing (remove one, insert another) in a full table. Nanoseconds of the thread's processor time, so that a
// busy machine disturbs the figures less; making the keys is included. `--quick` is for checking that it runs.
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "dataplane/lookup/test_table.h"
#include "dataplane/packet/frame.h"

namespace fulcrum {
namespace {

constexpr int kRepetitions = 7;
constexpr WorkerId kWorker{0};

// Fast and good enough to pick keys with (Vigna's splitmix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_{seed} {}
  std::size_t below(std::size_t size) {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    return reduce((z ^ (z >> 27U)) * 0x94D049BB133111EBU, size);
  }

 private:
  std::uint64_t state_;
};

double processor_nanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

void print_row(std::string_view name, std::size_t entries, std::vector<double> figures) {
  std::sort(figures.begin(), figures.end());
  fmt::print("{:<24}{:>10}{:>10.1f}{:>10.1f}{:>10.1f}\n", name, entries, figures[figures.size() / 2], figures.front(),
             figures.back());
}

class Bench {
 public:
  Bench(std::size_t entries, std::size_t lookups, std::size_t workers)
      : memory_{entries, MAP_PRIVATE}, lookups_{lookups} {
    madvise(memory_.pages().data(), memory_.pages().size(), MADV_HUGEPAGE);
    std::memset(memory_.pages().data(), 0, memory_.pages().size());
    table_ = std::make_unique<ConnectionTable>(memory_.view(), workers, ConnectionTable::Start::cold);
    fill_ns_ = fill();
  }

  // Nanoseconds per key.
  double look_up(WorkerId worker, std::uint64_t seed) {
    Random random{seed};
    std::array<FlowKey, kBatchMax> keys;
    std::array<ConnectionId, kBatchMax> found;
    const std::size_t live = memory_.entries().size();
    const double begin = processor_nanoseconds();
    for (std::size_t done = 0; done < lookups_; done += kBatchMax) {
      for (FlowKey& key : keys) key = test::nth_key(random.below(live));
      test::look_up(*table_, keys, found);
      for (const ConnectionId id : found) {
        if (id != kNoConnection) table_->at(id).touch(ConnectionTable::Direction::to_server, 60, 1);
      }
      table_->quiescent(worker);
    }
    return (processor_nanoseconds() - begin) / static_cast<double>(lookups_);
  }

  // Nanoseconds for a removal and an insertion together, the reclamation included.
  double replace(std::uint64_t seed) {
    Random random{seed};
    const std::size_t live = memory_.entries().size();
    const std::size_t count = lookups_ / 8;
    const double begin = processor_nanoseconds();
    for (std::size_t done = 0; done < count; done += kBatchMax) {
      std::array<FlowKey, kBatchMax> keys;
      std::array<ConnectionId, kBatchMax> found;
      for (FlowKey& key : keys) key = test::nth_key(random.below(live));
      test::look_up(*table_, keys, found);
      for (const ConnectionId id : found) {
        if (id != kNoConnection) table_->remove(id);
      }
      for (int turn = 0; turn < 3; ++turn) {
        table_->sweep(
            kWorker, kBatchMax, 0, [](const ConnectionEntry&) { return false; }, [](const ConnectionEntry&) {});
        table_->quiescent(kWorker);
      }
      for (const FlowKey& key : keys) test::insert(*table_, key);
    }
    return (processor_nanoseconds() - begin) / static_cast<double>(count);
  }
  [[nodiscard]] double fill_ns() const { return fill_ns_; }

 private:
  double fill() {
    const double begin = processor_nanoseconds();
    for (std::size_t n = 0; n < memory_.entries().size(); ++n) test::insert(*table_, test::nth_key(n));
    const double spent = processor_nanoseconds() - begin;
    return spent / static_cast<double>(memory_.entries().size());
  }
  test::TableMemory memory_;
  std::size_t lookups_;
  std::unique_ptr<ConnectionTable> table_;
  double fill_ns_ = 0;
};

void one_size(std::size_t entries, std::size_t lookups) {
  std::vector<double> fills, lookups_ns, replaces, pairs;
  for (int i = 0; i < kRepetitions; ++i) {
    // A new table for each fill; the last one serves the rest.
    Bench bench{entries, lookups, 2};
    fills.push_back(bench.fill_ns());
    if (i + 1 < kRepetitions) continue;
    bench.look_up(kWorker, 99);
    for (int repetition = 0; repetition < kRepetitions; ++repetition) {
      const auto seed = static_cast<std::uint64_t>(repetition + 1);
      lookups_ns.push_back(bench.look_up(kWorker, seed));
    }
    for (int repetition = 0; repetition < kRepetitions; ++repetition) {
      const auto seed = static_cast<std::uint64_t>(repetition + 1);
      double other = 0;
      std::thread thread{[&] { other = bench.look_up(WorkerId{1}, 1000 + seed); }};
      const double mine = bench.look_up(kWorker, seed);
      thread.join();
      pairs.push_back((mine + other) / 2);
    }
  }
  {
    Bench bench{entries, lookups, 1};
    for (int i = 0; i < kRepetitions; ++i) replaces.push_back(bench.replace(static_cast<std::uint64_t>(i + 1)));
  }
  print_row("fill, per insert", entries, fills);
  print_row("lookup+touch", entries, lookups_ns);
  print_row("lookup+touch, 2 threads", entries, pairs);
  print_row("remove+insert", entries, replaces);
}

}  // namespace
}  // namespace fulcrum

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::string_view{argv[1]} == "--quick";
  fmt::print("{:<24}{:>10}{:>10}{:>10}{:>10}   ns, {} repetitions\n", "", "entries", "median", "min", "max",
             fulcrum::kRepetitions);
  for (const std::size_t entries : {1000UL, 65536UL, 1'000'000UL, 5'500'000UL}) {
    if (quick && entries > 65536) break;
    fulcrum::one_size(entries, quick ? 1U << 16U : 1U << 22U);
  }
}
