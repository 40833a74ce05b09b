#include "tests/golden/case_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <sstream>

#include "control/compile/compile.h"
#include "control/validate/validate.h"
#include "dataplane/lookup/tables.h"

namespace fulcrum::golden {
namespace {

tl::unexpected<Error> wrong(std::string where, std::string text) {
  return fail(Error::Code::invalid, std::move(where), std::move(text));
}

template <class T>
bool keep(T& into, const Result<T>& from) {
  if (from) into = *from;
  return from.has_value();
}

class CaseReader {
 public:
  explicit CaseReader(std::filesystem::path folder) { case_.folder = std::move(folder); }

  Result<Case> read() {
    std::ifstream file{case_.folder / "case.txt"};
    if (!file) return wrong(case_.folder.string(), "no case.txt: tests/golden/generate.py makes it");
    std::string line;
    for (unsigned number = 1; std::getline(file, line); ++number) {
      std::istringstream words{line};
      if (!read_line(words)) return wrong(fmt::format("{}/case.txt:{}", case_.folder.string(), number), line);
    }
    return case_;
  }

 private:
  bool read_line(std::istringstream& words) {
    std::string word;
    words >> word;
    if (word == "connections") return static_cast<bool>(words >> case_.connections);
    if (word == "port") return read_port(words);
    if (word == "neighbour") return read_neighbour(words);
    if (word == "down") return read_unwell(words, ServerState::down);
    if (word == "untested") return read_unwell(words, ServerState::untested);
    if (word == "counter") return read_counter(words);
    return read_step(word, words);
  }

  bool read_unwell(std::istringstream& words, ServerState state) {
    Unwell unwell;
    unwell.state = state;
    if (!(words >> unwell.config >> unwell.server)) return false;
    if (!(words >> unwell.port)) unwell.port = 0;
    case_.unwell.push_back(unwell);
    return true;
  }

  bool read_port(std::istringstream& words) {
    Port port;
    std::string mac;
    if (!(words >> port.name >> mac >> port.mtu) || !keep(port.mac, Mac::parse(mac))) return false;
    case_.ports.push_back(port);
    return true;
  }

  bool port_named(const std::string& name, PortId& id) const {
    const auto found =
        std::find_if(case_.ports.begin(), case_.ports.end(), [&name](const Port& port) { return port.name == name; });
    id = PortId{static_cast<std::uint8_t>(found - case_.ports.begin())};
    return found != case_.ports.end();
  }

  bool read_neighbour(std::istringstream& words) {
    Neighbour neighbour;
    std::string port, address, mac;
    if (!(words >> port >> address >> mac) || !port_named(port, neighbour.port)) return false;
    if (!keep(neighbour.address, Address::parse(address)) || !keep(neighbour.mac, Mac::parse(mac))) return false;
    case_.neighbours.push_back(neighbour);
    return true;
  }

  bool read_counter(std::istringstream& words) {
    ExpectedCounter counter;
    if (!(words >> counter.server >> counter.name >> counter.value)) return false;
    case_.counters.push_back(counter);
    return true;
  }

  bool read_step(const std::string& word, std::istringstream& words) {
    using Kind = Step::Kind;
    static const std::map<std::string, Kind> kinds{{"config", Kind::config}, {"in", Kind::in},
                                                   {"out", Kind::out},       {"punt", Kind::punt},
                                                   {"drop", Kind::drop},     {"answer", Kind::answer}};
    const auto found = kinds.find(word);
    if (found == kinds.end()) return false;
    Step step{.kind = found->second};
    std::string argument;
    if (step.kind == Kind::config) {
      if (!(words >> step.config)) return false;
    } else if (step.kind == Kind::drop) {
      if (!(words >> argument) || !reason_named(argument, step.reason)) return false;
    } else {
      if (step.kind == Kind::answer && (!(words >> argument) || !reason_named(argument, step.reason))) return false;
      std::string port;
      if (!(words >> port >> argument) || !port_named(port, step.port) || !unhex(argument, step.frame)) return false;
    }
    case_.steps.push_back(std::move(step));
    return true;
  }

  static bool reason_named(const std::string& word, Drop& reason) {
    const auto found = std::find_if(kDropReasonTable.begin(), kDropReasonTable.end(),
                                    [&word](const DropReason& row) { return row.name == word; });
    if (found == kDropReasonTable.end()) return false;
    reason = found->drop;
    return true;
  }

  static bool unhex(const std::string& text, Bytes& bytes) {
    if (text.size() % 2 != 0) return false;
    for (std::size_t i = 0; i < text.size(); i += 2) {
      bytes.push_back(static_cast<std::byte>(std::stoul(text.substr(i, 2), nullptr, 16)));
    }
    return true;
  }

