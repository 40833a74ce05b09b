// Explain says what really happens: for random configurations, tables and packets it is asked first, then the packet
// comes in, and every part of the answer is compared with what the worker did. Asking changes nothing: the region's
// tables, counters and rings are compared byte by byte with what they were. FULCRUM_EXPLAIN_CASES sets how many,
// FULCRUM_SEED repeats the choices.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <random>

#include "tests/support/environment.h"
#include "tests/worker/random_box.h"

namespace fulcrum {
namespace {

using test::Bytes;
using test::Dice;
using test::number_from_environment;
using test::RandomBox;
using Outcome = ExplainAnswer::Outcome;

template <class T>
void append(Bytes& bytes, std::span<const T> part) {
  const auto raw = std::as_bytes(part);
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

// What of the region a packet could change.
Bytes state_of(const RandomBox& random) {
  const Region& region = random.box.region;
  Bytes bytes;
  append(bytes, std::span<const ConnectionEntry>{region.entries()});
  append(bytes, std::span<const std::byte>{region.index()});
  append(bytes, std::span<const ConnectionEntry>{region.persistence_entries()});
  append(bytes, std::span<const std::byte>{region.persistence_index()});
  for (std::size_t i = 0; i <= region.workers(); ++i)
    append(bytes, std::span<const WorkerSection>{&region.worker(i), 1});
  append(bytes, std::span<const ServerCounters>{region.server_counters(0).first(64)});
  append(bytes, std::span<const std::uint32_t>{random.box.worker->cursors().at}.first(16));
  append(bytes, std::span<const std::uint64_t>{&random.box.worker->cursors().random, 1});
  append(bytes, std::span<const LoadWord>{region.loads(0).own}.first(64));
  append(bytes, std::span<const LoadWord>{region.shared_loads().samples}.first(64));
  append(bytes, std::span<const std::atomic<std::int32_t>>{region.loads(0).held}.first(64));
  append(bytes, std::span<const std::atomic<std::uint8_t>>{region.shared_loads().full}.first(64));
  return bytes;
}

// All of the region but the mailbox of explain.
std::uint64_t sum_of_all(const Region& region) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(&region.header());
  const SectionPlace& box = region.header().explain;
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < region.header().total_size / 8; ++i) {
    if (i * 8 >= box.offset && i * 8 < box.offset + box.size) continue;
    sum = (sum ^ words[i]) * 0x9E3779B97F4A7C15U;
  }
  return sum;
}

Bytes bytes_of(const ExplainedHead& head) {
  Bytes bytes(head.length);
  std::copy_n(head.bytes.begin(), std::min<std::size_t>(head.length, kExplainHeadMax), bytes.begin());
  return bytes;
}

// The connection that the packet belongs to by now.
std::optional<ConnectionEntry> connection_of(RandomBox& random, const ExplainQuestion& question,
                                             const ExplainAnswer& answer) {
  const bool reply = answer.to_client != 0;
  const Snapshot& snapshot = random.box.region.snapshot(random.slot);
  const ServerRow& server = snapshot.servers[answer.server];
  const Be16 replying = port_behind(snapshot.services[answer.service].port, port_offset(server, question.source_port));
  const FlowKey key{.client = reply ? question.destination : question.source,
                    .client_port = reply ? question.destination_port : question.source_port,
                    .service = ServiceId{answer.service},
                    .service_port = reply ? replying : question.destination_port};
  const ConnectionId id = random.box.tables->connections.lookup(key);
  return id == kNoConnection ? std::nullopt : read_entry(random.box.region.entries()[id.value]);
}

struct Tallies {
  std::size_t alone = 0, sent = 0, punted = 0, dropped = 0, opened = 0, found = 0, bound = 0, unusable = 0, full = 0;
  std::size_t at_limit = 0, resets = 0, left = 0, ranges = 0, least = 0, not_least = 0;
};

void expect_same(RandomBox& random, const ExplainAnswer& answer, std::uint64_t drops_before) {
  test::TestBox& box = random.box;
  std::array<std::vector<Bytes>, 2> sent{box.ports[0]->take_sent(), box.ports[1]->take_sent()};
  SlowFrame punted;
  const bool was_punted = box.slow_path.to_linux.peek(punted);
  Bytes left;
  if (answer.outcome == Outcome::send) {
    ASSERT_EQ(sent[answer.out.value].size(), 1U);
    EXPECT_EQ(sent[1U - answer.out.value].size(), 0U);
    left = sent[answer.out.value].front();
  } else if (answer.outcome == Outcome::punt) {
    ASSERT_TRUE(was_punted);
    EXPECT_EQ(punted.port, answer.out);
    left = Bytes{punted.frame.bytes().begin(), punted.frame.bytes().end()};
  } else {
    ASSERT_EQ(box.drops(answer.drop), drops_before + 1) << name(answer.drop);
  }
  EXPECT_EQ(was_punted, answer.outcome == Outcome::punt);
  if (was_punted) {
    box.slow_path.to_linux.pop();
    box.ports[punted.frame.port.value]->release({&punted.frame, 1});
  }
  if (!left.empty()) {
    ASSERT_EQ(left.size(), answer.after.length);
    left.resize(std::min(left.size(), kExplainHeadMax));
    EXPECT_TRUE(std::equal(left.begin(), left.end(), answer.after.bytes.begin()));
  }
  bool neighbour_wanted = false;
  Event event;
  for (auto& events = box.region.worker(0).events; events.peek(event); events.pop()) {
    neighbour_wanted |= event.kind == Event::Kind::neighbour_wanted;
  }
  EXPECT_EQ(neighbour_wanted, answer.neighbour_wanted != 0);
}

void expect_same_connection(RandomBox& random, const ExplainQuestion& question, const ExplainAnswer& answer,
                            std::uint64_t evicted) {
  const bool keeps_none =
      answer.service != kNoIndex && random.box.region.snapshot(random.slot).services[answer.service].one_packet != 0;
  if (keeps_none) {
    EXPECT_EQ(answer.opens, 0);
    EXPECT_EQ(answer.found, ExplainAnswer::Found::none);
    EXPECT_EQ(answer.alone != 0, answer.to_client == 0 && answer.server != kNoIndex);
    return;
  }
  EXPECT_EQ(answer.alone, 0);
  if (answer.server == kNoIndex || answer.found == ExplainAnswer::Found::server_left) return;
  const auto entry = connection_of(random, question, answer);
  if (answer.outcome == Outcome::drop && answer.drop != Drop::ttl && answer.drop != Drop::mtu &&
      answer.drop != Drop::no_neighbour && answer.drop != Drop::no_route) {
    return;
  }
  // The worker makes room behind the packet when the table was full.
  if (!entry && random.box.region.worker(0).tables.evicted.value() != evicted) return;
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->server.index, answer.server);
  EXPECT_EQ(entry->reason, answer.reason);
  EXPECT_EQ(entry->state, answer.state);
  EXPECT_EQ(entry->packets_in + entry->packets_out == 1, answer.opens != 0);
}

