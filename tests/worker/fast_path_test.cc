// The fast path does what the stages do: two boxes that are alike get the same batches, the one as a worker runs them,
// the other with no fast path. Bytes, verdicts, connections and counters agree after each. FULCRUM_FAST_PATH_BATCHES
// sets how many, FULCRUM_SEED repeats the choices.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <random>
#include <set>

#include "dataplane/explain/made_packet.h"
#include "dataplane/pipeline/pipeline.h"
#include "tests/support/environment.h"
#include "tests/worker/random_box.h"

namespace fulcrum {
namespace {

using test::Bytes;
using test::Dice;
using test::number_from_environment;
using test::RandomBox;

struct Sent {
  Bytes frame;
  ChecksumFact checksum{};
};

class Side {
 public:
  explicit Side(std::uint64_t seed) : dice{seed}, random{dice, 1024} {
    random.box.region.header().hash_key = {1, 2};
    random.box.start_worker(ConnectionTable::Start::cold);
    random.reconfigure();
  }

  // Packets that come in by one port together. A client that opens a connection, or whose connection may be reset, does
  // nothing else in the batch: what a packet behind it finds depends on how far the lookups had come.
  std::vector<Sent> draw_batch() {
    std::vector<Sent> drawn;
    std::set<std::pair<std::string, std::uint16_t>> opening, others;
    const PortId port = dice.one_in(2) ? test::kFront : test::kBack;
    const std::size_t wanted = dice.below(kBatchMax) + 1;
    const bool resets = std::ranges::any_of(random.box.region.snapshot(random.slot).servers,
                                            [](const ServerRow& row) { return row.flows == Flows::reset; });
    for (int tries = 0; drawn.size() < wanted && tries < 160; ++tries) {
      const ExplainQuestion question = random.question();
      const bool opens = resets || question.protocol != Protocol::tcp || question.tcp_flags == tcp_flag::syn;
      const bool reply = question.port == test::kBack;
      const std::pair client{(reply ? question.destination : question.source).text(),
                             (reply ? question.destination_port : question.source_port).host()};
      if (!(question.port == port) || opening.contains(client) || (opens && others.contains(client))) continue;
      (opens ? opening : others).insert(client);
      drawn.push_back(draw_frame(question));
    }
    in = port;
    return drawn;
  }

  template <class Run>
  void run(const std::vector<Sent>& frames, Run run_on) {
    batch.count = frames.size();
    for (std::size_t i = 0; i < frames.size(); ++i) {
      buffers[i] = frames[i].frame;
      buffers[i].resize(std::max(buffers[i].size(), kFrameRoom));
      batch.frames[i] = {.data = buffers[i].data(),
                         .length = static_cast<std::uint32_t>(frames[i].frame.size()),
                         .port = in,
                         .checksum = frames[i].checksum};
    }
    Region& region = random.box.region;
    run_on(batch, Context{.snapshot = region.snapshot(random.slot),
                          .connections = random.box.tables->connections,
                          .bindings = random.box.tables->bindings,
                          .neighbours = region.neighbours(),
                          .ports = region.header().ports,
                          .servers = {region, WorkerId{0}},
                          .status = region.worker(0).tables,
                          .cursors = cursors,
                          .budget = budget,
                          .worker = WorkerId{0},
                          .now = to_tick(random.box.now),
                          .is_urgent = true});
    random.box.tables->connections.quiescent(WorkerId{0});
  }

  Dice dice;
  RandomBox random;
  Batch batch;
  std::array<Bytes, kBatchMax> buffers;
  ScheduleCursors cursors;
  AnswerBudget budget;
  PortId in;