  Case case_;
};

// A slot that the worker does not read.
std::uint32_t free_slot(const Region& region) {
  const WorkerStatus& status = region.worker(0).status;
  const bool reads_one = status.generation.load(std::memory_order_acquire) != 0;
  return reads_one ? (status.slot.load(std::memory_order_relaxed) + 1) % kSnapshotSlots : 0;
}

const Snapshot* adopted(const Region& region) {
  const WorkerStatus& status = region.worker(0).status;
  if (status.generation.load(std::memory_order_acquire) == 0) return nullptr;
  return &region.snapshot(status.slot.load(std::memory_order_relaxed));
}

void resolve_neighbours(NeighbourTable& table, const Case& golden) {
  for (const Neighbour& neighbour : golden.neighbours) {
    if (const auto id = table.obtain(neighbour.port, neighbour.address)) table.resolve(*id, neighbour.mac);
  }
}

std::int64_t value_of(const ServerCounters& row, const std::string& name) {
  const auto number = [](const Counter& counter) { return static_cast<std::int64_t>(counter.value()); };
  if (name == "connections") return number(row.connections);
  if (name == "active") return row.active.load(std::memory_order_relaxed);
  if (name == "packets_in") return number(row.packets_in);
  if (name == "packets_out") return number(row.packets_out);
  if (name == "bytes_in") return number(row.bytes_in);
  if (name == "bytes_out") return number(row.bytes_out);
  return -1;
}

}  // namespace

RegionShape Case::shape() const {
  return region_shape(1, connections, connections / 8);  // as dataplane.cfg's defaults make it
}

Result<Case> read_case(const std::filesystem::path& folder) { return CaseReader{folder}.read(); }

Result<void> publish(Region& region, const Case& golden, unsigned number) {
  const LoadedModel loaded = load_model((golden.folder / fmt::format("config-{}.cfg", number)).string());
  if (!loaded.problems.empty()) return wrong(golden.folder.string(), loaded.problems.front().words());

  std::vector<std::optional<PortId>> ports;
  for (const model::Port& port : loaded.model.ports) {
    const auto found = std::find_if(golden.ports.begin(), golden.ports.end(),
                                    [&port](const Port& known) { return known.name == port.name; });
    if (found == golden.ports.end()) return wrong(port.name, "no such port in the case");
    ports.emplace_back(PortId{static_cast<std::uint8_t>(found - golden.ports.begin())});
  }
  resolve_neighbours(region.neighbours(), golden);
  const std::vector<RouteInput> routes = routes_of(loaded.model, ports);
  const auto state = [&golden, number](const ServerEndpoint& endpoint) {
    const std::string name = endpoint.farm.name + "/" + endpoint.server.name;
    const auto found = std::find_if(golden.unwell.begin(), golden.unwell.end(), [&](const Unwell& one) {
      const bool is_meant = one.port == 0 || one.port == endpoint.port.host();
      return one.config == number && one.server == name && is_meant;
    });
    return found == golden.unwell.end() ? ServerState::up : found->state;
  };
  const auto is_full = [&region](std::uint16_t limit) {
    return region.shared_loads().full[limit].load(std::memory_order_relaxed) != 0;
  };
  const auto neighbour = [&region](PortId port, const Address& address) {
    return region.neighbours().obtain(port, address);
  };
  const std::uint32_t slot = free_slot(region);
  const CompileInput input{.model = loaded.model,
                           .routes = routes,
                           .generation = number,
                           .model_hash = loaded.text_hash,
                           .now_s = number * 1000,  // a case has no clock: each configuration has its hour
                           .previous = adopted(region),
                           .state = state,
                           .has_connections = [](ServerId) { return true; },
                           .is_full = is_full,
                           .neighbour = neighbour};
  if (auto compiled = compile(input, region.snapshot(slot)); !compiled) return tl::unexpected<Error>{compiled.error()};
  Command command;
  command.kind = Command::Kind::adopt_snapshot;
  command.slot = slot;
  command.generation = number;
  if (!region.worker(0).commands.push(command)) return wrong("commands", "the ring is full");
  return {};
}

std::uint64_t Totals::dropped() const { return std::accumulate(drops.begin(), drops.end(), std::uint64_t{0}); }

Totals totals(const Region& region) {
  Totals sum;
  for (std::size_t i = 0; i <= region.workers(); ++i) {
    const PacketCounters& row = region.worker(i).packets;
    sum.received += row.received.value();
    sum.from_linux += row.from_linux.value();
    sum.sent += row.sent.value();
    sum.punted += row.punted.value();
    for (std::size_t reason = 0; reason < kDropReasons; ++reason) sum.drops[reason] += row.drops[reason].value();
  }
  return sum;
}

Result<std::int64_t> server_counter(const Region& region, const std::string& server, const std::string& name) {
  const Snapshot* snapshot = adopted(region);
  std::optional<std::int64_t> sum;
  for (std::uint16_t i = 0; snapshot != nullptr && i < kServersMax; ++i) {
    const ServerRow& row = snapshot->servers[i];
    if (row.state == ServerState::unused) continue;
    const FarmId farm = snapshot->services[row.service.value].farm;
    const auto full_name =
        fmt::format("{}/{}", snapshot->farms[farm.value].name.view(), snapshot->server_names[i].view());
    if (full_name != server) continue;
    const ServerCounters& counters = region.server_counters(0)[i];
    const bool counted = counters.server_generation.load(std::memory_order_acquire) == row.generation;
    const std::int64_t value = value_of(counters, name);
    if (value < 0) return wrong(name, "no counter of a server");
    sum = sum.value_or(0) + (counted ? value : 0);
  }
  if (!sum) return wrong(server, "no such server in the newest configuration");
  return *sum;
}

}  // namespace fulcrum::golden
