#include "tests/bench/scale.h"

#include <pthread.h>
#include <sched.h>

#include <thread>
#include <vector>

#include "tests/bench/bench_ports.h"
#include "tests/bench/memory_floor.h"

namespace fulcrum::bench {
namespace {

Sample turn_worker(BenchBox& box, WorkerId id, FlowPort& source, std::chrono::milliseconds span) {
  SinkPort sink;
  const auto worker = box.running_worker(id, {&source, &sink}, BenchBox::Slot::nat);
  const auto before = box.tally(id);
  Sample sample;
  sample.ns = run_for(span, [&](std::chrono::nanoseconds now) { worker->turn(now); });
  sample.packets = box.tally(id).sent - before.sent;
  return sample;
}

}  // namespace

double measure_scale(BenchBox& box, const std::string& what, unsigned workers, std::chrono::milliseconds span) {
  const unsigned cores = std::thread::hardware_concurrency();
  FlowPort source{PortId{0}, Way::to_server, box.live(), static_cast<std::uint16_t>(workers)};
  std::vector<Sample> samples(workers);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < workers; ++i) {
    threads.emplace_back([&, i] {
      // One worker takes the last core, as all other measurements do.
      stay_on((cores - 1 + i) % cores);
      samples[i] = what == "memory" ? measure_memory_floor(box, span, i + 1)
                                    : turn_worker(box, WorkerId{static_cast<std::uint8_t>(i)}, source, span);
    });
  }
  for (std::thread& thread : threads) thread.join();
  double rate = 0;
  for (const Sample& sample : samples) rate += static_cast<double>(sample.packets) / sample.ns;
  return rate;
}

}  // namespace fulcrum::bench