// Whether the server that was chosen has the lowest score, where the scheduler looks at all of them, no limit was found
// reached on the way, and no connection was forgotten before, which the scores still count.
void compare_scores(const Snapshot& snapshot, const ExplainAnswer& answer, Tallies& tallies) {
  if (answer.service == kNoIndex || answer.server == kNoIndex || (answer.opens | answer.alone) == 0) return;
  const SchedulerKind scheduler = snapshot.services[answer.service].scheduler;
  const bool by_scheduler = names_scheduler(answer.reason) || answer.reason == Reason::fallback;
  if (!by_scheduler || answer.found != ExplainAnswer::Found::none || !is_by_load(scheduler) ||
      draws_always(scheduler) || snapshot.has_limits != 0)
    return;
  double least = std::numeric_limits<double>::infinity();
  double chosen = ExplainedServer::no_score;
  for (const ExplainedServer& server : std::span{answer.servers}.first(answer.servers_count)) {
    EXPECT_EQ(server.score != ExplainedServer::no_score, server.is_usable != 0);
    if (server.is_usable == 0) continue;
    if (server.id.index == answer.server) chosen = server.score;
    // One that has just been brought in is in no sequence, so the scheduler does not compare it.
    if (snapshot.servers[server.id.index].state == ServerState::up) least = std::min(least, server.score);
  }
  ++(chosen <= least ? tallies.least : tallies.not_least);
  // Which now and then sends somebody to any server, to measure it.
  EXPECT_TRUE(chosen <= least || scheduler == SchedulerKind::fastest_response) << chosen << " of " << least;
}

void count(Tallies& tallies, const Snapshot& snapshot, const ExplainAnswer& answer) {
  tallies.sent += answer.outcome == Outcome::send ? 1U : 0U;
  tallies.punted += answer.outcome == Outcome::punt ? 1U : 0U;
  tallies.dropped += answer.outcome == Outcome::drop ? 1U : 0U;
  tallies.opened += answer.opens;
  tallies.alone += answer.alone;
  tallies.found += answer.found == ExplainAnswer::Found::used ? 1U : 0U;
  tallies.bound += answer.bound == ExplainAnswer::Bound::used ? 1U : 0U;
  tallies.unusable += answer.bound == ExplainAnswer::Bound::unusable ? 1U : 0U;
  tallies.full += answer.drop == Drop::table_full ? 1U : 0U;
  tallies.at_limit += answer.drop == Drop::servers_full || answer.drop == Drop::farm_full ? 1U : 0U;
  tallies.resets += answer.found == ExplainAnswer::Found::resets ? 1U : 0U;
  const bool goes_on = answer.found == ExplainAnswer::Found::used && answer.server != kNoIndex;
  tallies.left += goes_on && snapshot.servers[answer.server].state == ServerState::leaving ? 1U : 0U;
  tallies.ranges += answer.service != kNoIndex && is_range(snapshot.services[answer.service]) ? 1U : 0U;
  compare_scores(snapshot, answer, tallies);
}

