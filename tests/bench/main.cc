// The measuring program behind tools/bench. It prepares one box (capacity, live connections, pages), says "ready", and
// then takes one sample for each line that it reads, so that tools/bench can interleave the samples of several
// programs. Each answer is one line of JSON. At the end of its input it ends.
//
//   fulcrum-bench --live N [--capacity N] [--workers N] [--core N] [--hugepages DIR --runtime DIR]
//                 [--capture-frames N --captures DIR] [--checksum software|none]
//
//   check CASE        is every packet translated as it should?         {"right", "wrong"}
//   CASE WAY MS       a sample of so many milliseconds                 {"packets", "lost", "ns"}
//
// CASE is nat, dsr or nat-reply (NAT on the way back). WAY is `pipeline` (ports in memory), `capture` (DPDK, capture
// file), `flows` (DPDK, frames made as it goes). `memory memory MS`, `source pipeline MS`, `source-reply pipeline MS`
// and `source flows MS` are the floors. Besides:
//
//   connect nat MS    whole lives of connections (or dsr)              {"packets": lives, "lost": packets, "ns"}
//   churn WHAT MS     none, age, adopt, show                           {"p50", "p99", "p99.9", "max", "changes"}
//   scale CASE MS N   so many workers at once, each on a core          {"rate": packets per ns, added up}
//   flood DEVICE MS   sends by the kernel's interface                  {"packets"}
//   schedule KIND MS N FARM   so many servers, one scheduler; well, full or down
//                                                              {"packets": choices, "lost", "ns"}
//   sizes             memory of this process by the kernel's account   {"bytes", "live"}
#include <fmt/format.h>
#include <sched.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <tuple>

#include "tests/bench/bench_box.h"
#include "tests/bench/bench_ports.h"
#include "tests/bench/churn.h"
#include "tests/bench/decisions.h"
#include "tests/bench/dpdk_bench_ports.h"
#include "tests/bench/flood.h"
#include "tests/bench/life_ports.h"
#include "tests/bench/measure.h"
#include "tests/bench/memory_floor.h"
#include "tests/bench/scale.h"

namespace fulcrum::bench {
namespace {

using Slot = BenchBox::Slot;

[[noreturn]] void refuse(const std::string& words) {
  fmt::print(stderr, "fulcrum-bench: {}\n", words);
  std::exit(2);
}

class Options {
 public:
  Options(int argc, char** argv) {
    for (int i = 1; i + 1 < argc; i += 2) values_[argv[i]] = argv[i + 1];
    if (argc % 2 == 0) refuse("every option takes a value");
  }
  [[nodiscard]] std::string text(const char* name, const char* otherwise = "") const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }
  [[nodiscard]] std::uint32_t number(const char* name, std::uint32_t otherwise) const {
    const std::string digits = text(name);
    std::uint32_t value = otherwise;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (end != digits.data() + digits.size()) refuse(fmt::format("{} takes a number", name));
    return value;
  }

 private:
  std::map<std::string, std::string> values_;
};

Churn churn_of(const std::string& name) {
  if (name == "none") return Churn::none;
  if (name == "age") return Churn::age;
  if (name == "adopt") return Churn::adopt;
  if (name == "show") return Churn::show;
  refuse(fmt::format("\"{}\" is no churn", name));
}

// Resident memory, ordinary and huge pages together.
std::uint64_t bytes_held() {
  std::ifstream status{"/proc/self/status"};
  std::uint64_t kilobytes = 0;
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("VmRSS:") && !line.starts_with("HugetlbPages:")) continue;
    kilobytes += std::strtoull(line.c_str() + line.find(':') + 1, nullptr, 10);
  }
  return kilobytes * 1024;
}

struct Case {
  Slot slot;
  Way way;
};

Case case_of(const std::string& name) {
  if (name == "nat") return {Slot::nat, Way::to_server};
  if (name == "nat-reply") return {Slot::nat, Way::to_client};
  if (name == "dsr") return {Slot::dsr, Way::to_server};
  refuse(fmt::format("\"{}\" is no case", name));
}

