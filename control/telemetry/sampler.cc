#include "control/telemetry/sampler.h"

#include <algorithm>

namespace fulcrum::telemetry {
namespace {

constexpr std::size_t kPortRows = kServersMax;
constexpr std::size_t kWorkerRows = kPortRows + kPortsMax;
constexpr std::size_t kDropRows = kWorkerRows + kWorkersMax + 1;
constexpr std::size_t kRows = kDropRows + kDropReasonsMax;
constexpr std::uint64_t kSomeTag = 1;  // of what has no generations

void add(Counts& to, const Counts& more) {
  for (std::size_t i = 0; i < kColumns; ++i) to[i] += more[i];
}

Counts counts_of(const ServerCounters& row) {
  return {row.connections.value(), row.packets_in.value(), row.packets_out.value(), row.bytes_in.value(),
          row.bytes_out.value()};
}

}  // namespace

std::size_t Sampler::tally_of(Kind kind, std::string name) {
  const auto [at, is_new] = known_.try_emplace({kind, std::move(name)}, tallies_.size());
  if (is_new) tallies_.push_back({.series = &at->first, .counts = {}});
  return at->second;
}

std::optional<Sample> Sampler::read(const Region* region, const Snapshot* snapshot, std::int64_t time) {
  if (region == nullptr || snapshot == nullptr) {
    read_at_ = 0;
    return std::nullopt;
  }
  const std::int64_t passed = time - read_at_;
  if (passed == 0) return std::nullopt;
  const bool goes_on = read_at_ != 0 && passed > 0 && passed <= gap_s && boot_id_ == region->header().boot_id;
  if (!goes_on) rows_.assign(kRows, {});
  boot_id_ = region->header().boot_id;
  read_at_ = time;
  if (generation_ != snapshot->generation || !goes_on) assign_rows(*region, *snapshot);
  for (Tally& tally : tallies_) tally.counts = {};
  read_servers(*region, *snapshot);
  read_others(*region);
  if (!goes_on) return std::nullopt;
  Sample sample{.time = time, .seconds = static_cast<std::uint32_t>(passed), .entries = {}};
  for (const Tally& tally : tallies_) {
    if (tally.counts != Counts{}) sample.entries.push_back({.series = tally.series, .counts = tally.counts});
  }
  return sample;
}

void Sampler::assign_rows(const Region& region, const Snapshot& snapshot) {
  generation_ = snapshot.generation;
  owners_.assign(std::min<std::size_t>(snapshot.server_count, kServersMax), {});
  for (std::size_t i = 0; i < owners_.size(); ++i) {
    const ServerRow& row = snapshot.servers[i];
    if (row.state == ServerState::unused || row.service.value >= kServicesMax) continue;
    const FarmId farm = snapshot.services[row.service.value].farm;
    if (farm.value >= kFarmsMax) continue;
    const std::string name{snapshot.farms[farm.value].name.view()};
    owners_[i] = {.server = static_cast<std::uint32_t>(
                      tally_of(Kind::servers, name + "/" + std::string{snapshot.server_names[i].view()})),
                  .farm = static_cast<std::uint32_t>(tally_of(Kind::farms, name)),
                  .in_use = true};
  }
  for (const PortInfo& port : region.header().ports) {
    if (port.in_use != 0) tally_of(Kind::ports, std::string{port.name.view()});
  }
}

void Sampler::read_servers(const Region& region, const Snapshot& snapshot) {
  for (std::size_t i = 0; i < owners_.size(); ++i) {
    const Owner& owner = owners_[i];
    if (!owner.in_use) continue;
    const std::uint16_t generation = snapshot.servers[i].generation;
    Counts sum{};
    for (std::size_t worker = 0; worker < region.workers(); ++worker) {
      const ServerCounters& row = region.server_counters(worker)[i];
      // Another generation's numbers: this worker has not met the server yet.
      if (row.server_generation.load(std::memory_order_acquire) == generation) add(sum, counts_of(row));
    }
    const Counts before = tallies_[owner.server].counts;
    take(rows_[i], generation + kSomeTag, sum, owner.server);
    for (std::size_t c = 0; c < kColumns; ++c) {
      tallies_[owner.farm].counts[c] += tallies_[owner.server].counts[c] - before[c];
    }
  }
}

void Sampler::read_others(const Region& region) {
  std::array<Counts, kPortsMax> ports{};
  std::array<std::uint64_t, kDropReasons> drops{};
  for (std::size_t i = 0; i <= region.workers(); ++i) {
    const WorkerSection& section = region.worker(i);
    Counts own{};
    for (std::size_t p = 0; p < kPortsMax; ++p) {
      const PortCounters& row = section.ports[p];
      const Counts now{0, row.received_packets.value(), row.sent_packets.value(), row.received_bytes.value(),
                       row.sent_bytes.value()};
      add(ports[p], now);
      add(own, now);
    }
    for (std::size_t d = 1; d < kDropReasons; ++d) drops[d] += section.packets.drops[d].value();
    const std::string name = i == region.workers() ? "housekeeping" : std::to_string(i);
    take(rows_[kWorkerRows + i], kSomeTag, own, tally_of(Kind::workers, name));
  }
  for (std::size_t p = 0; p < kPortsMax; ++p) {
    const PortInfo& port = region.header().ports[p];
    if (port.in_use == 0) continue;
    take(rows_[kPortRows + p], kSomeTag, ports[p], tally_of(Kind::ports, std::string{port.name.view()}));
  }
  for (std::size_t d = 1; d < kDropReasons; ++d) {
    take(rows_[kDropRows + d], kSomeTag, {0, drops[d], 0, 0, 0},
         tally_of(Kind::drops, std::string{name(static_cast<Drop>(d))}));
  }
}

void Sampler::take(Row& row, std::uint64_t tag, const Counts& now, std::size_t tally) {
  const Row before = row;
  row = {.tag = tag, .counts = now};
  if (before.tag != tag) return;
  for (std::size_t i = 0; i < kColumns; ++i) {
    // Smaller than before: it was set to zero in between, nobody knows when.
    if (now[i] >= before.counts[i]) tallies_[tally].counts[i] += now[i] - before.counts[i];
  }
}

}  // namespace fulcrum::telemetry