// Asks by the mailbox, as control does, or about a frame that no question can name.
ExplainAnswer ask(RandomBox& random, const ExplainQuestion& question, bool odd, Bytes& frame) {
  const Tick now = to_tick(random.box.now);
  ExplainAnswer answer;
  if (odd) {
    Bytes copy = frame;
    random.explainer->explain(question,
                              {.data = copy.data(),
                               .length = static_cast<std::uint32_t>(copy.size()),
                               .port = question.port,
                               .checksum = ChecksumFact::verify},
                              now, answer);
    return answer;
  }
  ExplainBox& box = random.box.region.explain();
  box.question = question;
  box.asked.store(box.asked.load() + 1);
  EXPECT_TRUE(random.explainer->turn(now));
  EXPECT_EQ(box.answered.load(), box.asked.load());
  EXPECT_FALSE(random.explainer->turn(now));
  frame = bytes_of(box.answer.before);
  return box.answer;
}

std::string words(const ExplainAnswer& answer) {
  return fmt::format("ended at {}, outcome {}, drop {}, service {}, server {}, found {}, opens {}, table full {}",
                     static_cast<int>(answer.ended_at), static_cast<int>(answer.outcome), name(answer.drop),
                     answer.service, answer.server, static_cast<int>(answer.found), answer.opens, answer.table_full);
}

void one_case(RandomBox& random, Dice& dice, Tallies& tallies, bool all_of_it) {
  if (dice.below(10) != 0) random.reconfigure();
  random.box.now += std::chrono::milliseconds{dice.below(dice.one_in(30) ? 90'000 : 200)};
  const ExplainQuestion question = random.question();
  const bool odd = dice.one_in(8);
  Bytes frame = odd ? random.odd_frame() : Bytes{};
  const Bytes before = state_of(random);
  const std::uint64_t sum = all_of_it ? sum_of_all(random.box.region) : 0;
  const ExplainAnswer answer = ask(random, question, odd, frame);
  ASSERT_EQ(answer.status, ExplainAnswer::Status::answered);
  SCOPED_TRACE(words(answer));
  ASSERT_EQ(before, state_of(random)) << "explain changed something";
  ASSERT_EQ(sum, all_of_it ? sum_of_all(random.box.region) : 0) << "explain changed something";
  const std::uint64_t drops = random.box.drops(answer.drop);
  const std::uint64_t evicted = random.box.region.worker(0).tables.evicted.value();
  random.box.receive(question.port, frame);
  expect_same(random, answer, drops);
  if (!odd) expect_same_connection(random, question, answer, evicted);
  count(tallies, random.box.region.snapshot(random.slot), answer);
}

TEST(ExplainProperty, AgreesWithWhatHappens) {
  const std::uint64_t seed = number_from_environment("FULCRUM_SEED", std::random_device{}());
  const std::uint64_t cases = number_from_environment("FULCRUM_EXPLAIN_CASES", 10'000);
  std::printf("FULCRUM_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Dice dice{seed};
  Tallies tallies;
  const std::vector<std::uint32_t> capacities{2, 8, 64, 1024};
  for (std::uint64_t i = 0; i < cases;) {
    RandomBox random{dice, dice.of(capacities)};
    random.reconfigure();
    for (std::uint64_t end = std::min(i + 250, cases); i < end; ++i) {
      one_case(random, dice, tallies, i % 250 == 100);
      ASSERT_FALSE(::testing::Test::HasFailure()) << "case " << i << ", FULCRUM_SEED=" << seed;
    }
  }
  std::printf("sent %zu, punted %zu, dropped %zu, opened %zu, found %zu, bound %zu, to be moved %zu, table full %zu\n",
              tallies.sent, tallies.punted, tallies.dropped, tallies.opened, tallies.found, tallies.bound,
              tallies.unusable, tallies.full);
  std::printf("at a limit %zu, reset %zu, of a server that left %zu, ranges %zu, least score %zu of %zu\n",
              tallies.at_limit, tallies.resets, tallies.left, tallies.ranges, tallies.least,
              tallies.least + tallies.not_least);
  // That the cases are worth something.
  for (const std::size_t some : {tallies.sent, tallies.punted, tallies.dropped, tallies.opened, tallies.found}) {
    EXPECT_GE(some, cases / 20);
  }
  for (const std::size_t few : {tallies.alone, tallies.bound, tallies.unusable, tallies.at_limit, tallies.resets,
                                tallies.left, tallies.ranges, tallies.least}) {
    EXPECT_GE(few, cases / 1000);
  }
  EXPECT_GE(tallies.full, cases / 2000);
  EXPECT_LE(tallies.not_least, tallies.least / 10);
}

}  // namespace
}  // namespace fulcrum