// Ports for one way, kept once opened: a capture is preloaded once.
struct Ports {
  std::unique_ptr<PacketPort> source, sink;
  [[nodiscard]] std::array<PacketPort*, 2> of(Way way) const {
    return way == Way::to_server ? std::array{source.get(), sink.get()} : std::array{sink.get(), source.get()};
  }
};

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_{options},
        box_{{.capacity = options.number("--capacity", options.number("--live", 1024)),
              .live = options.number("--live", 1024),
              .closing_s = static_cast<std::uint16_t>(options.number("--closing-s", 120)),
              .time_wait_s = static_cast<std::uint16_t>(options.number("--time-wait-s", 10)),
              .workers = options.number("--workers", 1),
              .hugepage_dir = options.text("--hugepages"),
              .runtime_dir = options.text("--runtime")}} {
    if (!options.text("--captures").empty()) {
      dpdk_ = std::make_unique<DpdkBench>(
          DpdkBench::Options{.hugepages = !options.text("--hugepages").empty(),
                             .core = static_cast<std::uint16_t>(options.number("--core", 0)),
                             .frames = options.number("--capture-frames", 0),
                             .checksum = options.text("--checksum", "software") == "none" ? ChecksumCheck::none
                                                                                          : ChecksumCheck::software});
    }
  }

  void answer(const std::string& line) {
    std::istringstream words{line};
    std::string what, way;
    unsigned ms = 0;
    words >> what >> way >> ms;
    if (what == "check") return check(way);
    const std::chrono::milliseconds span{ms};
    if (what == "connect") return print(measure_connect(way, span));
    if (what == "churn") return print(measure_churn(box_, churn_of(way), span));
    if (what == "flood") return fmt::print("{{\"packets\": {}}}\n", flood(way, box_.live(), span));
    if (what == "sizes") return fmt::print("{{\"bytes\": {}, \"live\": {}}}\n", bytes_held(), box_.live());
    if (what == "schedule") {
      std::uint16_t servers = 1;
      std::string farm;
      words >> servers >> farm;
      return print(decisions(way, servers, farm).measure(span));
    }
    if (what == "scale") {
      unsigned workers = 1;
      words >> workers;
      return fmt::print("{{\"rate\": {:.6f}}}\n", measure_scale(box_, way, workers, span));
    }
    if (what == "memory") return print(measure_memory_floor(box_, span, ++seed_));
    if (what == "source") return print(measure_source(ports(Way::to_server, way), span));
    if (what == "source-reply") return print(measure_source(ports(Way::to_client, way), span));
    print(measure_worker(case_of(what), way, span));
  }
  [[nodiscard]] std::uint32_t live() const { return box_.live(); }

 private:
  static void print(const Sample& sample) {
    fmt::print("{{\"packets\": {}, \"lost\": {}, \"ns\": {:.0f}}}\n", sample.packets, sample.lost, sample.ns);
  }

  static void print(const TurnTimes& times) {
    fmt::print(
        "{{\"p50\": {:.3f}, \"p99\": {:.3f}, \"p99.9\": {:.3f}, \"max\": {:.3f}, \"turns\": {}, \"changes\": {}}}\n",
        times.p50, times.p99, times.p999, times.max, times.turns, times.changes);
  }

  // Lives of connections; the ports' own time is in the figure too.
  Sample measure_connect(const std::string& name, std::chrono::milliseconds span) {
    auto& lives = lives_[name];
    if (!lives) lives = std::make_unique<Lives>(box_.live(), name == "nat");
    const auto worker = box_.running_worker(kWorker, lives->ports(), case_of(name).slot);
    const auto before = box_.tally(kWorker);
    const std::uint64_t ended = lives->ended();
    Sample sample;
    sample.ns = run_for(span, [&](std::chrono::nanoseconds now) { worker->turn(now); });
    const auto after = box_.tally(kWorker);
    sample.packets = lives->ended() - ended;
    sample.lost = (after.received - before.received) - (after.sent - before.sent);
    return sample;
  }

  // Kept: making one takes longer than a sample.
  Decisions& decisions(const std::string& scheduler, std::uint16_t servers, const std::string& name) {
    SchedulerKind kind{};
    Decisions::Farm farm{};
    if (!find_scheduler(scheduler, kind)) refuse(fmt::format("\"{}\" is no scheduler", scheduler));
    if (!find_farm(name, farm)) refuse(fmt::format("a farm is well, full or down, not \"{}\"", name));
    auto& made = decisions_[{scheduler, servers, name}];
    if (!made) made = std::make_unique<Decisions>(kind, servers, farm);
    return *made;
  }

  Ports& ports(Way way, const std::string& how) {
    auto& made = ports_[{way, how}];
    if (made.source) return made;
    const PortId from{static_cast<std::uint8_t>(way == Way::to_server ? 0 : 1)};
    const PortId to{static_cast<std::uint8_t>(1 - from.value)};
    if (how == "pipeline") {
      made = {std::make_unique<FlowPort>(from, way, box_.live(), 1), std::make_unique<SinkPort>()};
      return made;
    }
    if (!dpdk_) refuse("no DPDK without --captures");
    const std::string device = fmt::format("{}/{}.pcap", options_.text("--captures"), from.value);
    // A sink has one name in DPDK, so what opens it first keeps it for the others.
    auto& sink = sinks_[to.value];
    if (!sink) sink = dpdk_->sink_port(to);
    if (how == "capture") write_capture(device, way, box_.live());
    made.sink = std::make_unique<Shared>(*sink);
    made.source =
        how == "capture" ? dpdk_->capture_port(from, device) : dpdk_->flow_port(from, way, box_.live(), *sink);
    return made;
  }

  // A port that somebody else owns.
  class Shared final : public PacketPort {
   public:
    explicit Shared(PacketPort& port) : port_{port} {}
    std::size_t receive(std::uint16_t queue, std::span<Frame> into) noexcept override {
      return port_.receive(queue, into);
    }
    std::size_t send(std::uint16_t queue, std::span<const Frame> frames) noexcept override {
      return port_.send(queue, frames);
    }
    void release(std::span<const Frame> frames) noexcept override { port_.release(frames); }

   private:
    PacketPort& port_;
  };

  // What the port costs without the worker.
  static Sample measure_source(const Ports& ports, std::chrono::milliseconds span) {
    Sample sample;
    std::array<Frame, kBatchMax> frames;
    sample.ns = run_for(span, [&](std::chrono::nanoseconds) {
      const std::size_t count = ports.source->receive(0, frames);
      sample.packets += ports.sink->send(0, std::span{frames}.first(count));
    });
    return sample;
  }

  Sample measure_worker(const Case& what, const std::string& how, std::chrono::milliseconds span) {
    const auto worker = box_.running_worker(kWorker, ports(what.way, how).of(what.way), what.slot);
    const auto before = box_.tally(kWorker);
    Sample sample;
    sample.ns = run_for(span, [&](std::chrono::nanoseconds now) { worker->turn(now); });
    const auto after = box_.tally(kWorker);
    sample.packets = after.sent - before.sent;
    sample.lost = after.received - before.received - sample.packets;
    return sample;
  }

  void check(const std::string& name) {
    const Case what = case_of(name);
    Ports looking{std::make_unique<FlowPort>(PortId{static_cast<std::uint8_t>(what.way == Way::to_server ? 0 : 1)},
                                             what.way, box_.live(), 1),
                  nullptr};
    auto checker = std::make_unique<CheckingPort>(what.way, what.slot != Slot::dsr);
    const CheckingPort& result = *checker;
    looking.sink = std::move(checker);
    auto worker = box_.make_worker(kWorker, looking.of(what.way));
    box_.adopt(kWorker, what.slot);
    constexpr int kTurns = 100;
    for (int i = 0; i < kTurns; ++i) worker->turn(monotonic_now());
    const std::size_t missing = kTurns * kBatchMax - result.right() - result.wrong();
    fmt::print("{{\"right\": {}, \"wrong\": {}}}\n", result.right(), result.wrong() + missing);
  }

  const Options& options_;
  BenchBox box_;
  std::unique_ptr<DpdkBench> dpdk_;
  std::map<std::uint8_t, std::unique_ptr<PacketPort>> sinks_;
  std::map<std::pair<Way, std::string>, Ports> ports_;
  std::map<std::string, std::unique_ptr<Lives>> lives_;
  std::map<std::tuple<std::string, std::uint16_t, std::string>, std::unique_ptr<Decisions>> decisions_;
  std::uint64_t seed_ = 0;
};

}  // namespace
}  // namespace fulcrum::bench

int main(int argc, char** argv) {
  using namespace fulcrum::bench;
  const Options options{argc, argv};
  stay_on(options.number("--core", 0));
  Bench bench{options};
  fmt::print("{{\"live\": {}}}\n", bench.live());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    bench.answer(line);
    std::fflush(stdout);
  }
}
