#include "control/surface/local/entry_walk.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "control/surface/local/answers.h"
#include "control/surface/local/words.h"
#include "dataplane/base/clock.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;

// Ids in an entry are as old as the connection: they may point past or to rows that are somebody else's by now.
const ServiceRow* service_of(const Snapshot& snapshot, const ConnectionEntry& entry) {
  if (entry.key.service.value >= kServicesMax) return nullptr;
  const ServiceRow& row = snapshot.services[entry.key.service.value];
  return row.in_use != 0 && row.farm.value < kFarmsMax ? &row : nullptr;
}

const ServerRow* server_of(const Snapshot& snapshot, const ConnectionEntry& entry) {
  if (entry.server.index >= kServersMax) return nullptr;
  const ServerRow& row = snapshot.servers[entry.server.index];
  return row.generation == entry.server.generation && row.state != ServerState::unused ? &row : nullptr;
}

std::uint64_t wide(std::uint8_t high, std::uint32_t low) { return static_cast<std::uint64_t>(high) << 32U | low; }

// For people: "least connections", "bound client". `service`: where the reason does not name the scheduler; may be
// null.
std::string why(Reason reason, const ServiceRow* service) {
  const bool names = names_scheduler(reason);
  std::string scheduler{names ? word(reason) : service != nullptr ? word(service->scheduler) : "the scheduler"};
  std::replace(scheduler.begin(), scheduler.end(), '_', ' ');
  if (reason == Reason::persistence) return "bound client";
  if (reason == Reason::spare) return "had room";
  if (reason == Reason::stand_in) return "stands in";
  if (reason == Reason::port_taken) return "port in use elsewhere";
  return reason == Reason::fallback ? "bound client, moved by " + scheduler : scheduler;
}

json describe_connection(const Snapshot& snapshot, const ConnectionEntry& entry, Tick now) {
  json row{{"client", endpoint(entry.key.client, entry.key.client_port.host())},
           {"state", word(entry.state)},
           {"reason", word(entry.reason)},
           {"why", why(entry.reason, nullptr)},
           {"age_s", entry.opened().age_s(now)},
           {"idle_s", elapsed(entry.last_seen, now) / kTicksPerSecond},
           {"packets_in", entry.packets_in},
           {"packets_out", entry.packets_out},
           {"bytes_in", wide(entry.bytes_in_high, entry.bytes_in)},
           {"bytes_out", wide(entry.bytes_out_high, entry.bytes_out)},
           {"farm", nullptr},
           {"service", nullptr},
           {"server", nullptr},
           {"server_address", nullptr}};
  if (const ServiceRow* service = service_of(snapshot, entry)) {
    row["farm"] = snapshot.farms[service->farm.value].name.view();
    row["service"] = endpoint(service->address, entry.key.service_port.host());
    row["protocol"] = word(service->protocol);
    row["why"] = why(entry.reason, service);
  }
  if (const ServerRow* server = server_of(snapshot, entry)) {
    row["server"] = snapshot.server_names[entry.server.index].view();
    const ServiceRow& service = snapshot.services[server->service.value % kServicesMax];
    const auto offset = static_cast<std::uint16_t>(entry.key.service_port.host() - service.port.host());
    row["server_address"] = endpoint(server->address, port_behind(server->port, offset).host());
  }
  return row;
}

// The farm's and the server's name, where they are still there; and how long the binding holds if it is not used again.
json describe_binding(const Snapshot& snapshot, const ConnectionEntry& entry, Tick now) {
  const Binding binding = binding_of(entry);
  const std::uint32_t unused_s = elapsed(entry.last_seen, now) / kTicksPerSecond;
  json row{{"client", binding.client.text()},    {"farm", nullptr},      {"server", nullptr},
           {"age_s", entry.opened().age_s(now)}, {"unused_s", unused_s}, {"expires_s", 0},
           {"connections", entry.packets_in}};
  if (binding.farm.value >= kFarmsMax || snapshot.farms[binding.farm.value].name.view().empty()) return row;
  const FarmRow& farm = snapshot.farms[binding.farm.value];
  row["farm"] = farm.name.view();
  row["expires_s"] = farm.persistence_s > unused_s ? farm.persistence_s - unused_s : 0;
  return row;
}

