#include "control/surface/local/connection_walk.h"

#include <nlohmann/json.hpp>

#include <algorithm>

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

json describe(const Snapshot& snapshot, const ConnectionEntry& entry, Tick now) {
  json row{{"client", endpoint(entry.key.client, entry.key.client_port.host())},
           {"state", word(entry.state)},
           {"reason", word(entry.reason)},
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
    row["service"] = endpoint(service->address, service->port.host());
    row["protocol"] = word(service->protocol);
  }
  if (const ServerRow* server = server_of(snapshot, entry)) {
    row["server"] = snapshot.server_names[entry.server.index].view();
    row["server_address"] = endpoint(server->address, server->port.host());
  }
  return row;
}

}  // namespace

struct ConnectionWalk::Page {
  json connections = json::array();
};

ConnectionWalk::ConnectionWalk(ConnectionQuery query)
    : query_{std::move(query)}, at_{query_.offset}, page_{std::make_unique<Page>()} {}
ConnectionWalk::~ConnectionWalk() = default;

bool ConnectionWalk::wanted(const Snapshot& snapshot, const ConnectionEntry& entry) const {
  if (!query_.farm.empty()) {
    const ServiceRow* service = service_of(snapshot, entry);
    if (service == nullptr || snapshot.farms[service->farm.value].name.view() != query_.farm) return false;
  }
  return query_.server.empty() ||
         (server_of(snapshot, entry) != nullptr && snapshot.server_names[entry.server.index].view() == query_.server);
}

bool ConnectionWalk::turn(const View& view) {
  if (view.region == nullptr || view.snapshot == nullptr) return true;
  const std::uint64_t boot_id = view.region->header().boot_id;
  if (std::exchange(started_, true) && boot_id != boot_id_) return true;
  boot_id_ = boot_id;
  const auto entries = view.region->entries();
  const std::uint64_t end = std::min<std::uint64_t>(at_ + entries_per_turn, entries.size());
  for (; at_ < end; ++at_) {
    const auto entry = read_entry(entries[at_]);
    if (!entry || !wanted(*view.snapshot, *entry)) continue;
    if (page_->connections.size() == query_.limit) {
      more_ = true;
      return true;
    }
    page_->connections.push_back(describe(*view.snapshot, *entry, to_tick(view.now)));
  }
  return at_ >= entries.size();
}

json ConnectionWalk::answer(const View& view) const {
  return {{"dataplane", dataplane_part(view)},
          {"connections", page_->connections},
          {"offset", query_.offset},
          {"next", more_ ? json(at_) : json()}};
}

}  // namespace fulcrum::surface