 private:
  Sent draw_frame(const ExplainQuestion& question) {
    MadePacket room;
    const auto made = make_packet(question, random.box.region.header().ports[question.port.value].mac, room);
    Sent sent{{made.begin(), made.end()},
              dice.of(std::vector{ChecksumFact::verify, ChecksumFact::verify, ChecksumFact::good, ChecksumFact::unknown,
                                  ChecksumFact::bad})};
    if (dice.one_in(8)) {
      const std::size_t at = dice.below(std::min<std::size_t>(sent.frame.size(), 60));
      sent.frame[at] ^= std::byte{1};
      // Where that makes a client into another one, the checksum tells.
      if (at != offsetof(PlainFrame, tcp.flags)) sent.checksum = ChecksumFact::verify;
    }
    if (dice.one_in(16)) sent.frame.resize(dice.below(sent.frame.size()) + 1);
    if (dice.one_in(4)) sent.frame.resize(std::max<std::size_t>(sent.frame.size(), 60));
    return sent;
  }
};

// The first packet of a connection whose server is gone takes the connection with it: whether one behind it in the
// batch still finds that depends on how far the lookups had come.
Drop what_counts(Drop reason) { return reason == Drop::server_gone ? Drop::no_connection : reason; }

void expect_same_verdicts(const Side& one, const Side& other) {
  for (std::size_t i = 0; i < one.batch.count; ++i) {
    const Passage& a = one.batch.passages[i];
    const Passage& b = other.batch.passages[i];
    ASSERT_EQ(a.outcome, b.outcome) << "packet " << i;
    if (a.outcome == fulcrum::Outcome::drop) {
      EXPECT_EQ(what_counts(a.drop), what_counts(b.drop));
      EXPECT_EQ(a.answer, b.answer);
      if (a.answer == Answer::none) continue;
    } else {
      EXPECT_EQ(a.port, b.port);
    }
    EXPECT_EQ(one.batch.frames[i].length, other.batch.frames[i].length);
    EXPECT_EQ(one.buffers[i], other.buffers[i]) << "packet " << i;
  }
  EXPECT_EQ(one.batch.events.view().size(), other.batch.events.view().size());
}

void expect_same_connections(const Region& one, const Region& other) {
  const auto a = one.entries(), b = other.entries();
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto first = read_entry(a[i]), second = read_entry(b[i]);
    ASSERT_EQ(first.has_value(), second.has_value()) << "entry " << i;
    if (!first) continue;
    ASSERT_EQ(std::memcmp(&*first, &*second, sizeof *first), 0) << "entry " << i;
  }
  const auto bytes = [](const Region& region) { return std::as_bytes(region.server_counters(0).first(64)); };
  EXPECT_TRUE(std::ranges::equal(bytes(one), bytes(other)));
}

TEST(FastPath, DoesWhatTheStagesDo) {
  const std::uint64_t seed = number_from_environment("FULCRUM_SEED", std::random_device{}());
  const std::uint64_t batches = number_from_environment("FULCRUM_FAST_PATH_BATCHES", 10'000);
  std::printf("FULCRUM_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::size_t packets = 0, fast = 0;
  for (std::uint64_t n = 0; n < batches;) {
    const auto one = std::make_unique<Side>(seed + n), other = std::make_unique<Side>(seed + n);
    for (const std::uint64_t end = std::min(n + 400, batches); n < end; ++n) {
      for (Side* const side : {one.get(), other.get()}) {
        if (side->dice.one_in(40)) side->random.reconfigure();
        side->random.box.now += std::chrono::milliseconds{side->dice.below(side->dice.one_in(60) ? 90'000 : 200)};
      }
      const std::vector<Sent> frames = one->draw_batch();
      static_cast<void>(other->draw_batch());
      one->run(frames, [](Batch& batch, const Context& context) { run_stages(batch, context); });
      other->run(frames, [](Batch& batch, const Context& context) { run_stages(batch, context, [](Stage) {}); });
      ASSERT_EQ(other->batch.fast, 0U);
      expect_same_verdicts(*one, *other);
      expect_same_connections(one->random.box.region, other->random.box.region);
      ASSERT_FALSE(::testing::Test::HasFailure()) << "batch " << n << ", FULCRUM_SEED=" << seed;
      packets += frames.size();
      fast += static_cast<std::size_t>(std::popcount(one->batch.fast));
    }
  }
  std::printf("%zu of %zu packets on the fast path\n", fast, packets);
  EXPECT_GE(fast, packets / 30);
}

}  // namespace
}  // namespace fulcrum