struct TableFigures {
  std::uint64_t capacity = 0, live = 0, evicted = 0, refused = 0;
};

TableFigures figures_of(const Region& region, Table table) {
  const bool bindings = table == Table::persistence;
  TableFigures figures{.capacity = bindings ? region.header().shape.persistence : region.header().shape.connections};
  for (std::size_t i = 0; i < region.workers(); ++i) {
    const WorkerSection& worker = region.worker(i);
    // Each worker sums up all of the table now and then: any one's figure will do.
    figures.live = std::max(figures.live, (bindings ? worker.tables.bindings : worker.tables.connections).load());
    figures.evicted += bindings ? 0 : worker.tables.evicted.value();
    figures.refused += bindings ? worker.tables.bindings_refused.value()
                                : worker.packets.drops[static_cast<std::size_t>(Drop::table_full)].value();
  }
  return figures;
}

}  // namespace

// The names of members, found once per walk: they stand in rows of services, which a binding does not know.
struct EntryWalk::Page {
  json entries = json::array();
  std::unordered_map<std::uint32_t, std::string> names;
};

EntryWalk::EntryWalk(EntryQuery query)
    : query_{std::move(query)}, at_{query_.offset}, page_{std::make_unique<Page>()} {}
EntryWalk::~EntryWalk() = default;

// Ids may change with the configuration, also between two turns.
void EntryWalk::resolve(const Snapshot& snapshot) {
  if (filters_generation_ == snapshot.generation) return;
  filters_generation_ = snapshot.generation;
  filters_ = filters_of(query_, snapshot);
  if (query_.table != Table::persistence) return;
  for (std::size_t row = 0; row < kServersMax; ++row) {
    if (snapshot.servers[row].state == ServerState::unused) continue;
    page_->names.insert_or_assign(snapshot.servers[row].member.value, snapshot.server_names[row].view());
  }
}

bool EntryWalk::is_wanted(const Snapshot& snapshot, const ConnectionEntry& entry) const {
  return std::any_of(filters_.begin(), filters_.end(), [&](const EntryFilter& filter) {
    return query_.table == Table::persistence ? matches(filter, binding_of(entry)) : matches(filter, snapshot, entry);
  });
}

bool EntryWalk::turn(const View& view) {
  if (view.region == nullptr || view.snapshot == nullptr) return true;
  const std::uint64_t boot_id = view.region->header().boot_id;
  if (std::exchange(started_, true) && boot_id != boot_id_) return true;
  boot_id_ = boot_id;
  resolve(*view.snapshot);
  const bool bindings = query_.table == Table::persistence;
  const auto entries = bindings ? view.region->persistence_entries() : view.region->entries();
  const std::uint64_t end = std::min<std::uint64_t>(at_ + entries_per_turn, entries.size());
  const Tick now = to_tick(view.now);
  for (std::size_t found = 0; at_ < end && found < found_per_turn; ++at_) {
    const auto entry = read_entry(entries[at_]);
    if (!entry || !is_wanted(*view.snapshot, *entry)) continue;
    if (page_->entries.size() == query_.limit) {
      more_ = true;
      return true;
    }
    ++found;
    json row =
        bindings ? describe_binding(*view.snapshot, *entry, now) : describe_connection(*view.snapshot, *entry, now);
    if (bindings) {
      const auto name = page_->names.find(binding_of(*entry).member.value);
      if (name != page_->names.end()) row["server"] = name->second;
    }
    page_->entries.push_back(std::move(row));
  }
  return at_ >= entries.size();
}

json EntryWalk::answer(const View& view) const {
  json answer{{"dataplane", dataplane_part(view)},
              {query_.table == Table::persistence ? "persistence" : "connections", page_->entries},
              {"offset", query_.offset},
              {"next", more_ ? json(at_) : json()}};
  if (view.region == nullptr) return answer;
  const TableFigures figures = figures_of(*view.region, query_.table);
  answer["table"] = {{"capacity", figures.capacity},
                     {"live", figures.live},
                     {"evicted", figures.evicted},
                     {"refused", figures.refused}};
  return answer;
}

}  // namespace fulcrum::surface
